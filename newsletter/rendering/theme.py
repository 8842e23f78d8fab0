"""The look of the mails: colours, fonts, logo and name, from one file `themes/<name>.toml`.

What a file leaves out is as in `journal.toml`, which says what each key means. Values are put into templates where
those say `[[light.accent]]`, before MJML is compiled: a look costs nothing for each mail.
"""

from __future__ import annotations

import colorsys
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newsletter import assets
from newsletter.errors import TemplateError, in_words

STANDARD = "journal"
LEGIBLE = 4.5  # WCAG 2.2, success criterion 1.4.3
_SEEN = 3.0  # 1.4.11: what shows where a button is
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_TEXT = re.compile(r"[^<>{}\x00-\x1f\"\\;\[\]]*")  # what stands in a style, and ends nothing there
_PLACE = re.compile(r"\[\[\s*([a-z_.]+)\s*\]\]")
# What stands on what, and how far it must stand out.
_PAIRS = (
    *((front, "sheet", LEGIBLE) for front in ("title", "text", "muted", "accent", "why")),
    *((front, "page", LEGIBLE) for front in ("text", "muted", "accent")),
    ("on_accent", "accent", LEGIBLE),
    ("edge", "sheet", _SEEN),
)


@dataclass(frozen=True, slots=True)
class Logo:
    """An image for the name at the head of a mail, and how large it is shown, in pixels. No `url`: there is none."""

    url: str
    width: int
    height: int

    def at(self, site_url: str) -> str:
        """Give the address of the image; a path is one on the site."""
        return f"{site_url}{self.url}" if self.url.startswith("/") else self.url


@dataclass(frozen=True, slots=True)
class Theme:
    """A look. `values` are those of its file by their dotted names (`light.accent`), as templates ask for them."""

    file: str
    name: str
    logo: Logo
    values: Mapping[str, str]

    def faults(self) -> Iterator[str]:
        """Say which colours cannot be told from what lies behind them."""
        for scheme in ("light", "dark"):
            for front, back, least in _PAIRS:
                pair = self.values[f"{scheme}.{front}"], self.values[f"{scheme}.{back}"]
                names = f"{self.file}: {scheme}.{front} on {scheme}.{back}"
                if (ratio := contrast(*pair)) < least:
                    yield f"{names} is {ratio:.1f}:1, less than {least}:1"
                if scheme == "light" and (ratio := contrast(*map(invert, pair))) < least:
                    yield f"{names} is {ratio:.1f}:1 where Gmail inverts colours, less than {least}:1"


def load(name: str, override: Path | None = None) -> Theme:
    """Give the look `name`. Raises TemplateError: there is no such file, or a value in it is wrong."""
    standard = _read(assets.TEMPLATES / "themes" / f"{STANDARD}.toml")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise TemplateError(f"{name!r} is no name of a theme", hint="themes/<name>.toml: letters, digits, - and _")
    roots = [root for root in (override, assets.TEMPLATES) if root is not None]
    for root in roots:
        file = root / "themes" / f"{name}.toml"
        if file.is_file():
            return _theme(f"themes/{name}.toml", standard, _read(file))
    there = ", ".join(sorted({one.stem for root in roots for one in (root / "themes").glob("*.toml")}))
    raise TemplateError(f"there is no theme {name}", hint=f"rendering.theme is one of {there}, or a file of your own")


def put_in(text: str, values: Mapping[str, str], place: Callable[[int], object]) -> str:
    """Give a template with the values of a look where it asks for them; lines keep their places.

    `place` says where a character is, by its offset. Raises TemplateError: it asks for what themes have not.
    """

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            where = place(found.start())
            raise TemplateError(f"{where}: themes have no {found[1]}", hint=f"they have {', '.join(values)}")
        return values[found[1]]

    return _PLACE.sub(value, text)


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours (#rrggbb), from 1 to 21, as WCAG 2 reckons it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def invert(colour: str) -> str:
    """Give a colour with its lightness turned round, as Gmail's apps do it with mail on dark screens."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    turned = colorsys.hls_to_rgb(hue, 1 - lightness, saturation)
    return "#" + "".join(f"{round(255 * one):02x}" for one in turned)


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TemplateError(f"cannot read the theme {file}: {in_words(error)}") from error


def _theme(file: str, standard: Mapping[str, Any], own: Mapping[str, Any]) -> Theme:
    values = dict(_flat(standard))
    for name, value in _flat(own):
        if name not in values:
            raise TemplateError(f"{file}: no such key: {name}", hint=f"themes have {', '.join(values)}")
        if type(value) is not type(values[name]):
            raise TemplateError(f"{file}: {name} is to be a {'number' if isinstance(values[name], int) else 'text'}")
        values[name] = value
    texts = {name: str(value) for name, value in values.items()}
    for name, text in texts.items():
        if name.startswith(("light.", "dark.")) and not _COLOUR.fullmatch(text):
            raise TemplateError(f"{file}: {name} is {text!r}", hint="write a colour as #rrggbb")
        if not _TEXT.fullmatch(text):
            raise TemplateError(f"{file}: {name} holds a character that cannot stand in a style")
    return Theme(file, texts["name"], _logo(file, values), texts)


def _logo(file: str, values: Mapping[str, Any]) -> Logo:
    logo = Logo(values["logo.url"], values["logo.width"], values["logo.height"])
    if logo.url and not logo.url.startswith(("https://", "/")):
        raise TemplateError(f"{file}: logo.url is {logo.url!r}", hint="it begins with https://, or with / on your site")
    if logo.url and not (0 < logo.width <= 552 and 0 < logo.height <= 400):
        raise TemplateError(f"{file}: a logo needs its width (at most 552) and height (at most 400)")
    return logo


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str | int]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
