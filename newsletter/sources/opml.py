"""OPML: lists of feeds, as feed readers export them. No papers: each feed becomes a source of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from itertools import islice, zip_longest
from typing import Any
from urllib.parse import urlsplit

from newsletter.errors import NotADigestError
from newsletter.sources import sniff
from newsletter.sources.text import decode, http_url, plain

NEEDS = "OPML: XML whose first element is <opml>, with <outline xmlUrl=…> elements"
_HINT = "export the list of subscriptions from the feed reader, as OPML"

_ROOT = re.compile(r"<opml[\s>]", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)
_START = re.compile(r"<(?P<end>/)?outline\b", re.IGNORECASE)
# No value holds a "<", so that no match looks beyond the next one: the search is linear, whatever the text.
_TAG = re.compile(
    r"<outline(?P<attributes>(?:\s++[\w:.-]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'))*)\s*+(?P<empty>/)?>",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"(?<![\w:.-])([\w:.-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)')")
_READ = ("text", "title", "type", "xmlurl", "url", "category")
_LONGEST_VALUE = 2000
_MOST_OUTLINES = 20_000
_DEEPEST = 20
_MOST_TAGS = 20


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of a list: `url` is http or https, `tags` are the names of the folders and categories it is in."""

    title: str
    url: str
    tags: tuple[str, ...] = ()


def recognises(data: bytes) -> bool:
    """Tell whether the first element is <opml>."""
    return bool(_ROOT.match(sniff.opening(data)))


def parse(data: bytes, *, where: str) -> tuple[Feed, ...]:
    """Give the feeds of a list, each address once, in the order of the list; an empty list has none.

    Links to other lists, and addresses that are not http or https, are left out. Raises NotADigestError: no OPML, or
    more than 20,000 entries or 20 folders inside each other.
    """
    import listparser  # noqa: PLC0415  it imports lxml and requests

    if not recognises(data):
        found = sniff.looks_like(data) or "text of another kind"
        raise NotADigestError(f"{where} is not a list of feeds but {found}: needed is {NEEDS}", hint=_HINT)
    outlines = "".join(_outlines(decode(data), where))
    # In ASCII, because without lxml's guess at the encoding there is none to be wrong.
    clean = f"<opml><body>{outlines}</body></opml>".encode("ascii", "xmlcharrefreplace")
    feeds: dict[str, Feed] = {}
    for found in listparser.parse(clean)["feeds"]:
        one = _feed(found)
        if one is not None:
            feeds.setdefault(one.url, one)
    return tuple(feeds.values())


def _outlines(text: str, where: str) -> Iterator[str]:
    """Give the outline elements alone, well-formed and closed, so that the parser has nothing to guess."""
    depth = 0
    text = _COMMENT.sub(" ", text)
    starts = list(islice(_START.finditer(text), 2 * _MOST_OUTLINES + 1))
    if len(starts) > 2 * _MOST_OUTLINES:
        raise NotADigestError(f"{where} is a list of feeds with more than {_MOST_OUTLINES:,} entries", hint=_HINT)
    for start, behind in zip_longest(starts, starts[1:]):
        if start["end"]:
            if depth:
                depth -= 1
                yield "</outline>"
            continue
        attributes, empty = _tag(text, start, behind.start() if behind else len(text))
        yield f"<outline{_attributes(attributes)}>"
        if empty:
            yield "</outline>"
        else:
            depth += 1
        if depth > _DEEPEST:
            raise NotADigestError(
                f"{where} is a list of feeds with more than {_DEEPEST} folders inside each other", hint=_HINT
            )
    yield "</outline>" * depth


def _tag(text: str, start: re.Match[str], end: int) -> tuple[str, bool]:
    """Give the attributes of the element that begins at `start`, and whether it ends there.

    Real lists hold descriptions with raw HTML, quotes and all: then what stands up to the next element is searched.
    """
    tag = _TAG.match(text, start.start())
    if tag:
        return tag["attributes"], bool(tag["empty"])
    rest = text[start.end() : end]
    return rest, "/>" in rest


def _attributes(text: str) -> str:
    values: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(text):
        if (name := found[1].lower()) in _READ:
            values.setdefault(name, plain(unescape(found[2] or found[3] or "")))
    return "".join(
        f' {name}="{escape(values[name])}"' for name in _READ if name in values and len(values[name]) <= _LONGEST_VALUE
    )


def _feed(found: dict[str, Any]) -> Feed | None:
    url = http_url(found["url"])
    if not url:
        return None
    tags = dict.fromkeys(name for path in found["categories"] for name in path if name)
    title = plain(found["title"]) or urlsplit(url).hostname or url
    return Feed(title=title, url=url, tags=tuple(tags)[:_MOST_TAGS])
