"""Text that is put together from pieces, of which most stand in other mails too, and its form in a message.

What stands in many is put into quoted-printable by itself, and remembered: a line that goes on in the next piece ends
with a soft line break (RFC 2045, section 6.7), which may stand anywhere.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Self

_LONG = 60  # characters
_NOTHING: Mapping[str, bytes] = MappingProxyType({})
_SOFT = b"=\r\n"
_BEGINS_ILL = re.compile(rb"\n[.F]")
_FROM = re.compile(rb"^From ", re.MULTILINE)
_DOT = re.compile(rb"^\.([^\r\n]*)", re.MULTILINE)
_LINE = 76


class Patch(str):
    """A piece that stands in many texts. It is handed on as it is, by `str` as well."""

    __slots__ = ("_encoded",)
    _encoded: bytes

    def __str__(self) -> str:
        """Give the piece itself."""
        return self

    @property
    def quoted_printable(self) -> bytes:
        """The piece as lines of its own; worked out once."""
        try:
            return self._encoded
        except AttributeError:
            self._encoded = _lines(self)
            return self._encoded


class Patchwork(str):
    """A text that knows its pieces. `layout` has those that are its template's own, in quoted-printable (`layout`)."""

    __slots__ = ("_encoded", "_layout", "_pieces")
    _encoded: bytes
    _layout: Mapping[str, bytes]
    _pieces: tuple[str, ...]

    def __new__(cls, pieces: Iterable[str], layout: Mapping[str, bytes] = _NOTHING) -> Self:
        """Join the pieces."""
        kept = tuple(pieces)
        text = super().__new__(cls, "".join(kept))
        text._pieces, text._layout = kept, layout
        return text

    @property
    def quoted_printable(self) -> bytes:
        """As `quoted_printable`; worked out once."""
        try:
            return self._encoded
        except AttributeError:
            whole = "\r" in self  # half of a line break may end a piece
            self._encoded = quoted_printable("".join(self._pieces)) if whole else _joined(self._pieces, self._layout)
            return self._encoded


def layout(pieces: Iterable[str]) -> dict[str, bytes]:
    """Give pieces as lines of their own; short ones within a line are left out, as each takes a line break more."""
    return {piece: _lines(piece) for piece in pieces if len(piece) >= _LONG or "\n" in piece}


def quoted_printable(text: str) -> bytes:
    """Give a text in quoted-printable with CRLF, lines of at most 76 characters, and one line break at its end."""
    if isinstance(text, Patchwork):
        return text.quoted_printable
    return _joined((text.replace("\r\n", "\n").replace("\r", "\n"),))


def _joined(pieces: Iterable[str], known: Mapping[str, bytes] = _NOTHING) -> bytes:
    done: list[bytes] = []
    own: list[str] = []  # what stands in this mail alone, and short pieces between
    for piece in pieces:
        lines = piece.quoted_printable if type(piece) is Patch else known.get(piece)
        if lines is None:
            own.append(piece)
            continue
        if own:
            done.append(_lines("".join(own)))
            own.clear()
        done.append(lines)
    done.append(_lines("".join(own)))
    # What an equals sign stands for is encoded, so one at the end is a soft line break.
    return b"".join(done).rstrip(_SOFT) + b"\r\n"


def _lines(piece: str) -> bytes:
    """Give a piece as lines of its own, the last of which goes on where the piece does not end with a line break."""
    if not piece:
        return b""
    # b2a_qp takes the line break it meets first for its own soft ones: there must be one, and it must be CRLF.
    text = piece.replace("\n", "\r\n") if "\n" in piece else piece
    ended = text.endswith("\n")
    encoded = b2a_qp((text if ended else text + "\r\n").encode(), quotetabs=False, istext=True, header=False)
    if encoded[0] in b".F" or _BEGINS_ILL.search(encoded):
        encoded = _guarded(encoded)
    return encoded if ended else encoded[:-2] + _SOFT


def _guarded(encoded: bytes) -> bytes:
    """Let no line begin with "From ", at which old mailboxes part messages, nor with a dot, which SMTP would double
    (RFC 5321, section 4.5.2). A soft break keeps lines under their limit.
    """
    encoded = _FROM.sub(b"=46rom=\r\n ", encoded)
    while _DOT.search(encoded):
        encoded = _DOT.sub(_spelled, encoded)
    return encoded


def _spelled(found: re.Match[bytes]) -> bytes:
    rest = found[1]
    return b"=2E" + rest if len(rest) <= _LINE - 3 else b"=2E" + _SOFT + rest
