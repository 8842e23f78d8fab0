"""Copied text: a page with titles and abstracts in turn, as it comes out of a browser's clipboard or an editor.

`digest_lines` says what each line is, `digest_layout` which texts are titles and which abstracts; here papers are made
of them, with the counts and links that stood between, and text that is no digest is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from newsletter import identity
from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import digest_layout, digest_lines, digest_markdown, digest_prose, sniff
from newsletter.sources.days import day_in, day_of
from newsletter.sources.digest_layout import Label, Row, Segment
from newsletter.sources.digest_lines import Kind, Line
from newsletter.sources.latex import readable
from newsletter.sources.text import decode, http_url, plain, split_authors

NEEDS = "text in which each title is followed by its abstract, as copied from https://huggingface.co/papers"
HUGGING_FACE = "Hugging Face Daily Papers"
_HINT = "copy the page's text from the browser into a text file: a title, a blank line, the abstract, and so on"

_MOST_LINES = 20_000
_MARKDOWN_LINK = re.compile(r"\[(?P<title>.+)\]\(\s*(?P<url>https?://\S+?)\s*\)")
_TRAILING_LINK = re.compile(r"(?P<title>.+?)\s+(?:[(<\[]\s*)?(?P<url>https?://[^\s)>\]]+)\s*[)>\]]?")
_NUMBERED = re.compile(r"(?P<number>\d{1,4})[.)]\s+(?P<title>\S.*)")
_BULLETED = re.compile(r"[-*•▪◦]\s+(?P<title>\S.*)")
_REPOSITORY = re.compile(r"https?://(?:www\.)?(?:github\.com|gitlab\.com|codeberg\.org)/[^/\s]+/[^/\s]+")
_OPENING = (Kind.NUMBER, Kind.VOTES, Kind.SUBMITTER)
_MOSTLY = 0.6


@dataclass(slots=True)
class _Draft:
    """A paper in the making: the furniture before its title, between title and abstract, and behind."""

    title: str
    before: list[Line]
    paragraphs: list[str] = field(default_factory=list)
    within: list[Line] = field(default_factory=list)
    behind: list[Line] = field(default_factory=list)


def parse(data: bytes, *, where: str, today: date) -> Digest:
    """Read titles and abstracts from copied text, in whatever shape the copy came.

    A day without a year is the latest such day that is not after `today`. Raises NotADigestError when this is no text,
    or text of another kind: a letter, source code, a table.
    """
    if found := sniff.looks_like(data):
        raise _refused(where, f"it is {found}")
    text = digest_markdown.flattened(decode(data))
    if (count := max(text.count("\n"), text.count("\r"))) > _MOST_LINES:
        raise _refused(where, f"it has {count:,} lines")
    if found := digest_prose.other_format(text):
        raise _refused(where, f"it is {found}")
    lines = digest_lines.read_lines(text)
    bannered = any(line.kind is Kind.BANNER and digest_lines.is_hugging_face(line.text) for line in lines)
    drafts, preface, head = _read(lines)
    titles = [_linked(title)[0] for title in _unnumbered([draft.title for draft in drafts])]
    sections = [(title, draft.paragraphs) for title, draft in zip(titles, drafts, strict=True)]
    why_not = digest_prose.doubt(sections, preface, bannered=bannered)
    if why_not:
        raise _refused(where, why_not)
    heading = preface[0] if preface else ""
    return Digest(
        title=HUGGING_FACE if bannered else _heading(heading) or _stem(where),
        records=tuple(_records(drafts)),
        day=_day(head, preface, today),
    )


def _refused(where: str, reason: str) -> NotADigestError:
    return NotADigestError(f"{where} is not a copied digest: {reason}; needed is {NEEDS}", hint=_HINT)


def _read(lines: Sequence[Line]) -> tuple[list[_Draft], list[str], list[Line]]:
    """Give the papers, the texts before the first of them, and the furniture before the first."""
    rows, marks = _rows(lines)
    named = any(line.kind in (Kind.BANNER, Kind.DATE) for line in marks[0])
    drafts: list[_Draft] = []
    preface: list[str] = []
    head: list[Line] = []
    for segment in digest_layout.cheapest(rows, bannered=named):
        before = marks.get(segment.start, [])
        if segment.label is Label.PREFACE:
            preface.append(segment.text)
            head += before
        elif segment.label is Label.TITLE:
            head += before if not drafts else []
            drafts.append(_Draft(segment.text, before))
        else:
            _continue(drafts[-1], segment, before)
    for draft, following in pairwise(drafts):
        draft.behind = following.before
    if drafts:
        drafts[-1].behind = marks.get(len(rows), [])
    return _without_affiliations(drafts), preface, head or marks[0]


def _continue(draft: _Draft, segment: Segment, before: list[Line]) -> None:
    draft.within += before
    draft.paragraphs.append(segment.text)


def _rows(lines: Sequence[Line]) -> tuple[list[Row], dict[int, list[Line]]]:
    """Give the lines of text, and the furniture that stands before each (by its number; the last is the page's end)."""
    texts: list[tuple[Line, bool]] = []
    marks: dict[int, list[Line]] = {0: []}
    parted = True
    for line in lines:
        if line.kind is Kind.TEXT and line.text:
            texts.append((line, parted))
            parted = False
            continue
        parted = True
        if line.kind is not Kind.BLANK:
            marks.setdefault(len(texts), []).append(line)
    # A label alone on its line ("Abstract") speaks for the text below it.
    opening = _opens([line.text for line, _ in texts], marks)
    items = _items([line.text for line, _ in texts])
    rows = [
        Row(
            text=line.text,
            first=parted,
            marked=i in marks,
            opens=opening and any(mark.kind in _OPENING for mark in marks.get(i, [])),
            heading=line.heading,
            item=i in items,
            abstract=line.abstract or any(mark.abstract for mark in marks.get(i, [])[-1:]),
        )
        for i, (line, parted) in enumerate(texts)
    ]
    return rows, marks


def _opens(texts: Sequence[str], marks: dict[int, list[Line]]) -> bool:
    """Tell whether counts stand before titles on this page, and not between title and abstract."""
    marked = [texts[i] for i, found in marks.items() if i < len(texts) and any(m.kind in _OPENING for m in found)]
    titles = sum(digest_layout.lean(text) <= 0 for text in marked)
    return titles > len(marked) - titles


def _items(texts: Sequence[str]) -> set[int]:
    """Find the lines that begin with the numbers of one list over the whole page: 1, 2, 3, …"""
    numbered = {i: int(found["number"]) for i, text in enumerate(texts) if (found := _NUMBERED.fullmatch(text))}
    counted = list(numbered.values()) == list(range(1, len(numbered) + 1))
    return set(numbered) if counted and len(numbered) > 1 else set()


def _without_affiliations(drafts: list[_Draft]) -> list[_Draft]:
    """Drop the names of organisations: they stand alone behind abstracts where "Submitted by" opens every paper."""
    opened = [any(line.kind is Kind.SUBMITTER for line in draft.before) for draft in drafts]
    if sum(opened) < _MOSTLY * sum(bool(draft.paragraphs) for draft in drafts) or not any(opened):
        return drafts
    kept: list[_Draft] = []
    for draft, is_opened in zip(drafts, opened, strict=True):
        if kept and kept[-1].paragraphs and not is_opened and not draft.paragraphs:
            kept[-1].behind = [*kept[-1].behind, *draft.behind]
        else:
            kept.append(draft)
    return kept


# Papers -------------------------------------------------------------------------------------------------------------


def _records(drafts: Sequence[_Draft]) -> Iterator[PaperRecord]:
    votes = _votes(drafts)
    links = _links(drafts)
    titles = _unnumbered([draft.title for draft in drafts])
    for draft, title, count, found in zip(drafts, titles, votes, links, strict=True):
        name, own = _linked(title)
        urls = [url for url in (own, *found) if url]
        arxiv_id = next((number for url in urls if (number := identity.arxiv_id(url))), "")
        repository = next((url for url in urls if _REPOSITORY.match(url)), "")
        others = [url for url in urls if url != repository]
        authors = (line.text for line in (*draft.within, *draft.behind) if line.kind is Kind.AUTHORS)
        yield PaperRecord(
            title=readable(name),
            abstract=readable(" ".join(draft.paragraphs)),
            authors=split_authors(readable(next(authors, ""))),
            url=f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else next(iter(others), ""),
            arxiv_id=arxiv_id,
            doi=next((doi for url in urls if (doi := identity.doi(url))), ""),
            upvotes=count,
            repository=repository,
        )


def _votes(drafts: Sequence[_Draft]) -> list[int | None]:
    """Give each paper's votes. Counts before the first title stand before all; the bare ones behind are comments."""
    counts = (Kind.NUMBER, Kind.VOTES)
    leading = any(line.kind in counts for line in drafts[0].before)
    said = [draft.before if leading else [*draft.within, *draft.behind] for draft in drafts]
    bare = [draft.before if leading else draft.within for draft in drafts]
    return [
        votes if (votes := _last_count(one, (Kind.VOTES,))) is not None else _last_count(other, (Kind.NUMBER,))
        for one, other in zip(said, bare, strict=True)
    ]


def _last_count(lines: Sequence[Line], kinds: Sequence[Kind]) -> int | None:
    return next((line.count for line in reversed(lines) if line.kind in kinds and line.count is not None), None)


def _links(drafts: Sequence[_Draft]) -> list[list[str]]:
    """Give the links of each paper, which stand behind its title; before it, where the page begins with one."""
    leading = bool(_urls(drafts[0].before)) and not _urls(drafts[-1].behind)
    return [_urls([*draft.before, *draft.within] if leading else [*draft.within, *draft.behind]) for draft in drafts]


def _urls(lines: Sequence[Line]) -> list[str]:
    return [line.url for line in lines if line.url]


def _linked(title: str) -> tuple[str, str]:
    """Part "[title](url)" and "title (https://…)"."""
    found = _MARKDOWN_LINK.fullmatch(title) or _TRAILING_LINK.fullmatch(title)
    return (plain(found["title"]), http_url(found["url"])) if found else (title, "")


def _unnumbered(titles: Sequence[str]) -> list[str]:
    """Take off list numbers and bullets where every title has one; "1.58-bit FLUX", "2 OLMo 2 Furious" have none."""
    numbered = [_NUMBERED.fullmatch(title) for title in titles]
    if len(titles) > 1 and all(found and int(found["number"]) == i for i, found in enumerate(numbered, start=1)):
        return [found["title"] for found in numbered if found]
    bulleted = [_BULLETED.fullmatch(title) for title in titles]
    if all(bulleted):
        return [found["title"] for found in bulleted if found]
    return list(titles)


# The page -----------------------------------------------------------------------------------------------------------


def _day(head: Sequence[Line], preface: Sequence[str], today: date) -> date | None:
    alone = (day_of(line.text, today=today) for line in head if line.kind is Kind.DATE)
    named = (day_in(text, today=today) for text in preface)
    return next((day for day in (*alone, *named) if day), None)


def _heading(text: str) -> str:
    return text if len(text) <= digest_layout.LONGEST_TITLE else ""


def _stem(where: str) -> str:
    path = unquote(urlsplit(where).path) if "://" in where else where.replace("\\", "/")
    return plain(PurePosixPath(path).stem) or plain(where)
