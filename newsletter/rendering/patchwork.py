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
_LONG_DOT = re.compile(rb"\n\.(?=[^\r\n]{74})")  # with two more it would have more than 76
_BETWEEN, _ENCODED_BETWEEN = "\n\0\n", b"\r\n=00\r\n"


class Patch(str):
    """A piece that stands in many texts. It is handed on as it is, by `str` as well."""

    __slots__ = ("_encoded",)
    _encoded: bytes | None

    def __str__(self) -> str:
        """Give the piece itself."""
        return self

    @property
    def quoted_printable(self) -> bytes | None:
        """The piece as lines of its own, worked out once; None where a half of a line break may end it."""
        try:
            return self._encoded
        except AttributeError:
            self._encoded = None if "\r" in self else _lines(self)
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
            encoded = _joined(self._pieces, self._layout)
            self._encoded = quoted_printable("".join(self._pieces)) if encoded is None else encoded
            return self._encoded


def layout(pieces: Iterable[str]) -> dict[str, bytes]:
    """Give pieces as lines of their own; short ones within a line are left out, as each takes a line break more."""
    long = (piece for piece in pieces if len(piece) >= _LONG or "\n" in piece)
    return {piece: _lines(piece) for piece in long if "\r" not in piece}


def quoted_printable(text: str) -> bytes:
    """Give a text in quoted-printable with CRLF, lines of at most 76 characters, and one line break at its end."""
    if isinstance(text, Patchwork):
        return text.quoted_printable
    return _ended(_lines(text.replace("\r\n", "\n").replace("\r", "\n")))


def _joined(pieces: Iterable[str], known: Mapping[str, bytes]) -> bytes | None:
    """Give pieces one after the other, None where one may end with the half of a line break or cannot be told apart."""
    runs: list[str] = []  # what stands in this mail alone, and short pieces: one before each of those done, maybe empty
    done: list[bytes] = []
    run: list[str] = []
    for piece in pieces:
        lines = piece.quoted_printable if type(piece) is Patch else known.get(piece)
        if lines is None:
            run.append(piece)
        else:
            runs.append("".join(run))
            run.clear()
            done.append(lines)
    runs.append("".join(run))
    done.append(b"")
    own = _BETWEEN.join(runs)
    if "\r" in own or own.count("\0") >= len(runs):
        return None
    # All runs are encoded at once, as for short ones most of the time goes into the calls.
    encoded = _encoded(own.replace("\n", "\r\n") + "\r\n")[:-2].split(_ENCODED_BETWEEN)
    whole: list[bytes] = []
    for own_lines, lines in zip(encoded, done, strict=True):
        if own_lines:
            whole.append(own_lines if own_lines.endswith(b"\n") else own_lines + _SOFT)
        whole.append(lines)
    return _ended(b"".join(whole))


def _ended(lines: bytes) -> bytes:
    # What an equals sign stands for is encoded, so one at the end is a soft line break.
    return lines.rstrip(_SOFT) + b"\r\n"


def _lines(piece: str) -> bytes:
    """Give a piece as lines of its own, the last of which goes on where the piece does not end with a line break."""
    if not piece:
        return b""
    # b2a_qp takes the line break it meets first for its own soft ones: there must be one, and it must be CRLF.
    text = piece.replace("\n", "\r\n") if "\n" in piece else piece
    if text.endswith("\n"):
        return _encoded(text)
    return _encoded(text + "\r\n")[:-2] + _SOFT


def _encoded(text: str) -> bytes:
    """Give lines in quoted-printable that no mailbox and no server changes.

    None begins with "From ", at which old mailboxes part messages, nor with a dot, which SMTP would double (RFC 5321,
    section 4.5.2). A soft break keeps lines under their limit.
    """
    # With a line break before the first line, all of them begin after one: what is sought so is found ten times as fast
    # as with `^`.
    encoded = b"\n" + b2a_qp(text.encode(), quotetabs=False, istext=True, header=False)
    encoded = encoded.replace(b"\nFrom ", b"\n=46rom=\r\n ")
    if b"\n." in encoded:
        while _LONG_DOT.search(encoded):  # again, as what follows may begin with a dot, too
            encoded = _LONG_DOT.sub(b"\n=2E=\r\n", encoded)
        encoded = encoded.replace(b"\n.", b"\n=2E")
    return encoded[1:]
