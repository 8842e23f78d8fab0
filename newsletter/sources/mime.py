"""The texts in mails. By hand, because the standard library's parser takes hours over a header of semicolons.

Enough of RFC 5322 and RFC 2045 for what programs send and people save and forward; everything is linear, and what is
beyond the limits is read as plain text.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator

from newsletter.sources.text import decode

_DEEPEST = 5
_MOST_PARTS = 50
_LONGEST_HEAD = 64 * 1024

_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")
_MBOX = re.compile(rb">?From [^\n]*\n")
# A line of the kind that begins a mail in an mbox, behind an empty one and before a header.
_NEXT_MAIL = re.compile(rb"(?<=\n)\r?\n(?=From [^\n]{1,300}\n[A-Za-z][\w-]{0,60}:)")
_MOST_MAILS = 10_000
# A line begins a header, or goes on with one: where the match fails, it tries each line once more.
_HEAD = re.compile(rb"(?:[A-Za-z][\w-]{0,60}+:[^\n]*+(?:\n[ \t][^\n]*+)*(?:\n|\Z))+")
_FIRST_LINE_END = re.compile(rb"\A\r?\n")
_FOLDED = re.compile(r"\r?\n[ \t]+")
_BOUNDARY = re.compile(r";\s*boundary\s*=\s*(?:\"([^\"]{1,100})\"|([^\s;\"]{1,100}))", re.IGNORECASE)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?((?:iso-8859|windows)-\d{1,5}|latin-?1)", re.IGNORECASE)


def headers(data: bytes) -> dict[str, str]:
    """Give the headers at the beginning of `data` by their names in lower case; none where it does not begin so."""
    return _split(data.lstrip())[0]


def mails(data: bytes) -> list[bytes]:
    """Give the mails in an mbox, each with the line that begins it; of anything else, the whole of it."""
    data = data.lstrip()
    return _NEXT_MAIL.split(data, maxsplit=_MOST_MAILS) if _MBOX.match(data) else [data]


def texts(data: bytes) -> Iterator[str]:
    """Give the plain texts of a mail or an mbox, decoded; of anything else, the whole of it."""
    for mail in mails(data):
        yield from _texts(mail, _DEEPEST, "text/plain")


def pages(mail: bytes) -> Iterator[str]:
    """Give the HTML of one mail, decoded."""
    yield from _texts(mail.lstrip(), _DEEPEST, "text/html")


def _texts(data: bytes, depth: int, wanted: str) -> Iterator[str]:
    named, body = _split(data)
    kind = named.get("content-type", "text/plain").lower()
    boundary = _BOUNDARY.search(named.get("content-type", ""))
    body = _decoded(body, named.get("content-transfer-encoding", "").strip().lower())
    if depth and kind.startswith("multipart/") and boundary:
        line = re.compile(
            rb"^--" + re.escape((boundary[1] or boundary[2]).encode()) + rb"(?:--)?[ \t]*\r?$", re.MULTILINE
        )
        for part in line.split(body, maxsplit=_MOST_PARTS)[1:]:
            yield from _texts(_FIRST_LINE_END.sub(b"", part), depth - 1, wanted)
    elif depth and kind.startswith("message/rfc822"):
        yield from _texts(body, depth - 1, wanted)
    elif kind.startswith(wanted):
        yield _text(body, kind)


def _split(data: bytes) -> tuple[dict[str, str], bytes]:
    """Part headers and body. Lines that are no headers above the first blank line mean that there are none."""
    start = _MBOX.match(data)
    begin = start.end() if start else 0
    blank = _BLANK.search(data, begin, begin + _LONGEST_HEAD)
    end = blank.start() if blank else min(len(data), begin + _LONGEST_HEAD)
    head = data[begin:end]
    if not _HEAD.fullmatch(head):
        return {}, data
    lines = _FOLDED.sub(" ", decode(head)).splitlines()
    found = ((name.strip().lower(), value.strip()) for name, colon, value in (line.partition(":") for line in lines))
    return dict(reversed(list(found))), data[blank.end() :] if blank else b""  # of two with one name, the first


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        try:
            return base64.b64decode(body)
        except binascii.Error:
            return body
    return body


def _text(body: bytes, kind: str) -> str:
    # Others (UTF-8, ASCII, none) are seen from the bytes; an odd name must not choose one of Python's odd codecs.
    named = _CHARSET.search(kind)
    try:
        return body.decode(named[1], errors="replace") if named else decode(body)
    except LookupError:
        return decode(body)
