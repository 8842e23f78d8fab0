"""Is there an abstract at all? Where a journal gives none, its feed often has something else in its place.

Pure. "TAXON, EarlyView.", "Publication date: May 2025 Source: Acta, Volume 3 Author(s): A. B. Cee" and "No abstract
available" tell nobody what a paper is about: such a paper is shown and ranked by its title.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

_LONG = 400  # characters; what is longer, and does not begin as a notice of publication does, is an abstract
_FEW_WORDS = 4
_FEW_CHARACTERS = 10  # of scripts that put no spaces between words
_A_NAME = 12  # words; a journal's name has fewer

_THERE = r"(?: (?:is|was|yet|currently|available|provided|given|present|found)| for this \w+){0,4}"
_NONE = re.compile(
    rf"\W*(?:(?:there is |this (?:article|paper|item) has )?(?:no|without(?: an)?) "
    rf"(?:abstract|summary|description){_THERE}"
    rf"|(?:the )?(?:abstract|summary)(?: is| was)? (?:not|missing|unavailable){_THERE}"
    r"|abstract|summary|n/?a|none|null|nil|tbd|tba|to be (?:added|announced)|coming soon"
    r"|(?:click|see|read)\b.{0,30}\b(?:abstract|pdf|full text|article|here))\W*",
    re.IGNORECASE,
)
_PUBLICATION = re.compile(r"\s*publication date\s*:", re.IGNORECASE)
# What says where and when, and nothing about what.
_WHERE = re.compile(
    r"https?://\S+|\bdoi\s*:?\s*\S*\d\S*|\b10\.\d{4,9}/\S+"
    r"|\bearly ?view\b|\bahead of (?:print|issue)\b|\b(?:accepted|unedited) (?:article|manuscript)\b|\bjust accepted\b"
    r"|\barticles? (?:asap|in press)\b|\bonline first\b|\b(?:published|available) online\b|\bfirst published\b"
    r"|\bpublication date\b|\bvol(?:ume|\.)\s*\d+|\bissue\s*\d+|\bno\.\s*\d+|\bpages?\s*[\de]|\bpp?\.\s*\d"
    r"|\bauthor\(s\)\s*:|\bsource\s*:",
    re.IGNORECASE,
)
_PART = re.compile(r"(?<=[.!?;])\s+|\n+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]")


class Described(Protocol):
    """What has a title, and may have an abstract."""

    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def abstract(self) -> str: ...  # noqa: D102


def usable(paper: Described) -> bool:
    """Tell whether a paper's abstract says what it is about; a sentence of four words may be enough to do so."""
    return _usable(paper.title, paper.abstract)


@lru_cache(maxsize=4096)  # one paper stands in many mails of a day
def _usable(title: str, abstract: str) -> bool:
    text = " ".join(abstract.split())
    if not text or _NONE.fullmatch(text) or _same(text, title) or _PUBLICATION.match(text):
        return False
    if len(text) > _LONG:
        return True
    said = " ".join(part for part in _PART.split(text) if not _tells_where(part))
    return len(_WORD.findall(said)) >= _FEW_WORDS or len(_UNSPACED.findall(said)) >= _FEW_CHARACTERS


def _tells_where(part: str) -> bool:
    return _WHERE.search(part) is not None and len(_WORD.findall(_WHERE.sub(" ", part))) <= _A_NAME


def _same(one: str, other: str) -> bool:
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
