"""Bytes to papers: the formats we know, and which of them a document is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from newsletter.config import SourceKind
from newsletter.errors import NotADigestError
from newsletter.model import Digest
from newsletter.sources import digest, feed, huggingface, sniff


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes to be parsed, with all that a parser may need: `where` they came from, the day, the seconds it may take."""

    data: bytes
    where: str
    today: date
    parse_timeout: float


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it needs, in words for an error; how its beginning is known; and its parser."""

    name: str
    needs: str
    recognises: Callable[[bytes], bool]
    parse: Callable[[Document], Digest]


# In the order in which they are tried. Copied text has no mark of its own, so it comes last and judges by its contents.
FORMATS: dict[SourceKind, Format] = {
    SourceKind.FEED: Format(
        name="feed",
        needs=feed.NEEDS,
        recognises=sniff.is_feed,
        parse=lambda document: feed.parse(document.data, where=document.where, timeout=document.parse_timeout),
    ),
    SourceKind.HUGGINGFACE: Format(
        name="Hugging Face JSON",
        needs=huggingface.NEEDS,
        recognises=sniff.is_json,
        parse=lambda document: huggingface.parse(document.data, where=document.where),
    ),
    SourceKind.DIGEST: Format(
        name="copied digest",
        needs=digest.NEEDS,
        recognises=lambda data: not sniff.looks_like(data),
        parse=lambda document: digest.parse(document.data, where=document.where, today=document.today),
    ),
}


def parse(data: bytes, *, kind: SourceKind, where: str, today: date, parse_timeout: float) -> Digest:
    """Give the papers in `data`. `where` is the file or address for errors; `parse_timeout` is in seconds.

    Raises NotADigestError when the bytes are not of the format (under AUTO: of any format), and SourceError when a
    feed reports an error of its own or takes too long.
    """
    document = Document(data, where, today, parse_timeout)
    if kind is not SourceKind.AUTO:
        return FORMATS[kind].parse(document)
    known = next((each for each in FORMATS.values() if each.recognises(data)), None)
    if known is None:
        raise _unknown(f"{where} is {sniff.looks_like(data)}")
    try:
        return known.parse(document)
    except NotADigestError as error:
        raise _unknown(error.message) from error


def _unknown(found: str) -> NotADigestError:
    looked_for = "; ".join(f"{each.name} ({each.needs})" for each in FORMATS.values())
    return NotADigestError(
        f"{found}. Looked for: {looked_for}",
        hint="for a web page, give the address of its feed, or copy the page's text into a file",
    )
