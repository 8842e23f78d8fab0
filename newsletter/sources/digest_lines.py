"""The lines of a copied page: which are text, and which are the page's furniture around it.

A copied page carries its banner, vote counts, dates, buttons and links as lines of their own. Each is recognised by
its whole form, never by a word in it, so that titles such as "2 OLMo 2 Furious" stay text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from newsletter import identity
from newsletter.sources.paper_pages import PAPER_PAGE
from newsletter.sources.text import http_url, plain


class Kind(Enum):
    """What a line is."""

    TEXT = auto()
    BLANK = auto()
    RULE = auto()  # a line of dashes
    BANNER = auto()  # the page's own words and menus, the same every day
    DATE = auto()  # nothing but a day
    NUMBER = auto()  # a bare count: votes or comments, by where it stands
    VOTES = auto()  # a count that says it is votes
    LINK = auto()
    AUTHORS = auto()
    SUBMITTER = auto()
    FACT = auto()  # all else that is said about a paper: number of authors, comments, when it was published


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its kind, its text without markup, and the count or link it holds.

    `heading` says that markup (`##`, `**…**`, `Title:`) makes it a title; `abstract`, that a label makes it one.
    """

    kind: Kind
    text: str = ""
    count: int | None = None
    url: str = ""
    heading: bool = False
    abstract: bool = False


_BANNER = re.compile(
    r"get trending papers in your email inbox(?: once a day)?[!.]?|(?:daily|trending) papers|search papers.*"
    r"|by\s*AK and the research community|hugging face(?:'s logo)?|(?:©|\(c\))\s*hugging face|log in or sign up to.*",
    re.IGNORECASE,
)
# Words of the page's menus. They are also the last words of many a wrapped title ("… Large Language / Models").
_MENU = re.compile(
    r"new|subscribe|models|datasets|spaces|buckets|community|docs|enterprise|pricing|log in|sign up|papers|previous"
    r"|next|company|tos|privacy|about|careers|website|system theme|daily|weekly|monthly",
    re.IGNORECASE,
)
_HUGGING_FACE = re.compile(
    r"daily papers|by\s*AK and the research community|get trending papers in your email inbox.*", re.IGNORECASE
)
_RULE = re.compile(r"[-=_*~#+\u2013\u2014\u2500\u2022·.\s]{3,}")
_N = r"(?:\d{1,3}(?:,\d{3})+|\d{1,6}(?:\.\d)?)(?:\s?[kK])?"
_ARROW_SIGN = r"(?:[▲△⬆↑👍🔥]\ufe0f?)"
_NUMBER = re.compile(_N)
_VOTES = re.compile(
    rf"(?:{_ARROW_SIGN}|(?:up)?votes?:?|likes:?)\s*(?P<behind>{_N})|(?P<before>{_N})\s*(?:{_ARROW_SIGN}|(?:up)?votes?|likes?)"
    r"|\+\s?(?P<plus>\d{1,6})",
    re.IGNORECASE,
)
_VOTES_THEN_TITLE = re.compile(rf"{_ARROW_SIGN}\s*(?P<count>{_N})\s+(?P<title>\S.+)")
_ARROW = re.compile(rf"(?:up)?votes?:?|{_ARROW_SIGN}", re.IGNORECASE)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)?"
_MONTH_DAY = rf"(?:{_MONTH} {_ORDINAL}(?:,? \d{{4}})?|{_ORDINAL} {_MONTH}(?:,? \d{{4}})?|\d{{4}}[-/]\d{{2}}[-/]\d{{2}})"
_FACT = re.compile(
    rf"(?:by )?{_N} authors?|{_N} comments?|(?:💬|comments?:?)\s*\d*"
    rf"|(?:published|submitted|posted|updated)(?: on|:)? {_MONTH_DAY}"
    r"|(?:view|read|open)(?: the| on)? (?:arxiv page|pdf|paper|arxiv|github|project page|abstract|code)|arxiv page"
    rf"|add to collection|project page|github {_N}|show more|-|\d+ (?:min|hours?|days?)(?: ago| read)"
    r"|(?:accepted|to appear|under review|presented) (?:at|in|by|to) [^.]{2,60}",
    re.IGNORECASE,
)
_BUTTON = re.compile(r"pdf|arxiv|github|code|abs|html|paper", re.IGNORECASE)
_DATE = re.compile(rf"(?:(?:Mon|Tues?|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?,? )?{_MONTH_DAY}")
_BULLET = re.compile(r"\s*[·•∙|]\s*")
_SUBMITTED = re.compile(r"(?:submitted|posted|shared) by:?(?:\s+(?P<name>@?\S+(?: \S+){0,3}))?", re.IGNORECASE)
_AUTHORS = re.compile(r"authors?:\s*(?P<names>\S.*)", re.IGNORECASE)
_LINK = re.compile(
    r"(?:[-*]\s+)?(?:(?:link|url|paper|pdf|arxiv|abs|source|code|github|project(?: page)?|read more|doi)\s*:\s*)?"
    r"(?P<open>[(<\[])?(?P<url>https?://[^\s<>]+?)[)>\]]?[.,]?",
    re.IGNORECASE,
)
_ARXIV_LINE = re.compile(r"\(?\[?arxiv:\s*(?P<id>\S+?)\]?\)?(?:\s+\[[\w.-]+\])?", re.IGNORECASE)
_HEADING = re.compile(r"#{1,6}\s+(?P<text>.*?)\s*#*")
_BOLD = re.compile(r"(?P<mark>\*\*|__)(?P<text>[^*]+)(?P=mark)")
_TITLE_LABEL = re.compile(r"title\s*:\s+(?P<text>\S.*)", re.IGNORECASE)
_ABSTRACT_LABEL = re.compile(r"(?:abstract|summary)\s*(?:[:.\u2014]\s*|$)(?P<text>.*)", re.IGNORECASE)
_POINTS = re.compile(r"\b(?:at|in|see|from|via|on|is|are)\s?:?$", re.IGNORECASE)
_RUNS_ON = re.compile(r"(?:[,\-\u2013:&(]|\b(?:a|an|and|as|at|by|for|from|in|into|of|on|or|over|the|to|via|with))$")
_USER_NAME = re.compile(r"@?[\w.-]{2,40}")
_LONGEST_NAME = 40
_LONG_TEXT = 100


