"""Which papers hold which phrase, and how much that says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from newsletter import identity
from newsletter.phrases import core, is_acronym, pattern

_MOST_REMEMBERED = 50_000_000  # phrases × papers, a byte each


class PhraseIndex:
    """Which of some papers' texts hold a phrase. Each phrase is looked for once, however many subscribers name it."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._folded = [identity.folded(text) for text in texts]
        self._found: dict[str, NDArray[np.bool_]] = {}

    def hits(self, phrase: str) -> NDArray[np.bool_]:
        """Tell for each paper whether its title or abstract holds the phrase."""
        if phrase not in self._found:
            wanted = pattern(phrase)
            texts = self._texts if is_acronym(phrase.strip()) else self._folded
            some = core(phrase)  # most texts lack it, and `in` tells so 20 times as fast as the pattern
            found = [wanted is not None and some in text and wanted.search(text) is not None for text in texts]
            if len(self._found) * len(found) >= _MOST_REMEMBERED:
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
