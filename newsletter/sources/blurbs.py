"""What publishers put around an abstract in their feeds: the citation, the authors, the DOI, buttons, a licence.

PubMed, Elsevier, Wiley, Springer Nature, APS, MDPI, RSC, Pensoft and others give no bare abstract but a small page
about the paper. Its paragraphs are known by their forms; where one says "Abstract", all before it is no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from newsletter import identity
from newsletter.sources.text import split_authors

_SHORT = 300  # a longer paragraph is text, unless a label says what it is
_SHORT_TAIL = 150
_LABEL_LENGTH = 20
_LONGEST_NAMES = 50_000
_MOST_WORDS = 6  # in a name

_LABEL_ALONE = re.compile(r"(?:summary\s?/\s?)?abstract\s*:?|summary\s*:?", re.IGNORECASE)
_LABEL = re.compile(r"(?:abstract|summary)(?:\s*[:.]\s*|\s+(?=[A-Z]))", re.IGNORECASE)
_NONE = re.compile(r"(?:no abstract|abstract not)(?: is)?(?: available)?\.?", re.IGNORECASE)

# "… is open.ResultsWe show …": the heading of a section that lost its end, as bioRxiv has it.
_GLUED = re.compile(
    r"(?:^|(?<=[.!?)])|(?<=[.!?)]\s))(Abstract|Background|Motivation|Introduction|Objectives?|Purpose|Aims?|Methods?"
    r"|Significance|Results?|Findings|Discussion|Interpretation|Conclusions?|Availability)(?=[A-Z][a-z]*\b)"
)

_AUTHORS = re.compile(r"authors?(?:\(s\))?\s*:\s*(?P<value>.*)", re.IGNORECASE)
_DATE = re.compile(
    r"(?:publication date|published(?: online| on)?)\s*:\s*(?:available online\s*)?(?P<value>.*)", re.IGNORECASE
)
_LABELLED = re.compile(
    r"(?:authors?(?:\(s\))?|doi|pmc?id|publication date|published(?: online| on| in)?|source|journal|citation|keywords?"
    r"|article type)\s*:",
    re.IGNORECASE,
)
_DOI_LABEL = re.compile(r"\bdoi\b", re.IGNORECASE)
_STATES = (
    "early ?view|(?:online )?ahead of print|accepted (?:article|manuscript)|just accepted|advance article|in press"
    "|articles? in advance|first ?view|latest articles"
)
_CITATIONS = tuple(
    re.compile(form)
    for form in (
        # "Volume 67, Issue 4, December 2021, Page 283-289", behind the journal's name or alone
        r"(?:[^;:!?]{2,150},\s*)?Vol(?:ume|\.)\s*\d+\s*(?:[,(:].{0,150})?\.?",
        rf"(?i:.{{2,150}}, (?:{_STATES})\.?)",
        r".{2,150}, Published online:? .{6,40}?(?:;\s*doi:\s*\S+)?",
        r"\[[^\[\]]{5,120}\] Published .{5,40}",
        r"[\w &:.-]{2,80} \d+(?:\(\d+\))?: [A-Za-z]?\d+[-\u2013][A-Za-z]?\d+\.?",
        r"[A-Z][\w.,& ]{1,80}, (?:19|20)\d\d,\s*(?:\d|Accepted|Advance).{0,80}",
        r".{2,120},?\s*\((?:19|20)\d\d\),? pp?\.\s?\d+.{0,30}",
        r"(?i:.{0,250}\bdoi:?\s*(?:https?://\S{1,60}/)?10\.\d{4,9}/\S+(?:\s.{0,60})?)",
    )
)
_BUTTON = re.compile(
    r"html|xml|e?pdf|full[ -]?text(?: (?:html|pdf))?|read more\W*|open access"
    r"|(?:view|read|download) (?:the )?(?:article|abstract|paper|pdf)"
    r"|(?:toc|graphical) (?:graphic|abstract)|this article is (?:licensed|distributed|open access)\b.*"
    r"|(?:©|\(c\)|copyright )\s?.{0,140}|to cite this article\b.*|the content of this rss feed\b.*",
    re.IGNORECASE,
)
_TAIL = re.compile(r"(?:pmc?id|doi|publication date)\s*:|\[[^\[\]]{5,120}\] Published ", re.IGNORECASE)
_NAME_WORD = re.compile(r"[^\W\d_a-zß-ÿ][\w.'’\u2010-]*|[^\W\d_]{1,4}['’]?")


@dataclass(frozen=True, slots=True)
class Blurb:
    """An abstract and what was said around it; each may be empty. `published` is a date as it was written."""

    abstract: str
    authors: tuple[str, ...]
    doi: str
    published: str


def unlabelled(text: str) -> str:
    """Give an abstract without the word "Abstract" or "Summary" before it."""
    return _LABEL.sub("", text, count=1) if _LABEL.match(text) else text


def read(paragraphs: Sequence[str], *, known: Collection[str] = ()) -> Blurb:
    """Part the abstract from what stands around it. `known` are texts that may be repeated: the title, the journal."""
    repeated = {_folded(text) for text in known} - {""}
    start, lines = _opening(list(paragraphs), repeated)
    end = next((i for i in range(start, len(lines)) if _ends(lines[i:])), len(lines))
    around = [*lines[:start], *lines[end:]]
    abstract = unlabelled(_GLUED.sub(r"\1: ", " ".join(lines[start:end])))
    return Blurb(
        abstract="" if _NONE.fullmatch(abstract) else abstract,
        authors=_authors(around),
        doi=next((doi for line in around if _DOI_LABEL.search(line) and (doi := identity.doi(line))), ""),
        published=next((found["value"] for line in around if (found := _DATE.match(line))), ""),
    )


def _opening(lines: list[str], repeated: Collection[str]) -> tuple[int, list[str]]:
    """Give where the abstract begins; a line that holds a label and its beginning is cut in two."""
    bare = 0  # lines from the first on that are surely no abstract
    for i, line in enumerate(lines):
        if i == bare and _NONE.fullmatch(line):
            return i, lines
        # "Summary" in the midst may be the last part of an abstract.
        sure = i == bare or "abstract" in line[:_LABEL_LENGTH].lower()
        if sure and _LABEL_ALONE.fullmatch(line):
            return i + 1, lines
        if sure and i and (found := _LABEL.match(line)) and (i == bare or ":" in found[0]):
            return i + 1, [*lines[:i], found[0], line[found.end() :], *lines[i + 1 :]]
        around = _is_around(line, repeated) or (i == bare and i + 1 < len(lines) and bool(people(line)))
        bare += around and i == bare
        if not around and len(line) > _SHORT:
            break
    return bare, lines


def _is_around(line: str, repeated: Collection[str]) -> bool:
    if _LABELLED.match(line) or _folded(line) in repeated or not any(map(str.isalnum, line)):
        return True
    return len(line) <= _SHORT and bool(_BUTTON.fullmatch(line) or any(form.fullmatch(line) for form in _CITATIONS))


def _ends(rest: Sequence[str]) -> bool:
    """Tell whether the abstract is over: a paragraph that is none of it, and nothing but short ones behind it."""
    first = rest[0]
    over = _TAIL.match(first) or _BUTTON.fullmatch(first) or _NONE.fullmatch(first)
    return bool(over) and all(len(line) <= _SHORT_TAIL or _BUTTON.fullmatch(line) for line in rest)


def _authors(lines: Sequence[str]) -> tuple[str, ...]:
    labelled = (split_authors(found["value"][:_LONGEST_NAMES]) for line in lines if (found := _AUTHORS.match(line)))
    bare = (people(line) for line in lines)
    return next((names for names in (*labelled, *bare) if names), ())


def people(line: str) -> tuple[str, ...]:
    """Give the names where a paragraph is nothing but names, two at least."""
    if len(line) > _LONGEST_NAMES or not ("," in line or ";" in line) or ":" in line:
        return ()
    names = split_authors(line)
    return names if len(names) > 1 and all(map(_is_name, names)) else ()


def _is_name(text: str) -> bool:
    words = text.split()
    return 1 < len(words) <= _MOST_WORDS and all(_NAME_WORD.fullmatch(word) for word in words) and text[:1].isupper()


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
