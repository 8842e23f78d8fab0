"""Which lines of a digest are titles and which are abstracts: the cheapest reading of the whole page.

No single rule tells a title from a paragraph: there are titles of 140 characters, titles with a full stop, abstracts
of one line, paragraphs wrapped at 72 columns and titles wrapped at 40. So every way of cutting the lines into titles
and paragraphs has a cost, made of small, readable preferences, and the cheapest way is found by dynamic programming,
in time linear in the number of lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from newsletter.sources.digest_breaks import UNWRAPPED, Break, full, joined, wrap_widths

LONGEST_TITLE = 400
_USUAL_TITLE = 120
_TITLE_LINES = 4
_TITLE_JOIN = 0.5  # titles are broken by hand, or by a narrower window, more often than paragraphs
_SATURATED, _SATURATED_LINES = 400, 8  # after so many characters, or lines, a paragraph is certainly one
_LONGEST_BLOCK = 60  # lines between two blank ones, on a page that has them
_MOSTLY = 0.6
_NEVER = 1e6


class Label(IntEnum):
    """What a segment of lines is."""

    PREFACE = 0
    TITLE = 1
    ABSTRACT = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One line of text, with what stands before it.

    `first`: a blank line, or furniture, parts it from the line before. `marked`: furniture does. `opens`: furniture
    that begins a paper (a vote count, "Submitted by"). `heading` and `abstract`: markup or a label says what it is.
    `item`: it begins with the next number of a list.
    """

    text: str
    first: bool
    marked: bool = False
    opens: bool = False
    heading: bool = False
    abstract: bool = False
    item: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """Lines `start` to `end` (exclusive) read as one text."""

    label: Label
    text: str
    start: int
    end: int


# How much a text is like an abstract --------------------------------------------------------------------------------

_SENTENCE_BREAK = re.compile(r"(?<!\b[A-Z])(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)(?<!\bal)[.][\"')\]]*\s+(?=[A-Z0-9\"'(])")
_QUESTION_BREAK = re.compile(r"[?!]\s+(?=[A-Z])")
_STOP = re.compile(r"(?:[.…:]|\.\.\.)[\"'”’)\]]*$")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_FIRST_WORD = re.compile(r"[a-z]{2,}[\s,]")
_VOICE = re.compile(r"\b(?:we|our|this (?:paper|work|article|study)|in this)\b", re.IGNORECASE)
_WEB = re.compile(r"https?://")
_LINKED = re.compile(r"\[.+\]\(\s*https?://\S+\s*\)|.{3,}\s[(<\[]?https?://\S+[)>\]]?")
_BY_LENGTH = ((400, 8.0), (250, 5.0), (160, 2.0), (100, 0.0))


def lean(text: str) -> float:
    """Say how much more like an abstract than like a title `text` reads; 0 is undecided, ±5 is sure."""
    score = next((value for length, value in _BY_LENGTH if len(text) >= length), -3.0)
    text = text[: 2 * _SATURATED] if len(text) > 2 * _SATURATED else text
    breaks = len(_SENTENCE_BREAK.findall(text))
    score += min(5.0, 2.0 + breaks) if breaks else 0.0
    score += 0.5 if _QUESTION_BREAK.search(text) else 0.0
    if _STOP.search(text):
        score += 2.5
    elif not text.endswith(("?", "!")):
        score -= 2.0
    words = _LONG_WORD.findall(text)
    if len(words) >= 3 and sum(word[0].isupper() for word in words) >= _MOSTLY * len(words):
        score -= 1.5
    score += 1.5 if _FIRST_WORD.match(text) else 0.0
    score += 1.0 if _VOICE.search(text) else 0.0
    if _WEB.search(text) and not _LINKED.fullmatch(text):
        score += 5.0  # "Code is available at https://…"
    return score


# Costs --------------------------------------------------------------------------------------------------------------

_CONNECTING = re.compile(
    r"(?:[,\-\u2013\u2014:&(]|\b(?:a|an|and|as|at|by|for|from|in|into|is|of|on|or|over|the|through|to|toward|towards"
    r"|under|using|via|with|without))$",
    re.IGNORECASE,
)
_LIST_END = (",", ";")
_BARE_TITLE = 2.0  # a title without an abstract
_PARAGRAPH = 1.0  # another paragraph of the same abstract


