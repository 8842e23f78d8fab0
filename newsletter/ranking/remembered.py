"""What texts say for each candidate, worked out once a text, however many subscribers ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from newsletter.ranking.encoder import Vectors

_MOST = 16_000_000  # numbers: 64 MB, or 16,000 texts against 1,000 candidates
_MOST_TEXTS = 20_000
_BLOCK = 64  # texts


class Remembered:
    """Rows of numbers by text. Forgets all but those asked for when there would be too many. Safe among threads.

    `in_blocks`: rows come out of matrix products, whose last bits depend on the matrices' shapes. Always as many texts
    are worked out together, so that a text's row is the same whoever else is asked for: a preview is what is sent.
    """

    def __init__(self, most: int = _MOST, *, in_blocks: bool = False) -> None:
        """Hold up to `most` numbers, or those of one question."""
        self._most = most
        self._block = _BLOCK if in_blocks else 0
        self._places: dict[str, int] = {}
        self._rows = np.zeros((0, 0), np.float32)  # with room for more
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str], work_out: Callable[[list[int]], Vectors]) -> Vectors:
        """Give the rows of texts (len(texts) × n); `work_out` gives those of some that are not known, by position."""
        if not texts:
            return work_out([])
        with self._lock:
            missing = {text: place for place, text in enumerate(texts) if text not in self._places}
            if missing:
                fresh = self._worked_out([*missing.values()], work_out)
                if self._too_many(len(missing), fresh.shape[1]):
                    self._forget_all_but(texts)
                self._add([*missing], fresh)
            return self._of(texts)

    def _worked_out(self, places: list[int], work_out: Callable[[list[int]], Vectors]) -> Vectors:
        size = self._block or len(places)
        rows: list[Vectors] = []
        for start in range(0, len(places), size):
            some = places[start : start + size]
            rows.append(work_out(some + some[-1:] * (size - len(some)))[: len(some)])
        return np.concatenate(rows)

    def _of(self, texts: Sequence[str]) -> Vectors:
        return self._rows.take(np.array([self._places[text] for text in texts], np.intp), axis=0)

    def _too_many(self, more: int, width: int) -> bool:
        texts = len(self._places) + more
        return texts > _MOST_TEXTS or texts * width > self._most

    def _forget_all_but(self, texts: Sequence[str]) -> None:
        kept = [text for text in dict.fromkeys(texts) if text in self._places]
        self._rows = self._of(kept)
        self._places = {text: place for place, text in enumerate(kept)}

    def _add(self, texts: Sequence[str], rows: Vectors) -> None:
        start, stop = len(self._places), len(self._places) + len(texts)
        if stop > len(self._rows):
            roomy = np.empty((max(stop, start + start // 2), rows.shape[1]), np.float32)
            if start:
                roomy[:start] = self._rows[:start]
            self._rows = roomy
        self._rows[start:stop] = rows
        self._places.update(zip(texts, range(start, stop), strict=True))
