"""The language that a mail is written in: its catalogue of translations, its dates, numbers and lists.

English is the source; a catalogue (gettext) translates it. Dates and numbers are those of CLDR, by Babel. A reader's
tag is resolved to the nearest language there is a catalogue for, else to English, and the mail says which it is in.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import cache, lru_cache
from pathlib import Path

# At once, not where they are first used: Babel's modules import each other in a circle, and of several threads that
# began at different places of it one would see a module that is half there.
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_decimal

from newsletter.errors import TemplateError

SHIPPED = Path(__file__).resolve().parent.parent / "locales"
DOMAIN = "newsletter"
SOURCE = "en"
# ISO 639-1 languages that are written from right to left.
_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})
# English without a country is written as the texts of the project are: "23 November", "A, B and C".
_AS_WRITTEN = {SOURCE: "en_GB"}


@dataclass(frozen=True, eq=False)  # what is remembered by language ends with it: its catalogue may have changed
class Language:
    """What writes for one reader. `tag` is BCP 47, for `lang`; `locale` names CLDR's data, as in `de_AT`."""

    tag: str
    locale: str
    _catalogue: gettext.NullTranslations = field(repr=False)

    @property
    def right_to_left(self) -> bool:
        """Whether it is written from right to left."""
        return self.tag.split("-", maxsplit=1)[0] in _RIGHT_TO_LEFT

    def __call__(self, message: str, /, **values: str) -> str:
        """Give a message in this language, with values put in where it has `%(name)s`."""
        said = self._catalogue.gettext(message)
        return said % values if values else said

    def many(self, one: str, several: str, number: int, /, **values: str) -> str:
        """Give one of two messages by a number, which stands where they have `%(count)s`."""
        return self.choose(one, several, number) % {"count": self.number(number), **values}

    def choose(self, one: str, several: str, number: int) -> str:
        """Give that message as it stands in the catalogue, with no values put in."""
        return self._catalogue.ngettext(one, several, number)

    def number(self, number: int) -> str:
        """Give "1,234"."""
        return _number(number, self.locale)

    def long_date(self, day: date) -> str:
        """Give "Monday 23 November 2026"."""
        return _date(day, self.locale, "full")

    def short_date(self, day: date) -> str:
        """Give "23 Nov"."""
        return _date(day, self.locale, "MMMd")

    def clock(self, hour: int) -> str:
        """Give "07:00"."""
        return _clock(hour, self.locale)

    def listed(self, items: Sequence[str]) -> str:
        """Give "A", "A and B", "A, B and C"."""
        return _listed(tuple(items), self.locale)


def available(override: Path | None = None) -> tuple[str, ...]:
    """Give the languages that mails can be written in, English first."""
    found = {one.parent.parent.name for root in _roots(override) for one in root.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")}
    return (SOURCE, *sorted(found))


@cache
def language(wanted: str, override: Path | None = None) -> Language:
    """Give the language for a tag as readers have it ("de-AT"). `override` is a folder of templates of one's own.

    Catalogues are `locales/<language>/LC_MESSAGES/newsletter.mo`, in that folder or among what ships with the program.
    """
    tags = _tags(wanted)
    for tag in tags:
        for root in _roots(override):
            file = root / tag.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.mo"
            if file.is_file():
                return Language(tag, _locale(tags, tag), _catalogue(file))
    tag = SOURCE if SOURCE in tags else ""
    return Language(SOURCE, _locale(tags, tag) if tag else _AS_WRITTEN[SOURCE], gettext.NullTranslations())


def _roots(override: Path | None) -> Iterable[Path]:
    return [override / "locales", SHIPPED] if override else [SHIPPED]


def _catalogue(file: Path) -> gettext.GNUTranslations:
    try:
        with file.open("rb") as stream:
            return gettext.GNUTranslations(stream)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise TemplateError(f"cannot read the translations in {file}: {error}") from error


def _tags(wanted: str) -> list[str]:
    """Give a tag and what it is a variety of: "zh-Hant-TW", "zh-Hant", "zh"."""
    parts = wanted.replace("_", "-").split("-")
    if not all(part.isascii() and part.isalnum() for part in parts):
        return [SOURCE]
    parts[0] = parts[0].lower()
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _locale(tags: Sequence[str], found: str) -> str:
    """Give the name of CLDR's data: the reader's own variety of the language, where there is such a one."""
    for tag in (*tags, found):
        name = _AS_WRITTEN.get(tag) or _known(tag)
        if name and name.split("_")[0] == found.split("-", maxsplit=1)[0]:
            return name
    return _AS_WRITTEN[SOURCE]


def _known(tag: str) -> str:
    try:
        return str(Locale.parse(tag, sep="-"))
    except (UnknownLocaleError, ValueError):
        return ""


@cache
def _data(locale: str) -> Locale:
    return Locale.parse(locale)


@lru_cache(maxsize=4096)
def _date(day: date, locale: str, form: str) -> str:
    if form == "full":
        return format_date(day, "full", locale=_data(locale))
    return format_skeleton(form, day, locale=_data(locale))


@lru_cache(maxsize=256)
def _clock(hour: int, locale: str) -> str:
    return format_time(time(hour), "short", locale=_data(locale))


@lru_cache(maxsize=4096)
def _number(number: int, locale: str) -> str:
    return format_decimal(number, locale=_data(locale))


@lru_cache(maxsize=8192)  # the authors of one paper stand in many mails of a day
def _listed(items: tuple[str, ...], locale: str) -> str:
    return format_list(items, locale=_data(locale)) if items else ""


ENGLISH = language(SOURCE)
