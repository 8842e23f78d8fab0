"""A catalogue in Arabic letters for tests of layout: no translation, each letter of English is set as an Arabic one."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from newsletter.rendering import Language, language
from newsletter.rendering.language import DOMAIN, SHIPPED

_LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ابجدهفغحيجكلمنوبقرستوفخشيز")
_KEPT = re.compile(r"(%\(\w+\)s|`[^`]*`)")


def arabic(folder: Path) -> Language:
    """The language, whose catalogue is written into a folder of templates of one's own."""
    with (SHIPPED / "de" / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as stream:
        messages = [message.id for message in read_po(stream) if message.id]
    catalogue = Catalog(locale="ar")
    for message in messages:
        forms = (message[0], *[message[1]] * 5) if isinstance(message, (tuple, list)) else message
        text = tuple(map(_set, forms)) if isinstance(forms, tuple) else _set(forms)
        catalogue.add(message, text)
    file = folder / "locales" / "ar" / "LC_MESSAGES" / f"{DOMAIN}.mo"
    file.parent.mkdir(parents=True)
    with file.open("wb") as stream:
        write_mo(stream, catalogue)
    return language("ar", folder)


def _set(english: str) -> str:
    return "".join(
        part if number % 2 else part.lower().translate(_LETTERS) for number, part in enumerate(_KEPT.split(english))
    )
