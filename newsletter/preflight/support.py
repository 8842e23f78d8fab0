"""Which features of HTML and CSS a mail uses, and which mail programs lack them.

The facts are those of caniemail.com for Gmail, Outlook, Apple Mail and Yahoo (`support.json`; `.ci/client-support`
renews it). What the shipped templates use all the same stands in `allowed.toml`, with what readers get without it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.preflight.letter import Letter
from newsletter.preflight.result import Result, ok, warning

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_HERE = Path(__file__).parent
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AT = re.compile(r"@([a-z-]+)([^{;]*)")
_RULE = re.compile(r"([^{}@;]+)\{([^{}]*)\}")
_UNIT = re.compile(r"(?<![\w#-])[\d.]+(px|em|rem|vh|vw|vmin|vmax|ch|ex|cm|mm|in|pc|pt|%)(?![\w])")
_FUNCTION = re.compile(r"\b(calc|clamp|min|max|rgba?|var|linear-gradient|radial-gradient|conic-gradient|light-dark)\(")
_PSEUDO = re.compile(r"(?<!:)(::?)([a-z-]+)")
_HEADINGS = {f"h{level}": "h1-h6" for level in range(1, 7)}
_ELEMENTS = {
    **_HEADINGS,
    **dict.fromkeys(("ul", "ol", "li", "dl", "dt", "dd"), "lists"),
    **dict.fromkeys(("article", "aside", "details", "figure", "footer", "header", "main", "mark", "nav", "section",
                     "summary", "time"), "semantics"),
}  # fmt: skip
_SELECTORS = {
    "child": re.compile(r">"),
    "adjacent-sibling": re.compile(r"\+"),
    "general-sibling": re.compile(r"~(?!=)"),
    "attribute": re.compile(r"\["),
    "id": re.compile(r"#[A-Za-z]"),
    "universal": re.compile(r"\*"),
}
_FUNCTIONS = {"calc": "unit-calc", "var": "variables", "rgb": "rgb", "rgba": "rgba"}


@cache
def facts() -> Mapping[str, Mapping[str, str]]:
    """Give, by feature, the programs that lack it ("n") or know it in part ("a")."""
    found: Mapping[str, Mapping[str, str]] = json.loads((_HERE / "support.json").read_text(encoding="utf-8"))[
        "features"
    ]
    return found


@cache
def allowed() -> Mapping[str, str]:
    """Give what may be used although it is lacking somewhere, and why."""
    return tomllib.loads((_HERE / "allowed.toml").read_text(encoding="utf-8"))


def supported(letter: Letter) -> Iterator[Result]:
    """Is there a feature that a large mail program lacks, and for which nobody said what stands in?"""
    if letter.page is None:
        return
    used = features(letter.page)
    faults = []
    for name in sorted(used - allowed().keys()):
        lacking = [client for client, answer in facts()[name].items() if answer == "n"]
        if lacking:
            where = f"https://www.caniemail.com/features/{name}/"
            cure = "do without it, or see that the mail is whole where it is missing"
            faults.append(warning("support", f"{name} is unknown to {', '.join(lacking)}", where, cure))
    yield from faults or [ok("support", f"{len(used)} features, all known or with a fallback")]


def features(page: HtmlElement) -> frozenset[str]:
    """Give the features that a mail uses, by their names at caniemail.com."""
    named = set(_of_elements(page))
    for style in page.iter("style"):
        named |= set(_of_css(_COMMENT.sub("", style.text or "")))
    return frozenset(one for one in named if one in facts())


def _of_elements(page: HtmlElement) -> Iterator[str]:
    yield "html-doctype"
    for element in page.iter():
        if not isinstance(element.tag, str):
            continue
        yield f"html-{_ELEMENTS.get(element.tag, element.tag)}"
        for name, value in element.attrib.items():
            yield f"html-{name}"
            if name == "style":
                yield from _of_declarations(value)
        if element.tag == "img":
            yield from _of_image(element.get("src") or "")
        if element.tag == "meta" and element.get("name") == "color-scheme":
            yield "html-meta-color-scheme"


def _of_image(source: str) -> Iterator[str]:
    if source.startswith("data:"):
        yield "image-base64"
    yield f"image-{source.partition('?')[0].rpartition('.')[2].lower().replace('jpeg', 'jpg')}"


def _of_css(css: str) -> Iterator[str]:
    for name, condition in _AT.findall(css):
        yield f"css-at-{name}"
        yield from (f"css-at-media-{one}" for one in re.findall(r"\(([a-z-]+)", condition))
    for selectors, body in _RULE.findall(css):
        yield from _of_selectors(selectors)
        yield from _of_declarations(body)


def _of_selectors(selectors: str) -> Iterator[str]:
    yield from (f"css-selector-{name}" for name, pattern in _SELECTORS.items() if pattern.search(selectors))
    for colons, name in _PSEUDO.findall(selectors):
        yield f"css-pseudo-{'class' if len(colons) == 1 else 'element'}-{name}"


def _of_declarations(style: str) -> Iterator[str]:
    for one in style.split(";"):
        name, _, value = (part.strip().lower() for part in one.partition(":"))
        if not value or name.startswith(("mso-", "-")):
            continue
        yield _property(name)
        if name == "display":
            yield f"css-display-{value.removesuffix('!important').strip()}"
        if "!important" in value:
            yield "css-important"
        yield from (f"css-unit-{'percent' if unit == '%' else unit}" for unit in _UNIT.findall(value))
        yield from (f"css-{_FUNCTIONS.get(function, f'function-{function}')}" for function in _FUNCTION.findall(value))


def _property(name: str) -> str:
    """The feature of a property: its own, or that of what it is a part of ("padding" for "padding-top")."""
    parts = name.split("-")
    names: Iterable[str] = (f"css-{'-'.join(parts[:length])}" for length in range(len(parts), 0, -1))
    return next((one for one in names if one in facts()), f"css-{name}")