class _Page:
    """The rows of a page, and what each reading of them costs."""

    def __init__(self, rows: Sequence[Row], *, bannered: bool) -> None:
        self.rows = rows
        self._preface = 2.5 if bannered else 1.0
        self._join, self._split = [0.0] * len(rows), [0.0] * len(rows)
        widths = wrap_widths([(rows[i - 1].text, rows[i].text) for i in range(1, len(rows)) if not rows[i].first])
        starts = [i for i, row in enumerate(rows) if row.first]
        self._spaced = len(starts) > 1 and len(rows) <= _LONGEST_BLOCK * len(starts)
        for start, end in pairwise([*starts, len(rows)]):
            self._measure(start, end, widths)

    def _measure(self, start: int, end: int, widths: Sequence[int]) -> None:
        """Set what it costs to join each line of a block to the one before it, and to part them."""
        rows = self.rows
        short = [len(row.text) for row in rows[start:end] if len(row.text) <= UNWRAPPED]
        own = max(short, default=0)
        few = len(short) <= _TITLE_LINES
        for i in range(start + 1, end):
            above, below = rows[i - 1].text, rows[i].text
            breaks = Break(
                unwrapped=max(len(above), len(below)) > UNWRAPPED,
                full=full(above, below, widths),
                maybe_full=few and full(above, below, (own,)),
                runs_on=bool(below[:1].islower() or _CONNECTING.search(above)),
                stops=bool(_STOP.search(above)) and not below[:1].islower(),
            )
            marked = rows[i].heading or rows[i].abstract or rows[i].item
            self._join[i] = breaks.join(spaced=self._spaced) + (6.0 if marked else 0.0)
            self._split[i] = 0.0 if marked else breaks.split(spaced=self._spaced)

    def parted(self, i: int) -> float:
        """Cost of beginning a segment at row `i`."""
        return 0.0 if self.rows[i].first else self._split[i]

    def run(self, i: int) -> float:
        """Cost of reading row `i` as the continuation of the row before it; more than all else where it cannot be."""
        return _NEVER if self.rows[i].first else self._join[i]

    def title(self, start: int, text: str, likeness: float) -> float:
        row = self.rows[start]
        cost = 0.0 if row.heading else max(0.0, likeness)
        cost += 6.0 if row.abstract else 0.0
        cost += 4.0 if text.endswith(_LIST_END) else 0.7 if text.endswith(".") else 0.0
        return cost + max(0.0, (len(text) - _USUAL_TITLE) / 60) + (6.0 if len(text) > LONGEST_TITLE else 0.0)

    def abstract(self, start: int, likeness: float) -> float:
        row = self.rows[start]
        return (0.0 if row.abstract else max(0.0, -likeness)) + (6.0 if row.heading else 0.0)

    def step(self, before: Label | None, label: Label, i: int) -> float:
        """Cost of a segment with `label` beginning at row `i` after a segment of the label `before`."""
        row = self.rows[i]
        if label is Label.PREFACE:
            return self._preface + (3.0 if row.opens else 0.0) if before in (None, Label.PREFACE) else _NEVER
        if label is Label.TITLE:
            return (_BARE_TITLE * (0.25 if row.opens else 1.0)) if before is Label.TITLE else 0.0
        if before is Label.TITLE:
            return 2.0 if row.opens else 0.0
        if before is Label.ABSTRACT:
            return _PARAGRAPH + (4.0 if row.opens else 2.0 if row.marked else 0.0 if row.first else 2.0)
        return _NEVER  # an abstract needs a title


# The cheapest reading -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    """The cheapest way to read the rows up to `end` that ends in a segment of this label; linked backwards."""

    cost: float
    label: Label | None
    start: int
    end: int
    before: _Reading | None
    open: bool = False  # a paragraph long enough to take more lines at no further cost


def cheapest(rows: Sequence[Row], *, bannered: bool) -> list[Segment]:
    """Cut `rows` into titles, abstract paragraphs and a preface, at the least cost. `bannered`: a heading was there."""
    if not rows:
        return []
    page = _Page(rows, bannered=bannered)
    best: list[dict[tuple[Label | None, bool], _Reading]] = [{} for _ in range(len(rows) + 1)]
    best[0][None, False] = _Reading(0.0, None, 0, 0, None)
    for i in range(len(rows)):
        readings = list(best[i].values())
        best[i] = {}  # only the links are needed from here on
        for reading in readings:
            if reading.open and page.run(i) < _NEVER:
                longer = reading.cost + page.run(i)
                _offer(best, _Reading(longer, reading.label, reading.start, i + 1, reading.before, open=True))
        for label, end, cost in _segments(page, i):
            before = min(readings, key=lambda reading: reading.cost + page.step(reading.label, label, i))
            total = before.cost + page.step(before.label, label, i) + page.parted(i) + cost
            is_open = label is Label.ABSTRACT and _is_open(_size(rows, i, end), end - i)
            _offer(best, _Reading(total, label, i, end, before, open=is_open))
    last = min(best[-1].values(), key=lambda r: r.cost + (_BARE_TITLE if r.label is Label.TITLE else 0.0))
    return _unlinked(rows, last)


def _offer(best: list[dict[tuple[Label | None, bool], _Reading]], reading: _Reading) -> None:
    known = best[reading.end].get((reading.label, reading.open))
    if known is None or reading.cost < known.cost:
        best[reading.end][reading.label, reading.open] = reading


def _segments(page: _Page, start: int) -> Iterator[tuple[Label, int, float]]:
    """Give the segments that may begin at row `start`: their label, their end, and what they cost in themselves."""
    rows = page.rows
    run = 0.0
    text = rows[start].text
    for end in range(start + 1, len(rows) + 1):
        text = joined([text, rows[end - 1].text]) if end > start + 1 else text
        likeness = lean(text)
        if end - start <= _TITLE_LINES:
            yield Label.TITLE, end, _TITLE_JOIN * run + page.title(start, text, likeness)
        yield Label.ABSTRACT, end, run + page.abstract(start, likeness)
        whole = end == len(rows) or rows[end].first
        if rows[start].first and (whole or end == start + 1):
            yield Label.PREFACE, end, 0.0
        if whole:
            return
        if _is_open(len(text), end - start):
            return
        run += page.run(end)


def _is_open(size: int, lines: int) -> bool:
    """Tell whether a paragraph is so long that more lines change nothing about its being one."""
    return size >= _SATURATED or lines >= _SATURATED_LINES


def _size(rows: Sequence[Row], start: int, end: int) -> int:
    return sum(len(row.text) + 1 for row in rows[start:end]) - 1


def _unlinked(rows: Sequence[Row], last: _Reading | None) -> list[Segment]:
    segments = []
    while last is not None and last.label is not None:
        text = joined([row.text for row in rows[last.start : last.end]])
        segments.append(Segment(last.label, text, last.start, last.end))
        last = last.before
    return segments[::-1]
