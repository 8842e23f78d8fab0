"""`{% once paper=card.paper, first=loop.first %} … {% endonce %}`: what is the same in many mails is filled once.

Between the tags a template sees these values and what all templates see (`templates.speaking`), nothing else. So
whatever is said there depends on what the tag names, and is remembered by it. `{% once paper=card.paper with
url=card.more_url %}` leaves blanks: what stands after `with` is each mail's own, and put in where the block writes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache

from jinja2 import Template, TemplateRuntimeError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup, escape

from newsletter.rendering.patchwork import Filled, Form, Link, Patch

_MOST = 8192  # fillings of one block; a card takes some 6 KB
# They stand for blanks while a block is filled: nobody can write them into a paper. There are two, as what a template
# makes of a blank, where it does not just write it, differs with what stands in it.
_MARKS = secrets.token_hex(8), secrets.token_hex(9)


class Once(Extension):
    """The tag, for one environment that fills one template."""

    tags = {"once"}  # noqa: RUF012  as the base class has it

    def parse(self, parser: Parser) -> nodes.Node:
        """Give what fills the block, or takes it from memory."""
        line = next(parser.stream).lineno
        given = _given(parser)
        blanks = _given(parser) if parser.stream.skip_if("name:with") else []
        return self.placed(given, blanks, parser.parse_statements(("name:endonce",), drop_needle=True), line)

    def placed(
        self, given: list[nodes.Keyword], blanks: list[nodes.Keyword], body: list[nodes.Node], line: int
    ) -> nodes.Node:
        """Give what stands in the template in place of the block."""
        # As a filter, which compiled templates call without a detour.
        name = f"once {len(self.environment.filters)}"
        filling = self._with_blanks if blanks else self._filled
        self.environment.filters[name] = filling([one.key for one in given], [one.key for one in blanks], body)
        first, *others = (one.value for one in (*given, *blanks))
        filled = nodes.Output([nodes.Filter(first, name, others, [], None, None, lineno=line)], lineno=line)
        if not self.environment.autoescape:
            return filled
        # It was escaped when it was filled; with `escape` Jinja would also make a copy of it each time.
        as_it_is = nodes.Keyword("autoescape", nodes.Const(False))
        return nodes.ScopedEvalContextModifier([as_it_is], [filled], lineno=line)

    def _filled(self, names: list[str], _: list[str], body: list[nodes.Node]) -> Callable[..., Patch]:
        template = self._template(body)

        @lru_cache(maxsize=_MOST)
        def fill(*values: Hashable) -> Patch:
            return Patch(template.render(zip(names, values, strict=True)))

        return fill

    def _with_blanks(self, names: list[str], blanks: list[str], body: list[nodes.Node]) -> Callable[..., Filled]:
        template, escaped, kept = self._template(body), bool(self.environment.autoescape), len(names)
        marks, others = (tuple(f"{mark}{number}." for number in range(len(blanks))) for mark in _MARKS)

        def put(given: Sequence[str], there: Sequence[bool], values: Sequence[Hashable]) -> str:
            shown = (Markup(mark) if one else "" for mark, one in zip(given, there, strict=True))  # noqa: S704  letters
            return template.render(zip((*names, *blanks), (*values, *shown), strict=True))

        @lru_cache(maxsize=_MOST)
        def form(there: tuple[bool, ...], *values: Hashable) -> Form:
            made = Form(put(marks, there, values), marks)
            if made.filled(others) != put(others, there, values):
                raise TemplateRuntimeError("what stands after `with` can only be written as it is, without filters")
            return made

        def fill(*values: str) -> Filled:
            own = values[kept:]
            found = form(tuple(map(bool, own)), *values[:kept])
            return found.filled([one if type(one) is Link else escape(one) for one in own] if escaped else own)

        return fill

    def _template(self, body: list[nodes.Node]) -> Template:
        tree = nodes.Template(body, lineno=1)
        tree.set_environment(self.environment)
        code, known = self.environment.compile(tree), dict(self.environment.globals)
        return self.environment.template_class.from_code(self.environment, code, known)


class Plain(Once):
    """The tag, for who only reads what stands in the block (`make translations`)."""

    def placed(
        self, given: list[nodes.Keyword], blanks: list[nodes.Keyword], body: list[nodes.Node], line: int
    ) -> nodes.Node:
        """Leave the block where it is."""
        return nodes.Scope(body, lineno=line)


def _given(parser: Parser) -> list[nodes.Keyword]:
    given: list[nodes.Keyword] = []
    while not given or parser.stream.skip_if("comma"):
        name = parser.stream.expect("name").value
        parser.stream.expect("assign")
        given.append(nodes.Keyword(name, parser.parse_expression()))
    return given
