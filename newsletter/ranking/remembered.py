"""What texts say for each candidate, worked out once a text, however many subscribers ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from newsletter.ranking.encoder import Vectors

_MOST = 16_000_000  # numbers: 64 MB, or 16,000 texts against 1,000 candidates
_MOST_TEXTS = 20_000
_BLOCK = 64  # texts


class Remembered:
    """Rows of numbers by text. Forgets everything when there would be too many.

    `in_blocks`: rows come out of matrix products, whose last bits depend on the matrices' shapes. Always as many texts
    are worked out together, so that a text's row is the same whoever else is asked for: a preview is what is sent.
    """

    def __init__(self, most: int = _MOST, *, in_blocks: bool = False) -> None:
        """Hold up to `most` numbers."""
        self._most = most
        self._block = _BLOCK if in_blocks else 0
        self._rows: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str], work_out: Callable[[list[int]], Vectors]) -> Vectors:
        """Give the rows of texts (len(texts) × n); `work_out` gives those of some that are not known, by position."""
        if not texts:
            return work_out([])
        missing = {text: place for place, text in enumerate(texts) if text not in self._rows}
        if not missing:
            return np.array([self._rows[text] for text in texts], np.float32)
        fresh = dict(zip(missing, self._worked_out(list(missing.values()), work_out), strict=True))
        found = np.array([fresh[text] if text in fresh else self._rows[text] for text in texts], np.float32)
        self._keep(fresh)
        return found

    def _worked_out(self, places: list[int], work_out: Callable[[list[int]], Vectors]) -> list[Vectors]:
        size = self._block or len(places)
        rows: list[Vectors] = []
        for start in range(0, len(places), size):
            some = places[start : start + size]
            rows += [*work_out(some + some[-1:] * (size - len(some)))[: len(some)]]
        return rows

    def _keep(self, fresh: dict[str, Vectors]) -> None:
        width = max((len(row) for row in fresh.values()), default=0)
        texts = len(self._rows) + len(fresh)
        if texts > _MOST_TEXTS or texts * width > self._most:
            self._rows.clear()
        self._rows.update(fresh)
