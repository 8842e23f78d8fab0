r"""The listing that arXiv mails to its subscribers each day: as text, or as a whole mail with its headers.

Records stand between lines of dashes: a line `\\`, the id, the fields, a line `\\`, the abstract, and `\\ ( link )`.
Replacements have no abstract. The reader goes from record to record, because an abstract may hold almost anything: a
line that begins with `arXiv:`, blank lines, lines of dashes, even a `\\` of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from newsletter import identity
from newsletter.errors import NotADigestError
from newsletter.model import Announce, Digest, PaperRecord
from newsletter.sources import entries, mime, sniff
from newsletter.sources.moments import moment
from newsletter.sources.text import plain, split_authors

NEEDS = r"arXiv's daily listing mail, whose records begin with a line \\ and a line arXiv:2508.10433"
_HINT = "save the whole mail as .eml, or its text as .txt, as it came"

_MARK = r"\\"
_ID = re.compile(r"(?:arXiv|Paper):\s*(?P<id>[\w.-]{4,40}(?:/\d{7})?(?:v\d+)?)\s*(?P<cross>\(\*cross-listing\*\))?")
_LAST = re.compile(r"\\\\\s*\(\s*(?:https?://|.*\b\d+kb\s*\))")
_RULE = re.compile(r"-{20,}|%[-%]{20,}")
_DATE = re.compile(r"Date(?:\s*\([^)]*\))?:(?P<date>[^(]*)")
_REPLACED = re.compile(r"(?:\([^)]*\)\s*)?replaced with revised version", re.IGNORECASE)
_FIELDS = "Title Authors? Categories Comments? Report-no MSC-class ACM-class Journal-ref DOI License Proxy Notes?"
_FIELD = re.compile(rf"(?P<name>{'|'.join(_FIELDS.split())}):(?P<value>.*)", re.IGNORECASE)
_RECEIVED = re.compile(r"received\s+from\s.{1,60}?\sto\s+(?P<to>\w{3},?\s+\d{1,2}\s+\w{3}\s+\d{2,4}\s+[\d:]+\s+\w{3})")
_SUBJECT = re.compile(r"(?P<name>[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z-]{2,})?)\s+daily\b")
_PREAMBLE = 60  # lines
_NEAR = 6
# A day of all of arXiv has a tenth of that.
_MOST_LINES = 500_000


@dataclass(slots=True)
class _Draft:
    """A record in the making."""

    number: str
    cross: bool
    replaced: bool = False
    dates: list[str] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)
    abstract: list[str] = field(default_factory=list)


def recognises(data: bytes) -> bool:
    r"""Tell whether a record begins somewhere in a text or a mail: a line `\\`, and below it `arXiv:` with an id."""
    if sniff.binary(data) or data.count(b"\n") > _MOST_LINES:
        return False
    lines = _lines(data)
    return len(lines) <= _MOST_LINES and any(_begins(lines, at) for at in range(len(lines)))


def parse(data: bytes, *, where: str) -> Digest:
    """Read a listing: all its papers, each marked as new, cross-listed or replaced.

    The day is that of the mail, else the one on which the listing closed. Raises NotADigestError: no record is there.
    """
    lines = [] if sniff.binary(data) else _lines(data)
    if len(lines) > _MOST_LINES:
        raise NotADigestError(f"{where} has {len(lines):,} lines, too many for arXiv's listing mail", hint=_HINT)
    headers = mime.headers(data)
    named = _SUBJECT.match(headers.get("subject", ""))
    title = f"arXiv {named['name']}" if named else "arXiv"
    found = entries.digest(_drafts(lines), _record, where=where, title=title, needs=NEEDS)
    if not found.records:
        what = sniff.looks_like(data) or "other text"
        raise NotADigestError(f"{where} is not arXiv's listing mail but {what}", hint=f"needed is {NEEDS}: {_HINT}")
    return replace(found, day=_day(headers.get("date", ""), lines))


def _lines(data: bytes) -> list[str]:
    return [line.rstrip() for text in mime.texts(data) for line in text.replace("\xa0", " ").splitlines()]


def _day(header: str, lines: Sequence[str]) -> date | None:
    closed = _RECEIVED.search(" ".join(lines[:_PREAMBLE]))
    found = moment(header) or (moment(closed["to"]) if closed else None)
    return found.date() if found else None


# Lines to records ----------------------------------------------------------------------------------------------------


def _drafts(lines: Sequence[str]) -> Iterator[_Draft]:
    at = 0
    while at < len(lines):
        found = _begins(lines, at)
        if found is None:
            at += 1
            continue
        draft = _Draft(number=found[1]["id"], cross=bool(found[1]["cross"]))
        at = _read_fields(lines, found[0] + 1, draft)
        yield draft


def _begins(lines: Sequence[str], at: int) -> tuple[int, re.Match[str]] | None:
    r"""Give the line of the id, where a record begins with the `\\` at line `at`."""
    if lines[at].strip() != _MARK:
        return None
    below = _next(lines, at + 1)
    found = _ID.fullmatch(lines[below].strip()) if below is not None else None
    return (below, found) if below is not None and found and identity.arxiv_id(f"arXiv:{found['id']}") else None


def _next(lines: Sequence[str], at: int) -> int | None:
    """Give the next line that is not blank; only near by, so that pages of blank lines cost nothing."""
    return next((i for i in range(at, min(at + _NEAR, len(lines))) if lines[i].strip()), None)


def _read_fields(lines: Sequence[str], at: int, draft: _Draft) -> int:
    """Read the fields, and the abstract behind them; give the line behind the record."""
    name = ""
    for i in range(at, len(lines)):
        line = lines[i].strip()
        if line == _MARK:
            return _read_abstract(lines, i + 1, draft)
        if _closes(line):
            return i + 1
        if _RULE.fullmatch(line):
            return i
        indented = lines[i][:1].isspace()
        found = None if indented and name else _FIELD.match(line)
        if found:
            name = found["name"].lower().rstrip("s")
            draft.fields.setdefault(name, []).append(found["value"])
        elif name:
            draft.fields[name].append(line)
        elif _REPLACED.match(line):
            draft.replaced = True
        elif said := _DATE.match(line):
            draft.dates.append(said["date"])
    return len(lines)


def _read_abstract(lines: Sequence[str], at: int, draft: _Draft) -> int:
    for i in range(at, len(lines)):
        line = lines[i].strip()
        if _closes(line):
            return i + 1
        if _RULE.fullmatch(line) and _parts(lines, i):
            return i
        if line != _MARK:  # there it is LaTeX's line break
            draft.abstract.append(line)
    return len(lines)


def _closes(line: str) -> bool:
    return line.startswith(_MARK) and bool(_LAST.match(line))


def _parts(lines: Sequence[str], at: int) -> bool:
    """Tell whether the rule at line `at` parts records, where the line that closes the one above it was lost."""
    behind = [i for i in range(at + 1, min(at + _NEAR, len(lines))) if not _RULE.fullmatch(lines[i].strip())]
    below = _next(lines, behind[0]) if behind else None
    return lines[at].strip().startswith("%") or below is None or _begins(lines, below) is not None


def _record(draft: _Draft) -> PaperRecord:
    fields = {name: plain(" ".join(value)) for name, value in draft.fields.items()}
    if not fields.get("title"):
        raise entries.UntitledError("no title")
    arxiv_id = identity.arxiv_id(f"arXiv:{draft.number}")
    dates = [] if draft.replaced else [found for text in draft.dates if (found := moment(text))]
    return PaperRecord(
        title=fields["title"],
        abstract=plain(" ".join(draft.abstract)),
        authors=split_authors(fields.get("author", "")),
        url=f"https://arxiv.org/abs/{arxiv_id}",
        arxiv_id=arxiv_id,
        doi=identity.doi(fields.get("doi", "")),
        categories=tuple(dict.fromkeys(fields.get("categorie", "").split())),
        published_at=min(dates, default=None),
        announce=_announce(draft),
    )


def _announce(draft: _Draft) -> Announce:
    if draft.replaced:
        return Announce.REPLACE_CROSS if draft.cross else Announce.REPLACE
    return Announce.CROSS if draft.cross else Announce.NEW