def is_hugging_face(text: str) -> bool:
    """Tell whether a line is one that only the Hugging Face page has."""
    return bool(_HUGGING_FACE.fullmatch(text))


def read_lines(text: str) -> list[Line]:
    """Give the lines of a page, classified; a line such as "Upvote" takes the count on the next into it."""
    return list(_in_context([_classified(plain(line)) for line in text.splitlines()]))


def _classified(text: str) -> Line:
    if not text:
        return Line(Kind.BLANK)
    if markup := _HEADING.fullmatch(text) or _BOLD.fullmatch(text) or _TITLE_LABEL.fullmatch(text):
        inner = markup["text"]
        return _furniture(inner) or Line(Kind.TEXT, inner, heading=True)
    if label := _ABSTRACT_LABEL.fullmatch(text):
        return Line(Kind.TEXT, label["text"], abstract=True)
    return _furniture(text) or Line(Kind.TEXT, text)


def _furniture(text: str) -> Line | None:
    """Recognise everything that is not text of a paper."""
    for form, made in _FURNITURE:
        if (found := form.fullmatch(text)) and (line := made(found)) is not None:
            return line
    return _facts(text)


def _arxiv(found: re.Match[str]) -> Line | None:
    number = identity.arxiv_id(found["id"])
    return Line(Kind.LINK, found[0], url=f"https://arxiv.org/abs/{number}") if number else None


_FURNITURE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Line | None]], ...] = (
    (_BANNER, lambda found: Line(Kind.BANNER, found[0])),
    (_MENU, lambda found: Line(Kind.BANNER, found[0])),
    (_NUMBER, lambda found: Line(Kind.NUMBER, found[0], count=_count(found[0]))),
    (_RULE, lambda _: Line(Kind.RULE)),
    (_LINK, lambda found: Line(Kind.LINK, found[0], url=http_url(found["url"]))),
    (_ARXIV_LINE, _arxiv),
    (_SUBMITTED, lambda found: Line(Kind.SUBMITTER, found["name"] or "")),
    (_AUTHORS, lambda found: Line(Kind.AUTHORS, found["names"])),
    (_DATE, lambda found: Line(Kind.DATE, found[0])),
)


