"""What texts say for each candidate, worked out once a text, however many subscribers ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.encoder import Vectors

_MOST = 16_000_000  # numbers: 64 MB, or 16,000 texts against 1,000 candidates
_MOST_TEXTS = 20_000
BLOCK = 64  # texts


class Found(NamedTuple):
    """A matrix that has the rows of what was asked for, among others, and the place of each in it."""

    matrix: Vectors
    places: NDArray[np.intp]

    @property
    def rows(self) -> Vectors:
        """The rows of what was asked for, in its order: a copy."""
        return self.matrix.take(self.places, axis=0)


class Remembered:
    """Rows of numbers by text. Forgets all but those asked for when there would be too many. Safe among threads.

    `in_blocks`: rows come out of matrix products (see `in_blocks`).
    """

    def __init__(self, most: int = _MOST, *, in_blocks: bool = False) -> None:
        """Hold up to `most` numbers, or those of one question."""
        self._most = most
        self._in_blocks = in_blocks
        self._places: dict[Hashable, int] = {}
        self._rows = np.zeros((0, 0), np.float32)  # with room for more; what stands in it is never changed
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[Hashable], work_out: Callable[[list[int]], Vectors]) -> Vectors:
        """Give the rows of texts (len(texts) × n); `work_out` gives those of some that are not known, by position."""
        return self.find(texts, work_out).rows if texts else work_out([])

    def find(self, texts: Sequence[Hashable], work_out: Callable[[list[int]], Vectors]) -> Found:
        """Tell where the rows of texts, at least one, stand: uncopied, as many readers ask for the same."""
        with self._lock:
            known = self._places
            places = [*map(known.get, texts)]
            if None in places:
                missing = {text: place for place, text in enumerate(texts) if text not in known}
                fresh = self._worked_out([*missing.values()], work_out)
                if self._too_many(len(missing), fresh.shape[1]):
                    self._forget_all_but(texts)
                self._add([*missing], fresh)
                return Found(self._rows, self._of(texts))
            return Found(self._rows, np.array(places, np.intp))

    def _worked_out(self, places: list[int], work_out: Callable[[list[int]], Vectors]) -> Vectors:
        return in_blocks(places, work_out) if self._in_blocks and places else work_out(places)

    def _of(self, texts: Sequence[Hashable]) -> NDArray[np.intp]:
        return np.array([self._places[text] for text in texts], np.intp)

    def _too_many(self, more: int, width: int) -> bool:
        texts = len(self._places) + more
        return texts > _MOST_TEXTS or texts * width > self._most

    def _forget_all_but(self, texts: Sequence[Hashable]) -> None:
        kept = [text for text in dict.fromkeys(texts) if text in self._places]
        self._rows = self._rows.take(self._of(kept), axis=0)
        self._places = {text: place for place, text in enumerate(kept)}

    def _add(self, texts: Sequence[Hashable], rows: Vectors) -> None:
        start, stop = len(self._places), len(self._places) + len(texts)
        if stop > len(self._rows) or self._rows.shape[1] != rows.shape[1]:
            roomy = np.empty((max(stop, start + start // 2), rows.shape[1]), np.float32)
            if start:
                roomy[:start] = self._rows[:start]
            self._rows = roomy
        self._rows[start:stop] = rows
        self._places.update(zip(texts, range(start, stop), strict=True))


def in_blocks(places: list[int], work_out: Callable[[list[int]], Vectors]) -> Vectors:
    """Give what `work_out` gives for some places, worked out for always as many of them together.

    The last bits of a matrix product depend on the matrices' shapes. So a reader's numbers are the same whoever else is
    asked for: a preview is what is sent.
    """
    rows: list[Vectors] = []
    for start in range(0, len(places), BLOCK):
        some = places[start : start + BLOCK]
        rows.append(work_out(some + some[-1:] * (BLOCK - len(some)))[: len(some)])
    return np.concatenate(rows)
