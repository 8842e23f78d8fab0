"""Text that is put together from pieces, of which most stand in other mails too, and its form in a message.

What stands in many is put into quoted-printable by itself, and remembered: a line that goes on in the next piece ends
with a soft line break (RFC 2045, section 6.7), which may stand anywhere.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Self

_LONG = 60  # characters
_NOTHING: Mapping[str, bytes] = MappingProxyType({})
_SOFT = b"=\r\n"
_LONG_DOT = re.compile(rb"\n\.(?=[^\r\n]{74})")  # with two more it would have more than 76
_PLAIN_LINE = re.compile(r"[A-Za-z0-9:/_~-][A-Za-z0-9:/._~-]{0,74}(?!\.)")  # no line may begin with a dot
_BETWEEN, _ENCODED_BETWEEN = "\n\0\n", b"\r\n=00\r\n"


class Patch(str):
    """A piece that stands in many texts. It is handed on as it is, by `str` as well.

    `quoted_printable` has it as lines of its own; None where a half of a line break may end it.
    """

    __slots__ = ("quoted_printable",)
    quoted_printable: bytes | None

    def __new__(cls, text: str) -> Self:
        """Take a text, and put it into quoted-printable for all that it will stand in."""
        patch = super().__new__(cls, text)
        patch.quoted_printable = None if "\r" in text else _lines(text)
        return patch

    def __str__(self) -> str:
        """Give the piece itself."""
        return self


class Link(Patch):
    """A web address of letters that neither HTML nor quoted-printable write in another way (see `link`)."""

    __slots__ = ()

    def __new__(cls, text: str, lines: bytes) -> Self:
        """Take an address and what it is in quoted-printable."""
        found = str.__new__(cls, text)
        found.quoted_printable = lines
        return found

    def __html__(self) -> str:
        """Give the address itself."""
        return self


class Form:
    """A text with blanks, its pieces known."""

    def __init__(self, text: str, marks: Sequence[str]) -> None:
        """Take a text apart where the marks stand that were put in for its blanks."""
        blanks = {mark: number for number, mark in enumerate(marks)}
        pieces = re.split(f"({'|'.join(map(re.escape, marks))})", text)
        self._pieces: list[str] = [Patch(piece) for piece in pieces]
        self._places = [(place, blanks[mark]) for place, mark in enumerate(pieces) if mark in blanks]

    def filled(self, values: Sequence[str]) -> Filled:
        """Give the text with a value in each blank."""
        pieces = self._pieces.copy()
        for place, blank in self._places:
            pieces[place] = values[blank]
        return Filled(pieces)


class Filled(str):
    """A form with values in its blanks. It is handed on as it is, by `str` as well."""

    __slots__ = ("pieces",)
    pieces: Sequence[str]

    def __new__(cls, pieces: Sequence[str]) -> Self:
        """Join the pieces."""
        text = super().__new__(cls, "".join(pieces))
        text.pieces = pieces
        return text

    def __str__(self) -> str:
        """Give the text itself."""
        return self


class Patchwork(str):
    """A text that knows its pieces. `layout` has those that are its template's own, in quoted-printable (`layout`)."""

    __slots__ = ("_encoded", "_layout", "_pieces")
    _encoded: bytes
    _layout: Mapping[str, bytes]
    _pieces: Sequence[str]

    def __new__(cls, pieces: Iterable[str], layout: Mapping[str, bytes] = _NOTHING) -> Self:
        """Join the pieces."""
        kept: list[str] = []
        for piece in pieces:
            if type(piece) is Filled:
                kept += piece.pieces
            else:
                kept.append(piece)
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


def link(text: str) -> str:
    """Give a web address, as one that needs no encoding where it is such a one."""
    lines = _PLAIN_LINE.findall(text)
    if not lines or sum(map(len, lines)) != len(text):
        return text
    return Link(text, "=\r\n".join((*lines, "")).encode())


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
    runs: list[str] = []  # what stands in this mail alone, and short pieces
    parts: list[bytes] = []  # nothing: the next of those
    run: list[str] = []
    for piece in pieces:
        lines = piece.quoted_printable if isinstance(piece, Patch) else known.get(piece)
        if lines is None:
            run.append(piece)
        elif lines:
            if run:
                runs.append("".join(run))
                parts.append(b"")
                run.clear()
            parts.append(lines)
    runs.append("".join(run))
    parts.append(b"")
    own = _BETWEEN.join(runs)
    if "\r" in own or own.count("\0") >= len(runs):
        return None
    # All runs are encoded at once, as for short ones most of the time goes into the calls.
    encoded = iter(_encoded(own.replace("\n", "\r\n") + "\r\n")[:-2].split(_ENCODED_BETWEEN))
    return _ended(b"".join(lines or _open(next(encoded)) for lines in parts))


def _open(lines: bytes) -> bytes:
    """Give lines of which the last goes on where it is no whole one."""
    return lines + _SOFT if lines and not lines.endswith(b"\n") else lines


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
