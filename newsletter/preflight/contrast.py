"""Can every word be read: on a light screen, a dark one, in Outlook.com's dark mode, and where Gmail inverts colours?

Colours are those that were inlined; for dark screens the rules of `prefers-color-scheme` and `[data-ogsc]` go over them
by specificity, as in a browser. Gmail's apps know neither: they turn the lightness of every colour round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.preflight.letter import Letter, place
from newsletter.preflight.result import Result, failed, ok
from newsletter.rendering.theme import LEGIBLE, contrast, invert

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)\s*\{((?:[^{}]*\{[^{}]*\})*)\s*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?\b")
_SCHEMES = {
    "light": "on a light screen",
    "dark": "on a dark screen",
    "outlook": "in Outlook.com’s dark mode",
    "inverted": "where Gmail inverts colours",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A stretch of text, its colour and what lies behind it."""

    element: HtmlElement
    colour: str
    ground: str

    @property
    def ratio(self) -> float:
        """How far it stands out."""
        return contrast(self.colour, self.ground)


def legible(letter: Letter) -> Iterator[Result]:
    """Is there text that does not stand out?"""
    if letter.page is None:
        return
    faults, least = [], 21.0
    for scheme, when in _SCHEMES.items():
        for seen in texts(letter.page, scheme):
            least = min(least, seen.ratio)
            if seen.ratio < LEGIBLE:
                what = f"{seen.colour} on {seen.ground} is {seen.ratio:.1f}:1 {when}, less than {LEGIBLE}:1"
                faults.append(failed("contrast", what, place(seen.element), "change the colours of the theme"))
    yield from faults or [ok("contrast", f"every text stands out, at {least:.1f}:1 or more, light, dark and inverted")]


def texts(page: HtmlElement, scheme: str) -> Iterator[Seen]:
    """Give every text that is seen, with its colours in a scheme: light, dark, outlook or inverted."""
    over = _overrides(page, scheme) if scheme in {"dark", "outlook"} else {}
    yield from _walk(page.find("body"), "#000000", "#ffffff", over, inverted=scheme == "inverted")


def _walk(
    element: HtmlElement, colour: str, ground: str, over: Mapping[HtmlElement, Mapping[str, str]], *, inverted: bool
) -> Iterator[Seen]:
    style = _style(element.get("style") or "")
    if style.get("display") == "none" or not isinstance(element.tag, str):
        return
    own = over.get(element, {})
    if element.get("bgcolor"):
        ground = _six(element.get("bgcolor")) or ground
    colour = own.get("color") or _colour(style, "color") or colour
    ground = own.get("background-color") or _colour(style, "background-color", "background") or ground
    texts = [element.text, *(child.tail for child in element)]
    if any((text or "").strip("\xa0 \n\t") for text in (*texts, element.get("alt"))):  # a picture may not be there
        yield Seen(element, invert(colour), invert(ground)) if inverted else Seen(element, colour, ground)
    for child in element:
        yield from _walk(child, colour, ground, over, inverted=inverted)


def _style(text: str) -> dict[str, str]:
    pairs = (one.partition(":") for one in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if value}


def _colour(style: Mapping[str, str], *names: str) -> str:
    for name in names:
        if found := _COLOUR.search(style.get(name, "")):
            return _six(found[0])
    return ""


def _six(colour: str) -> str:
    if not _COLOUR.fullmatch(colour):
        return ""
    return colour.lower() if len(colour) == 7 else "#" + "".join(2 * one for one in colour[1:].lower())


def _overrides(page: HtmlElement, scheme: str) -> dict[HtmlElement, dict[str, str]]:
    """What the dark rules set, by element. Rules are applied from the least specific to the most."""
    from cssselect import parse  # noqa: PLC0415  lazy, as lxml
    from lxml.cssselect import CSSSelector  # noqa: PLC0415

    css = "\n".join(style.text or "" for style in page.iter("style"))
    rules = _dark_rules(css) if scheme == "dark" else _outlook_rules(css)
    found: list[tuple[tuple[int, int, int], int, str, dict[str, str]]] = []
    for number, (selectors, body) in enumerate(rules):
        style = _style(body.replace("!important", ""))
        colours = {name: value for name in ("color", "background-color") if (value := _colour(style, name))}
        found += [(one.specificity(), number, one.canonical(), colours) for one in parse(selectors) if colours]
    over: dict[HtmlElement, dict[str, str]] = {}
    for _, _, selector, colours in sorted(found, key=lambda one: one[:2]):
        for element in CSSSelector(selector)(page):
            over.setdefault(element, {}).update(colours)
    return over


def _dark_rules(css: str) -> list[tuple[str, str]]:
    return [(rule[1].strip(), rule[2]) for media in _DARK.finditer(css) for rule in _RULE.finditer(media[1])]


def _outlook_rules(css: str) -> list[tuple[str, str]]:
    """The rules for a mail in which Outlook.com has marked what it recoloured; the mark itself is not in our tree."""
    ours = [rule for rule in _RULE.finditer(css) if "[data-ogs" in rule[1]]
    return [(re.sub(r"\[data-ogs[cb]\]\s*", "", rule[1]).strip(), rule[2]) for rule in ours]
