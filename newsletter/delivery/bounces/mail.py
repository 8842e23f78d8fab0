"""A mail taken apart, whatever is wrong with it: never an exception, and time in proportion to its length.

By hand, because the standard library's parser takes quadratic time over some headers and runs out of stack on deep
nesting; and because reports are so often malformed that what to do then must be ours to say (RFC 2045, 2046, 5322).
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

MOST_BYTES = 1_000_000  # the report stands before the message that it returns
_DEEPEST = 8
_MOST_PARTS = 60
_LONGEST_HEAD = 64_000
_LONGEST_HEADER = 4_000
_LONGEST_TEXT = 60_000

# What a webmail shows as "the original" begins with a line of blanks.
_NOTHING_YET = re.compile(rb"\A(?:[ \t]*\n)+")
_FROM_LINE = re.compile(rb"\A>?From [^\n]*\n")
_BLANK = re.compile(rb"\n[ \t]*\n|\A[ \t]*\n")
_FIELD = re.compile(r"([A-Za-z][!-9;-~]{0,70})[ \t]*:(.*)")
# Some forget the semicolon before a parameter.
_BOUNDARY = re.compile(r"[;\s]boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_CHARSET = re.compile(r"[;\s]charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE)
# Python's other codecs are odd (idna, unicode_escape) or need not be trusted with a stranger's bytes (zlib).
_CODECS = re.compile(
    r"utf-?(?:8|16|16le|16be)|iso-?8859-\d{1,2}|latin-?1|windows-\d{3,4}|cp\d{3,4}|koi8-[rut]|(?:x-)?sjis|"
    r"shift[_-]jis|euc-(?:jp|kr)|iso-2022-(?:jp|kr)|gb2312|gbk|gb18030|big5(?:-hkscs)?|ks_c_5601-1987",
    re.IGNORECASE,
)
_BLOCK = frozenset({"br", "p", "div", "tr", "li", "td", "table", "h1", "h2", "h3", "pre", "blockquote", "ul"})
_TAG = re.compile(r"/?([A-Za-z0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a mail, or all of it. `kind` is its media type in lower case; a multipart has `parts`."""

    headers: Mapping[str, tuple[str, ...]]
    body: bytes
    kind: str
    parts: tuple[Part, ...] = ()

    def header(self, name: str) -> str:
        """Give a header's first value, unfolded and decoded (RFC 2047); '' where there is none."""
        return readable(next(iter(self.headers.get(name, ())), ""))

    @property
    def text(self) -> str:
        """The text of a leaf, decoded, HTML without its tags; with line ends of one character, and cut where long."""
        raw = _transfer_decoded(self.body, self.header("content-transfer-encoding").strip().lower())
        named = _CHARSET.search(self.header("content-type"))
        text = _decoded(raw[: 4 * _LONGEST_TEXT], named[1] if named else "").replace("\r\n", "\n").replace("\r", "\n")
        return (_without_tags(text) if self.kind == "text/html" else text)[:_LONGEST_TEXT]

    def leaves(self) -> Iterator[Part]:
        """Give the parts that have none of their own; a message that is enclosed is one of them."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


def parse(data: bytes) -> Part:
    """Take a mail apart."""
    lines = data[:MOST_BYTES].replace(b"\r\n", b"\n")
    if b"\n" not in lines:  # as old Macintoshes end lines, and what passed through one
        lines = lines.replace(b"\r", b"\n")
    return _part(_FROM_LINE.sub(b"", _NOTHING_YET.sub(b"", lines)), _DEEPEST, [_MOST_PARTS], "text/plain")


def enclosed(part: Part) -> Part:
    """Give the message (or only its headers) that a part encloses."""
    raw = _transfer_decoded(part.body, part.header("content-transfer-encoding").strip().lower())
    return parse(raw.lstrip(b"\n"))


def fields(text: str) -> Mapping[str, tuple[str, ...]]:
    """Give the fields of a head by their names in lower case, unfolded; lines that are none are passed over."""
    found: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in text.split("\n"):
        if line[:1] in {" ", "\t"} and last is not None:
            if len(last[-1]) < _LONGEST_HEADER:
                last[-1] += " " + line.strip()[:_LONGEST_HEADER]
        elif field := _FIELD.match(line[:_LONGEST_HEADER]):
            last = found.setdefault(field[1].lower(), [])
            last.append(field[2].strip())
        else:
            last = None
    return {name: tuple(values) for name, values in found.items()}


def readable(value: str) -> str:
    """Give a header's value with its encoded words decoded (RFC 2047)."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        piece if isinstance(piece, str) else _decoded(piece, charset or "") for piece, charset in pieces
    ).replace("\n", " ")


def _part(data: bytes, depth: int, left: list[int], usual: str) -> Part:
    left[0] -= 1
    blank = _BLANK.search(data, 0, _LONGEST_HEAD)
    head = data[: blank.start()] if blank else data[:_LONGEST_HEAD]
    body = data[blank.end() :] if blank else b""
    headers = fields(_decoded(head, ""))
    said = next(iter(headers.get("content-type", ())), usual)
    kind = next(iter(said.partition(";")[0].lower().split()), usual)
    boundary = _BOUNDARY.search(said)
    if not (depth and kind.startswith("multipart/") and boundary):
        return Part(headers, body, kind)
    inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    parts = tuple(
        _part(piece, depth - 1, left, inner)
        for piece in _pieces(body, (boundary[1] or boundary[2]).encode("utf-8", "replace"))
        if left[0] > 0
    )
    return Part(headers, body, kind, parts)


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """Cut a multipart at its boundary lines; what stands before the first is no part (RFC 2046, section 5.1.1)."""
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*$", re.MULTILINE)
    found, start = [], None
    for mark in line.finditer(body):
        if start is not None:
            found.append(body[start : max(start, mark.start() - 1)])
        start = None if mark[1] else mark.end() + 1
        if len(found) > _MOST_PARTS:
            return found
    if start is not None:  # cut short on its way
        found.append(body[start:])
    return found


def _transfer_decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        try:
            return base64.b64decode(body)
        except (binascii.Error, ValueError):
            return body
    return body


def _decoded(raw: bytes, charset: str) -> str:
    if charset and _CODECS.fullmatch(charset):
        try:
            return raw.decode(charset, "replace")
        except (LookupError, ValueError):
            pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _without_tags(text: str) -> str:
    """Give the text of HTML. No pattern over the whole of it: hostile HTML would make that quadratic."""
    first, *rest = text.split("<")
    kept, skipping = [first], ""
    for piece in rest:
        inside, closed, after = piece.partition(">")
        tag = _TAG.match(inside)
        name = tag[1].lower() if tag else ""
        if skipping:
            skipping = "" if inside.lower().startswith("/" + skipping) else skipping
            after = after if not skipping else ""
        elif name in {"style", "script", "head"} and not inside.startswith("/"):
            skipping = name
            continue
        elif not name and not inside.startswith("!"):  # "<ada@lab.example>" that nobody escaped
            after = f"<{inside}{closed}{after}"
        elif "@" in inside and "=" not in inside:
            after = f"<{inside}>{after}"
        kept.append(("\n" if name in _BLOCK else " ") + after)
    return html.unescape("".join(kept))
