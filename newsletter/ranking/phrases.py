"""Keywords as people type them, found in titles and abstracts as people write them.

"in-context learning" finds "In context learning", "diffusion model" finds "diffusion models", "CTC" finds "CTC-based";
an acronym of up to five capitals finds only capitals ("RAG" is not "rag").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from newsletter import identity
from newsletter.model import Paper

_MOST_REMEMBERED = 50_000  # phrases; each takes a byte a paper
_ACRONYM = re.compile(r"[A-Z0-9]{2,5}")


@lru_cache(maxsize=4096)
def pattern(phrase: str) -> re.Pattern[str] | None:
    """Give the pattern that finds a phrase in folded text (in unfolded text for acronyms); None for an empty one."""
    phrase = phrase.strip()
    words = re.findall(r"[^\s\-‐-–]+|[\s\-‐-–]+", phrase if is_acronym(phrase) else identity.folded(phrase))
    if not any(c.isalnum() for c in phrase):
        return None
    parts = [re.escape(word) if not re.match(r"[\s\-‐-–]", word) else _gap(word) for word in words]
    parts[-1] = _either_number(words[-1])
    return re.compile(r"(?<!\w)" + "".join(parts) + r"(?!\w)")


def _either_number(word: str) -> str:
    """Give a pattern for a noun that finds its singular and its plural."""
    for ending, stem in (("ies", word[:-3]), ("y", word[:-1])):
        if word.endswith(ending) and len(stem) > 2:
            return re.escape(stem) + "(?:y|ies)"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return re.escape(word[:-1]) + "(?:s|es)?"
    return re.escape(word) + ("(?:s|es)?" if word[-1].isalnum() else "")


def is_acronym(phrase: str) -> bool:
    """Tell whether a phrase is to be found in capitals only."""
    return _ACRONYM.fullmatch(phrase) is not None


def _core(phrase: str) -> str:
    """Give the longest run of letters and digits of a phrase, without an end that `pattern` lets vary."""
    if is_acronym(phrase.strip()):
        return phrase.strip()
    longest = max(re.findall(r"\w+", identity.folded(phrase)), key=len, default="")
    return longest[: max(3, len(longest) - 3)]


def _gap(separator: str) -> str:
    # A hyphen may be a space or nothing ("fine-tuning", "finetuning"); a space may be a hyphen, but is never nothing.
    return r"[\s\-‐-–]+" if separator.isspace() else r"[\s\-‐-–]*"


class PhraseIndex:
    """Which of a day's papers hold a phrase. Each phrase is looked for once, however many subscribers name it."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._texts = [f"{paper.title}\n{paper.abstract}" for paper in papers]
        self._folded = [identity.folded(text) for text in self._texts]
        self._found: dict[str, NDArray[np.bool_]] = {}

    def hits(self, phrase: str) -> NDArray[np.bool_]:
        """Tell for each paper whether its title or abstract holds the phrase."""
        if phrase not in self._found:
            wanted = pattern(phrase)
            texts = self._texts if is_acronym(phrase.strip()) else self._folded
            core = _core(phrase)  # most texts lack it, and `in` tells so 20 times as fast as the pattern
            found = [wanted is not None and core in text and wanted.search(text) is not None for text in texts]
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[phrase] = np.array(found, bool)
        return self._found[phrase]

    def rarity(self, phrase: str) -> float:
        """Tell how much a hit says, from 0 (every paper holds it, or none) to 1 (only one of many does)."""
        return rarity(int(self.hits(phrase).sum()), len(self._texts))


def rarity(holders: int, papers: int) -> float:
    """Inverse document frequency scaled to 0–1: log((n + 1) / (df + ½)) / log(n + 1)."""
    if holders == 0 or papers == 0:
        return 0.0
    return float(max(0.0, np.log((papers + 1) / (holders + 0.5)) / np.log(papers + 1)))