def _facts(text: str) -> Line | None:
    """Recognise "· 12 authors · May 30 · ▲ 108": every part says something about a paper."""
    votes: int | None = None
    parts = [part for part in _BULLET.split(text) if part]
    for part in parts:
        if found := _VOTES.fullmatch(part):
            votes = _count(found[found.lastgroup or 0])
        elif not any(form.fullmatch(part) for form in (_FACT, _ARROW, _BUTTON, _DATE)):
            return None
    return Line(Kind.FACT if votes is None else Kind.VOTES, text, count=votes)


def _count(number: str) -> int:
    thousands = number[-1] in "kK"
    return round(float(number.rstrip("kK ").replace(",", "")) * (1000 if thousands else 1))


def _in_context(lines: list[Line]) -> Iterator[Line]:
    """Settle what only the neighbours tell: "Upvote" and its count, "Submitted by" and a name, wrapped last words."""
    before = Line(Kind.BLANK)
    paragraph = 0  # characters of text in the block so far
    taken = -1
    for i, line in enumerate(lines):
        if i == taken:
            line = Line(Kind.BLANK)  # noqa: PLW2901
        elif before.kind is Kind.TEXT and _ends_sentence_of(before.text, line, paragraph):
            line = Line(Kind.TEXT, line.text)  # noqa: PLW2901
        elif line.kind is Kind.FACT and _ARROW.fullmatch(line.text) and (count := _number_after(lines, i)):
            taken = count
            line = Line(Kind.VOTES, count=lines[count].count)  # noqa: PLW2901
        elif line.kind is Kind.SUBMITTER and not line.text and (name := _name_after(lines, i)):
            taken = name
        elif line.kind is Kind.TEXT and (both := _VOTES_THEN_TITLE.fullmatch(line.text)):
            yield Line(Kind.VOTES, count=_count(both["count"]))
            line = Line(Kind.TEXT, both["title"], heading=True)  # noqa: PLW2901
        paragraph = paragraph + len(line.text) if line.kind is Kind.TEXT else 0
        before = line
        yield line


def _ends_sentence_of(above: str, line: Line, paragraph: int) -> bool:
    """Tell whether a line that looks like furniture is the last word of the text wrapped above it."""
    if line.kind is Kind.LINK:
        return bool(_POINTS.search(above)) or (paragraph > _LONG_TEXT and not PAPER_PAGE.search(line.url))
    if line.kind not in (Kind.BANNER, Kind.NUMBER, Kind.DATE, Kind.FACT):
        return False
    if _RUNS_ON.search(above):
        return True
    return bool(_MENU.fullmatch(line.text)) and len(above) <= _LONG_TEXT and not above.endswith((".", "!", "?"))


def _next(lines: list[Line], i: int) -> int:
    """Give the place of the next line that is not blank; 0 where there is none near."""
    return next((j for j in range(i + 1, min(i + 4, len(lines))) if lines[j].kind is not Kind.BLANK), 0)


def _number_after(lines: list[Line], i: int) -> int:
    following = _next(lines, i)
    return following if following and lines[following].kind is Kind.NUMBER else 0


def _name_after(lines: list[Line], i: int) -> int:
    """Give the place of the submitter's name below "Submitted by": short words that leave a title behind them."""
    name = _next(lines, i)
    if not name or lines[name].kind is not Kind.TEXT or len(lines[name].text) > _LONGEST_NAME:
        return 0
    following = _next(lines, name)
    if following and lines[following].kind is Kind.TEXT:
        return name if len(lines[following].text) <= 2 * _LONG_TEXT else 0
    counted = not following or lines[following].kind in (Kind.NUMBER, Kind.VOTES, Kind.LINK)
    return name if counted or _USER_NAME.fullmatch(lines[name].text) else 0
