"""What a liked paper says for a new one, less what papers in general say for it: kernel ridge regression.

The kernel is k(a, b) = exp(2 (cos − 1)). Background papers B count as ones that the reader did not mark (Hastie et al.,
The Elements of Statistical Learning, 5.8), which leaves of a liked paper l

    k'(c, l) = k(c, l) − k(c, B) (K_BB + λ I)⁻¹ k(B, l)

for a candidate c. The factor behind k(c, B) depends on no reader: one factorisation a penalty serves all subscribers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from newsletter.ranking.encoder import Vectors

_SHARPNESS = 2.0
# K_BB takes 4 bytes × papers², and its factorisation grows with their third power: here 0.6 GB and 6 s.
_MOST_BACKGROUND = 12_000


def kernel(left: Vectors, right: Vectors) -> Vectors:
    """Give the kernel's values (len(left) × len(right)) between unit vectors."""
    values = left @ right.T
    values -= 1
    values *= np.float32(_SHARPNESS)
    np.exp(values, out=values)
    found: Vectors = values
    return found


@dataclass(frozen=True)
class KernelRidge:
    """Candidates (n × d) seen against a background (m × d), whose texts' rows are in `rows`."""

    candidates: Vectors
    background: Vectors
    rows: Mapping[str, int]
    _explained: dict[float, Vectors] = field(default_factory=dict)

    @classmethod
    def of(cls, candidates: Vectors, background: Vectors, texts: Sequence[str]) -> KernelRidge:
        """Take what is to be compared; of a large background its first, newest papers. Nothing is worked out yet."""
        some = texts[:_MOST_BACKGROUND]
        return cls(candidates, background[: len(some)], {text: row for row, text in reversed([*enumerate(some)])})

    def examples(self, vectors: Vectors, weights: Vectors, texts: Sequence[str], strictness: float) -> Vectors:
        """Give what weighted examples say for each candidate (n): the weighted sum of their k'.

        `strictness` raises the penalty where there is little to learn from.
        """
        known = np.array([self.rows.get(text, -1) for text in texts], np.intp)
        inside = known >= 0  # their k' stands in the factorisation's result, which spares all the rest
        found = self.background_examples(known[inside], weights[inside], strictness)
        if not inside.all():
            some, heights = vectors[~inside], weights[~inside]
            found = found + heights @ kernel(some, self.candidates)
            if len(self.background) == 0:  # only the candidates themselves tell what papers in general are like
                return _centred(found)
            found -= (heights @ kernel(some, self.background)) @ self._factor(strictness)
        return found

    def background_examples(self, rows: np.ndarray, weights: Vectors, strictness: float) -> Vectors:
        """Give the same for papers of the background, by their rows, as if these had been liked."""
        if len(rows) == 0:
            return np.zeros(len(self.candidates), np.float32)
        found: Vectors = np.float32(self._penalty(strictness)) * (weights @ self._factor(strictness)[rows])
        return found

    def _penalty(self, strictness: float) -> float:
        return len(self.background) / 1250.0 * strictness

    def _factor(self, strictness: float) -> Vectors:
        """Give (K_BB + λ I)⁻¹ k(B, C), m × n."""
        if strictness not in self._explained:
            from scipy.linalg import cho_factor, cho_solve  # noqa: PLC0415  lazy: a tenth of a second

            gram = kernel(self.background, self.background)
            gram[np.diag_indices(len(gram))] += np.float32(self._penalty(strictness))
            factor = cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
            right = kernel(self.background, self.candidates)
            self._explained[strictness] = np.ascontiguousarray(cho_solve(factor, right, check_finite=False))
        return self._explained[strictness]


def _centred(column: Vectors) -> Vectors:
    return column - column.mean() if len(column) else column
