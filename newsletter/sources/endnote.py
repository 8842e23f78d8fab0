"""EndNote's tagged format (.enw, "Refer"), as EndNote, Google Scholar and publishers export it: `%T A title`.

The tags are those of EndNote's own help ("Tagged EndNote import format"). A reference begins with `%0`, its type; what
stands on lines without a tag goes on with the line above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import sniff
from newsletter.sources.entries import digest, moment, of_arxiv, on, paper, spoken
from newsletter.sources.text import decode

NEEDS = 'lines such as "%0 Journal Article", "%T A title" and "%A Lovelace, Ada"'
_HEAD = 4096
_MOST_LINES = 1_000_000
_MOST_TAGS = 20_000  # in one reference; real ones have up to 3,303 authors
_LONGEST_PRELUDE = 10  # lines before the first reference

_TAG = re.compile(r"%([0-9A-Z@!$&()*+.,;<=>?\[\]^~])(?:[ \t]+(.*))?")
_FIRST = re.compile(r"^%0[ \t]+\S", re.MULTILINE)
_START = re.compile(r"^%0[ \t]+\S.*\n\s*%[0-9A-Z@]", re.MULTILINE)

Reference = dict[str, list[str]]


def parse(data: bytes, *, where: str) -> Digest:
    """Read references; those without a title are left out with a warning in the log.

    Raises NotADigestError: no reference at all, none that can be read, or more lines than are safe.
    """
    text = _text(data)
    if not _FIRST.search(text):
        found = sniff.looks_like(data) or "other text"
        raise NotADigestError(f"{where} is not EndNote's tagged format but {found}", hint=f"needed are {NEEDS}")
    if text.count("\n") > _MOST_LINES:
        raise NotADigestError(f"{where}: references of more than {_MOST_LINES:,} lines", hint="split it into several")
    return digest(_references(text), _record, where=where, title="", needs=NEEDS)


def recognises(data: bytes) -> bool:
    """Tell whether `data` begins with a reference, after a few lines at most."""
    if sniff.looks_like(data):
        return False
    head = _text(data[:_HEAD]).lstrip("\ufeff\n ")
    start = _START.search(head)
    return start is not None and head.count("\n", 0, start.start()) <= _LONGEST_PRELUDE


def _text(data: bytes) -> str:
    return decode(data).replace("\r\n", "\n").replace("\r", "\n")


def _references(text: str) -> Iterator[Reference]:
    """Give each reference: its values by tag, lines that go on joined."""
    for block in re.split(r"^(?=%0[ \t])", text, flags=re.MULTILINE)[1:]:
        found: Reference = {}
        tag = ""
        for line in block.split("\n", _MOST_TAGS)[:_MOST_TAGS]:
            if begins := _TAG.fullmatch(line):
                tag = begins[1]
                found.setdefault(tag, []).append((begins[2] or "").strip())
            elif tag and (more := line.strip()):
                found[tag].append(f"{found[tag].pop()} {more}")
        yield found


def _record(found: Reference) -> PaperRecord:
    year = _first(found, "D")
    return paper(
        title=_first(found, "T"),
        abstract=_first(found, "X"),
        authors=[spoken(name) for value in found.get("A", []) for name in value.split(";")],
        links=found.get("U", []),
        arxiv=of_arxiv(text for tag in "R@MZJ9" for text in found.get(tag, [])),
        dois=found.get("R", []),
        published_at=moment(_first(found, "8")) or moment(f"{_first(found, '8')} {year}") or on(year),
    )


def _first(found: Reference, tag: str) -> str:
    return next((value for value in found.get(tag, []) if value), "")
