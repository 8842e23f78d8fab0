"""From MJML with Jinja inside to HTML with Jinja inside, once per template.

MJML is compiled by mrml (mjml-python) and its styles are inlined by premailer. Neither knows Jinja: mrml cannot parse
`{% if a < b %}`, premailer mangles `href="{{ url }}"`. So every Jinja token is masked by a plain word before the first
and restored after the second, and that all came back in their order is checked, not hoped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from newsletter.errors import TemplateError
from newsletter.rendering.templates import TemplateFile

STYLE_LIMIT = 16_000  # bytes; Gmail ignores a <style> that is longer
NO_INLINING = 'data-premailer="ignore"'

Include = Callable[[str, TemplateFile], TemplateFile]

_QUOTED = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_TOKEN = re.compile(rf"\{{\{{(?:{_QUOTED}|[^\"'])*?\}}\}}|\{{%(?:{_QUOTED}|[^\"'])*?%\}}|\{{#.*?#\}}", re.DOTALL)
_MASK = re.compile(r"xjinja(\d{5})x")
_MASKED_CLASS = re.compile(r"<[^<>]*\bclass=(?:\"[^\"]*?|'[^']*?)xjinja(\d{5})x")
_INCLUDE = re.compile(r"<mj-include\b([^>]*?)/?>(?:\s*</mj-include>)?")
_PATH = re.compile(r"\bpath=\"([^\"]*)\"|\bpath='([^']*)'")
_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)</style>", re.DOTALL)
_VOID = re.compile(r"<(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b[^<>]*>", re.IGNORECASE)
_NO_BREAK = re.compile(r"[^\n]")
_INDENT = re.compile(r"\s*\n\s*")
# Styles of mrml's own that hold for whole documents; inlined, they would stand in every cell of the mail.
_FRAME_STYLE = re.compile(r"<style type=\"text/css\">(?=\s*#outlook a)")


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line of the joined source comes from."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.number}"


@dataclass(frozen=True, slots=True)
class JoinedSource:
    """MJML with its fragments put in, and the origin of each of its lines."""

    text: str
    lines: tuple[Line, ...]

    def at(self, number: int) -> Line:
        """Give where line `number` (from 1) of the joined text comes from."""
        return self.lines[min(max(number, 1), len(self.lines)) - 1]

    def at_offset(self, offset: int) -> Line:
        """Give where the character at `offset` of the joined text comes from."""
        return self.at(self.text.count("\n", 0, offset) + 1)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    line: Line

    @property
    def is_statement(self) -> bool:
        return self.text.startswith("{%")


def join(source: TemplateFile, include: Include) -> JoinedSource:
    """Give `source` with every `<mj-include path="…"/>` replaced by what it names (one level, as in mrml).

    mrml can include by itself, but then sections in a fragment lose the width of the body, and errors their place; and
    plain text could not. An include on a line of its own leaves no empty lines behind.
    """
    text: list[str] = []
    lines: list[Line] = [Line(source.name, 1)]

    def add(piece: str, file: str, first: int) -> None:
        text.append(piece)
        lines.extend(Line(file, first + number) for number in range(1, piece.count("\n") + 1))

    here = 0
    for found in _INCLUDE.finditer(source.text):
        number = source.text.count("\n", 0, found.start()) + 1
        before = source.text[here : found.start()]
        alone = not before.rpartition("\n")[2].strip() and source.text[found.end() : found.end() + 1] in {"\n", ""}
        add(before.rstrip(" ") if alone else before, source.name, source.text.count("\n", 0, here) + 1)
        part = include(_path(found, Line(source.name, number)), source)
        if nested := _INCLUDE.search(part.text):
            where = Line(part.name, part.text.count("\n", 0, nested.start()) + 1)
            raise TemplateError(f"{where}: a fragment cannot include another", hint=f"include it from {source.name}")
        if alone:
            lines[-1] = Line(part.name, 1)
        else:
            add("\n", part.name, 0)
        add(part.text.rstrip("\n"), part.name, 1)
        here = found.end()
        if not alone:
            add("\n", source.name, number - 1)
    add(source.text[here:], source.name, source.text.count("\n", 0, here) + 1)
    return JoinedSource("".join(text), tuple(lines))


def compile_html(source: JoinedSource) -> str:
    """Give HTML, still with Jinja inside, from MJML with Jinja inside. Takes about a tenth of a second.

    Raises TemplateError, with file and line: MJML that does not parse, Jinja where MJML or CSS cannot keep it.
    """
    _check_characters(source)
    masked, tokens = _mask(source)
    html = _mjml_to_html(masked, source)
    _check_statements(html, tokens)
    html = html.replace("<!doctype html>", "<!DOCTYPE html>", 1)  # premailer drops it in lower case
    html = _FRAME_STYLE.sub(f'<style type="text/css" {NO_INLINING}>', html)
    inlined = _inline(html)
    if _MASK.findall(inlined) != _MASK.findall(html):
        raise TemplateError(
            f"{source.lines[0].file}: inlining the styles moved or lost Jinja expressions",
            hint="keep Jinja out of <mj-style>, and statements in <mj-raw> or inside of text",
        )
    _check_styles(inlined, source)
    compact = _INDENT.sub("\n", inlined)
    return _MASK.sub(lambda found: tokens[int(found[1])].text, compact)


def _path(found: re.Match[str], where: Line) -> str:
    path = _PATH.search(found[1])
    if path is None:
        raise TemplateError(f'{where}: <mj-include> needs a path="…"')
    return path[1] or path[2] or ""


def _check_characters(source: JoinedSource) -> None:
    for number, line in enumerate(source.text.split("\n"), start=1):
        control = next((c for c in line if c < " " and c not in "\t\r"), None)
        if control is not None:
            raise TemplateError(f"{source.at(number)}: the character U+{ord(control):04X} cannot stand in a template")
    if found := _MASK.search(source.text):
        raise TemplateError(f"{source.at_offset(found.start())}: the word {found[0]} is needed for compiling")


def _mask(source: JoinedSource) -> tuple[str, list[_Token]]:
    """The source with a word in place of each Jinja token, with as many line breaks, so that lines keep their place."""
    tokens: list[_Token] = []

    def word(found: re.Match[str]) -> str:
        breaks = "\n" * found[0].count("\n")
        if found[0].startswith("{#"):
            return breaks
        tokens.append(_Token(found[0], source.at_offset(found.start())))
        return f"xjinja{len(tokens) - 1:05d}x{breaks}"

    return _TOKEN.sub(word, source.text), tokens


def _mjml_to_html(masked: str, source: JoinedSource) -> str:
    from mjml import mjml2html  # noqa: PLC0415 (10 MB of Rust that the command line seldom needs)

    try:
        return mjml2html(masked, fonts={})
    except ValueError as error:
        where, what = _diagnose(masked, source)
        raise TemplateError(
            f"{where}: {what or error}", hint="MJML is XML: every tag closed, every < written &lt;"
        ) from (error)


def _diagnose(masked: str, source: JoinedSource) -> tuple[Line, str]:
    """Where and what the mistake is. mrml says neither lines nor, mostly, reasons; an XML parser says both.

    It would stumble over tags that HTML need not close (<img>, <meta>), which is no mistake inside of text.
    """
    from xml.parsers import expat  # noqa: PLC0415 (our own template, and only after it failed)

    parser = expat.ParserCreate()
    parser.UseForeignDTD(True)  # HTML's entities (&nbsp;) are no mistakes
    try:
        parser.Parse(_VOID.sub(lambda tag: _NO_BREAK.sub(" ", tag[0]), masked), True)
    except expat.ExpatError as error:
        return source.at(error.lineno), expat.errors.messages[error.code]
    return source.lines[0], ""


def _check_statements(html: str, tokens: Sequence[_Token]) -> None:
    """Raise unless every token is there, and every statement once and in its place among the others."""
    present = [int(number) for number in _MASK.findall(html)]
    kept = set(present)
    for number, token in enumerate(tokens):
        if number not in kept:
            raise TemplateError(
                f"{token.line}: MJML dropped {token.text}",
                hint="an attribute that takes a number, or a tag that MJML does not know, cannot hold Jinja",
            )
    if masked := _MASKED_CLASS.search(html):
        token = tokens[int(masked[1])]
        raise TemplateError(
            f"{token.line}: styles cannot be inlined by a class that holds {token.text}",
            hint="choose between whole tags instead: {% if … %}<p class=…>",
        )
    found = [number for number in present if tokens[number].is_statement]
    wanted = [number for number, token in enumerate(tokens) if token.is_statement]
    if found != wanted:
        first = next((a for a, b in zip(wanted, found, strict=False) if a != b), found[-1])
        raise TemplateError(
            f"{tokens[first].line}: MJML moved or repeated {tokens[first].text}",
            hint="statements belong in <mj-raw> or inside of text, not in attributes",
        )


def _inline(html: str) -> str:
    from premailer import Premailer  # noqa: PLC0415 (brings lxml and cssutils)

    # Each option is there for a reason: the defaults strip !important from dark rules, fetch what is linked, turn
    # widths into "100%" and drop the rules that cannot be inlined.
    premailer = Premailer(
        html,
        keep_style_tags=True,
        strip_important=False,
        disable_validation=True,
        allow_network=False,
        disable_basic_attributes=["width", "height"],
        cssutils_logging_level="CRITICAL",
    )
    return str(premailer.transform())


def _check_styles(html: str, source: JoinedSource) -> None:
    for _, style in _STYLE.findall(html):
        if len(style.encode()) > STYLE_LIMIT:
            raise TemplateError(
                f"{source.lines[0].file}: a <style> of {len(style.encode())} bytes is more than Gmail reads",
                hint=f"keep each under {STYLE_LIMIT} bytes",
            )
