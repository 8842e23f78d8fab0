"""`{% once paper=card.paper, first=loop.first %} … {% endonce %}`: what is the same in many mails is filled once.

Between the tags a template sees these values and what all templates see (`templates.speaking`), nothing else. So
whatever is said there depends on what the tag names, and is remembered by it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from newsletter.rendering.patchwork import Patch

_MOST = 4096  # fillings of one block; a card takes some 6 KB


class Once(Extension):
    """The tag, for one environment that fills one template."""

    tags = {"once"}  # noqa: RUF012  as the base class has it

    def parse(self, parser: Parser) -> nodes.Node:
        """Give what fills the block, or takes it from memory."""
        line = next(parser.stream).lineno
        given: list[nodes.Keyword] = []
        while not given or parser.stream.skip_if("comma"):
            name = parser.stream.expect("name").value
            parser.stream.expect("assign")
            given.append(nodes.Keyword(name, parser.parse_expression()))
        return self.placed(given, parser.parse_statements(("name:endonce",), drop_needle=True), line)

    def placed(self, given: list[nodes.Keyword], body: list[nodes.Node], line: int) -> nodes.Node:
        """Give what stands in the template in place of the block."""
        # As a filter, which compiled templates call without a detour.
        name = f"once {len(self.environment.filters)}"
        self.environment.filters[name] = self._filled([one.key for one in given], body)
        first, *others = (one.value for one in given)
        filled = nodes.Output([nodes.Filter(first, name, others, [], None, None, lineno=line)], lineno=line)
        if not self.environment.autoescape:
            return filled
        # It was escaped when it was filled; with `escape` Jinja would also make a copy of it each time.
        as_it_is = nodes.Keyword("autoescape", nodes.Const(False))
        return nodes.ScopedEvalContextModifier([as_it_is], [filled], lineno=line)

    def _filled(self, names: list[str], body: list[nodes.Node]) -> Callable[..., Patch]:
        tree = nodes.Template(body, lineno=1)
        tree.set_environment(self.environment)
        code, known = self.environment.compile(tree), dict(self.environment.globals)
        template = self.environment.template_class.from_code(self.environment, code, known)

        @lru_cache(maxsize=_MOST)
        def fill(*values: Hashable) -> Patch:
            return Patch(template.render(zip(names, values, strict=True)))

        return fill


class Plain(Once):
    """The tag, for who only reads what stands in the block (`make translations`)."""

    def placed(self, given: list[nodes.Keyword], body: list[nodes.Node], line: int) -> nodes.Node:
        """Leave the block where it is."""
        return nodes.Scope(body, lineno=line)
