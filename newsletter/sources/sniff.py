"""What bytes look like, said as a person would: for choosing a format, and for errors that help."""

from __future__ import annotations

import re

from newsletter.sources.text import decode, from_html

_HEAD = 4096
_MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"PK\x03\x04", "a ZIP archive (or an office document)"),
    (b"BZh", "bzip2-compressed data"),
    (b"\xfd7zXZ", "xz-compressed data"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"\x7fELF", "a program"),
)
_MOST_CONTROLS = 0.02

# Of what stands before a document, one thing at a time. No group is possessive: Python before 3.11.5 forgets where it
# was when the last round of one fails (https://github.com/python/cpython/issues/106052).
_PROLOGUE = re.compile(
    r"\s*+(?:<\?[^>]*+>|<!--.*?-->|<!doctype\s++(?!html)[^>\[]*+(?:\[[^\]]*+\]\s*+)?>)", re.DOTALL | re.IGNORECASE
)
_FEED_ROOT = re.compile(r"<(?:[\w-]+:)?(?:rss|feed|rdf|channel)\b", re.IGNORECASE)
_HTML_ROOT = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|div|main|table|script|style|p|h1)\b", re.IGNORECASE
)
_HTML_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_ELEMENT = re.compile(r"<([a-zA-Z][\w:.-]{0,60})[\s/>]")
_JSON_START = re.compile(r"\s*(?:\{\s*[\"'}]|\[\s*(?:[\[{\"'\]]|-?\d+\s*[,\]]))")
_MARKDOWN_LINK = re.compile(r"\s*\[[^\]\n]{1,500}\]\(\s*http")


def binary(data: bytes) -> str:
    """Say what kind of non-text `data` is; '' for text."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    text = decode(data[:_HEAD])
    controls = sum(1 for c in text if (c < " " and c not in "\t\n\r\f\v\x1b") or c == "\x7f")
    return "binary data" if controls > _MOST_CONTROLS * len(text) else ""


def packed(data: bytes) -> bool:
    """Tell whether `data` is an archive or compressed."""
    return any(data.startswith(magic) for magic, name in _MAGIC if "compressed" in name or "archive" in name)


def opening(data: bytes) -> str:
    """Give the beginning of `data` as text, behind any XML declaration, document type and comments."""
    text = decode(data[: 4 * _HEAD])
    at = 0
    while found := _PROLOGUE.match(text, at):
        at = found.end()
    return text[at:].lstrip("\ufeff \t\r\n")


def is_feed(data: bytes) -> bool:
    """Tell whether the first element is that of RSS, Atom or RDF."""
    return bool(_FEED_ROOT.match(opening(data)))


def is_json(data: bytes) -> bool:
    """Tell whether `data` begins as JSON does (and not as a Markdown link)."""
    start = decode(data[:_HEAD])
    return bool(_JSON_START.match(start)) and not _MARKDOWN_LINK.match(start)


def html_page(data: bytes) -> str:
    """Say which web page `data` is ('an HTML page, titled "Sign in"'); '' for anything else."""
    start = opening(data)
    if not _HTML_ROOT.match(start):
        return ""
    title = _HTML_TITLE.search(start)
    name = from_html(title[1])[:100] if title else ""
    return f'an HTML page, titled "{name}"' if name else "an HTML page"


def looks_like(data: bytes) -> str:
    """Say what `data` is when it is plainly no digest text: 'a PDF document', 'JSON', 'an XML document (<opml>)'."""
    if not data.strip():
        return "empty"
    found = binary(data) or html_page(data)
    if found:
        return found
    if is_feed(data):
        return "an RSS, Atom or RDF feed"
    if is_json(data):
        return "JSON"
    if element := _ELEMENT.match(opening(data)):
        return f"an XML document (<{element[1]}>)"
    return ""
