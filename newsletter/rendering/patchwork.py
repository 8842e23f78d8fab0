"""Text that is put together from pieces, of which most stand in other mails too, and its form in a message.

What stands in many is put into quoted-printable by itself, and remembered: a line that goes on in the next piece ends
with a soft line break (RFC 2045, section 6.7), which may stand anywhere.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterable
from functools import lru_cache
from typing import Self

_LONG = 60  # characters; shorter pieces are taken together
_SOFT = b"=\r\n"
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
    """A text that knows its pieces."""

    __slots__ = ("_encoded", "_pieces")
    _encoded: bytes
    _pieces: tuple[str, ...]

    def __new__(cls, pieces: Iterable[str]) -> Self:
        """Join the pieces."""
        kept = tuple(pieces)
        text = super().__new__(cls, "".join(kept))
        text._pieces = kept
        return text

    @property
    def quoted_printable(self) -> bytes:
        """As `quoted_printable`; worked out once."""
        try:
            return self._encoded
        except AttributeError:
            self._encoded = _joined(self._pieces) if "\r" not in self else quoted_printable("".join(self._pieces))
            return self._encoded


def quoted_printable(text: str) -> bytes:
    """Give a text in quoted-printable with CRLF, lines of at most 76 characters, and one line break at its end."""
    if isinstance(text, Patchwork):
        return text.quoted_printable
    return _joined((text.replace("\r\n", "\n").replace("\r", "\n"),))


def _joined(pieces: Iterable[str]) -> bytes:
    done: list[bytes] = []
    own: list[str] = []  # what stands in this mail alone, and short pieces between
    for piece in pieces:
        lasting = type(piece)
        if lasting is Patch or (lasting is str and len(piece) >= _LONG):
            if own:
                done.append(_lines("".join(own)))
                own.clear()
            done.append(piece.quoted_printable if isinstance(piece, Patch) else _remembered(piece))
        else:
            own.append(piece)
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
    if b"From " in encoded:
        # Old mailboxes part messages at lines that begin so; the soft break keeps the line under its limit.
        encoded = (b"\r\n" + encoded).replace(b"\r\nFrom ", b"\r\n=46rom=\r\n ")[2:]
    while encoded[:1] == b"." or b"\n." in encoded:  # so that no line need be changed on its way (RFC 5321, 4.5.2)
        encoded = _DOT.sub(_spelled, encoded)
    return encoded if ended else encoded[:-2] + _SOFT


def _spelled(found: re.Match[bytes]) -> bytes:
    rest = found[1]
    return b"=2E" + rest if len(rest) <= _LINE - 3 else b"=2E" + _SOFT + rest


_remembered = lru_cache(maxsize=4096)(_lines)  # a piece of the layout stands in all mails
