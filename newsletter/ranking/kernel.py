"""What a liked paper says for a new one, less what papers in general say for it: kernel ridge regression.

The kernel is k(a, b) = exp(2 (cos − 1)), between papers that moved towards their neighbours (`surroundings`).
Background papers B count as ones that the reader did not mark (Hastie et al., The Elements of Statistical Learning,
5.8), which leaves of a liked paper l

    k'(c, l) = k(c, l) − k(c, B) (K_BB + λ I)⁻¹ k(B, l)

for a candidate c. The factor behind k(c, B) depends on no reader: one factorisation a penalty serves all subscribers,
and a paper's k' all who like it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from newsletter.ranking.encoder import Vectors
from newsletter.ranking.remembered import Found, Remembered, in_blocks
from newsletter.ranking.surroundings import Surroundings

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

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
    """Candidates (n × d) seen against a background (m × d), whose texts' rows are in `rows`.

    Both have moved towards their neighbours; `plain` is the background as it was.
    """

    candidates: Vectors
    background: Vectors
    plain: Vectors
    rows: Mapping[str, int]
    surroundings: Surroundings
    _explained: dict[float, Vectors] = field(default_factory=dict)
    _said: dict[float, Remembered] = field(default_factory=dict)

    @classmethod
    def of(cls, candidates: Vectors, background: Vectors, texts: Sequence[str]) -> KernelRidge:
        """Take what is to be compared; of a large background its first, newest papers. Nothing is factorised yet."""
        some = texts[:_MOST_BACKGROUND]
        plain = background[: len(some)]
        around = Surroundings.of(plain)
        rows = {text: row for row, text in reversed([*enumerate(some)])}
        return cls(around.moved(candidates), around.moved(plain), plain, rows, around)

    def examples(self, texts: Sequence[str], vectors: Vectors, strictness: float) -> Found:
        """Find the k' of papers by their texts and vectors (m × d): m × n. Each is worked out once.

        `strictness` raises the penalty where there is little to learn from.
        """
        said = self._said.setdefault(strictness, Remembered())
        return said.find(texts, lambda some: self._work_out([texts[i] for i in some], vectors[some], strictness))

    def background_examples(self, weights: csr_matrix, strictness: float) -> Vectors:
        """Give the weighted sums (q × n) of the k' of papers of the background, for many weights (q × m)."""
        found: Vectors = weights @ self._factor(strictness)
        found *= np.float32(self._penalty(strictness))
        return found

    def _work_out(self, texts: Sequence[str], vectors: Vectors, strictness: float) -> Vectors:
        found = np.empty((len(texts), len(self.candidates)), np.float32)
        known = np.array([self.rows.get(text, -1) for text in texts], np.intp)
        inside = known >= 0  # k(l, B) (K_BB + λ I)⁻¹ is a row of the unit matrix but for λ: the product is spared
        if inside.any():
            found[inside] = np.float32(self._penalty(strictness)) * self._factor(strictness)[known[inside]]
        if not inside.all():
            outside = np.flatnonzero(~inside)
            found[outside] = in_blocks(outside.tolist(), lambda some: self._outside(vectors[some], strictness))
        return found

    def _outside(self, vectors: Vectors, strictness: float) -> Vectors:
        moved = self.surroundings.moved(vectors)
        near = kernel(moved, self.candidates)
        if len(self.background):
            near -= kernel(moved, self.background) @ self._factor(strictness)
        elif len(self.candidates):  # only the candidates themselves tell what papers in general are like
            near -= near.mean(axis=1, keepdims=True)
        return near

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
