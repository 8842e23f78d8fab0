"""Mail addresses in reports: in typed fields, in angle brackets, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Laxer than RFC 5322: reports name addresses that no standard allows, with two dots or a dot before the @.
_LETTER = r"[^\s<>()\[\],;:\"\\@`|«»]"
# From the beginning of a word only: a long one without an @ must not be tried from each of its letters.
_MAILBOX = re.compile(
    rf"(\"[^\"\\\n@]{{1,64}}\"|(?<!{_LETTER}){_LETTER}{{1,64}})@([^\W_](?:[\w-]|\.(?=[\w-])){{0,252}})"
)
_LONGEST = 320
_X400 = re.compile(r"^smtp=", re.IGNORECASE)  # `dda:SMTP=ada@lab.example`, as old Exchange names who is elsewhere
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


def first_in(text: str) -> str:
    """Give the first address in a text, '' where there is none."""
    return next(iter(all_in(text)), "")


def all_in(text: str) -> list[str]:
    """Give the addresses in a text, in their order."""
    found = (match[0] for match in _MAILBOX.finditer(text) if len(match[0]) <= _LONGEST)
    return [_X400.sub("", one).lstrip("*-–.'=") for one in found]


def typed(value: str) -> str:
    """Give the address of a field as `rfc822;ada@lab.example` (RFC 3464, section 2.1.2; RFC 6533), '' where none is."""
    kind, semicolon, address = value.partition(";")
    if not semicolon:
        address = kind
    elif kind.strip().lower() in {"x400", "x500", "fax", "system"}:
        return ""
    return first_in(_UNITEXT.sub(_letter, address))


def distinct(addresses: Iterable[str]) -> tuple[str, ...]:
    """Give each address once, as it stood first, and none that is empty."""
    return tuple({one.casefold(): one for one in reversed(list(addresses)) if one}.values())[::-1]


def _letter(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"
