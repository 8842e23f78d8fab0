"""Wrapping for terminals: hanging indents, columns as they are seen, addresses never broken."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

WIDTH = 72


def columns(text: str) -> int:
    """Give how many columns of a terminal `text` takes: two for East Asian wide characters, none for marks."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


@lru_cache(maxsize=8192)  # one paper stands in many mails of a day
def fill(text: str, first: str = "", rest: str = "", width: int = WIDTH) -> str:
    """Give `text` wrapped at `width` columns; the first line begins with `first`, the others with `rest`.

    A word longer than a line is cut, unless it is an address: those stay whole, on a line that is too long.
    """
    lines: list[str] = []
    line, used = first, columns(first)
    empty = True  # of words; indents do not count
    for word in _pieces(text, width - max(columns(first), columns(rest))):
        needed = columns(word) + (not empty)
        if not empty and used + needed > width:
            lines.append(line)
            line, used, empty = rest, columns(rest), True
            needed = columns(word)
        line += word if empty else f" {word}"
        used += needed
        empty = False
    return "\n".join([*lines, line.rstrip()])


def rule(character: str = "-", width: int = WIDTH) -> str:
    """Give a line of `character` across the page."""
    return character * width


def heading(text: str) -> str:
    """Give a heading, in capitals where the script has them."""
    return fill(text.upper())


def padded(text: str, width: int, indent: str = "") -> str:
    """Give `text` with spaces after it up to `width` columns, as they are seen."""
    return indent + text + " " * (width - columns(text))


def _pieces(text: str, room: int) -> list[str]:
    pieces: list[str] = []
    for word in text.split():
        if len(word) <= room // 2 or "://" in word or columns(word) <= room:
            pieces.append(word)
        else:
            pieces += _cut(word, room)
    return pieces


def _cut(word: str, room: int) -> list[str]:
    pieces, start, used = [], 0, 0
    for place, character in enumerate(word):
        size = _columns(character)
        if used + size > room and place > start:
            pieces.append(word[start:place])
            start, used = place, 0
        used += size
    return [*pieces, word[start:]]


def _columns(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in {"Cf", "Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
