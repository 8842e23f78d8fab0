"""Which papers hold which phrase, and how much that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter import identity
from newsletter.phrases import core, is_acronym, pattern

_MOST_REMEMBERED = 50_000_000  # phrases × papers, a byte each
_MOST_OF_SEVERAL = 5_000_000  # the same for what holds any of several phrases


@dataclass(frozen=True)
class Holders:
    """The papers that hold a phrase: whether each does (n), the rows of those that do, and how much that says.

    `rarity` goes from 0 (every paper holds it, or none) to 1 (only one of many does).
    """

    hits: NDArray[np.bool_]
    rows: NDArray[np.intp]
    rarity: float


class PhraseIndex:
    """Which of some papers' texts hold a phrase. Each phrase is looked for once, however many subscribers name it."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._folded = [identity.folded(text) for text in texts]
        self._found: dict[str, Holders] = {}
        self._any: dict[tuple[str, ...], NDArray[np.bool_]] = {}

    def holders(self, phrase: str) -> Holders:
        """Tell which papers hold a phrase in title or abstract."""
        known = self._found.get(phrase)
        if known is None:
            if len(self._found) * len(self._texts) >= _MOST_REMEMBERED:
                self._found.clear()
            known = self._found[phrase] = self._look_for(phrase)
        return known

    def hits(self, phrase: str) -> NDArray[np.bool_]:
        """Tell for each paper whether its title or abstract holds the phrase."""
        return self.holders(phrase).hits

    def rarity(self, phrase: str) -> float:
        """Tell how much a hit says, from 0 (every paper holds it, or none) to 1 (only one of many does)."""
        return self.holders(phrase).rarity

    def hits_any(self, phrases: tuple[str, ...]) -> NDArray[np.bool_]:
        """Tell for each paper whether it holds any of the phrases, such as a topic's, which many ask for."""
        known = self._any.get(phrases)
        if known is None:
            known = np.zeros(len(self._texts), bool)
            for phrase in phrases:
                known[self.holders(phrase).rows] = True
            if len(self._any) * len(self._texts) >= _MOST_OF_SEVERAL:
                self._any.clear()
            self._any[phrases] = known
        return known

    def _look_for(self, phrase: str) -> Holders:
        wanted = pattern(phrase)
        texts = self._texts if is_acronym(phrase.strip()) else self._folded
        some = core(phrase)  # most texts lack it, and `in` tells so 20 times as fast as the pattern
        hits = np.array(
            [wanted is not None and some in text and wanted.search(text) is not None for text in texts], bool
        )
        rows = np.flatnonzero(hits)
        return Holders(hits, rows, rarity(len(rows), len(texts)))


def rarity(holders: int, papers: int) -> float:
    """Inverse document frequency scaled to 0–1: log((n + 1) / (df + ½)) / log(n + 1)."""
    if holders == 0 or papers == 0:
        return 0.0
    return float(max(0.0, np.log((papers + 1) / (holders + 0.5)) / np.log(papers + 1)))
