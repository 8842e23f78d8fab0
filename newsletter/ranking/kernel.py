"""What a liked paper says for a new one, less what papers in general say for it: kernel ridge regression.

The kernel is k(a, b) = o(a) o(b) exp(2 (cos − 1)), between papers that moved towards their neighbours
(`surroundings`), with o what nearness to each says (`crowding`). Background papers B count as ones that the reader did
not mark (Hastie et al., The Elements of Statistical Learning, 5.8), which leaves of a liked paper l

    k'(c, l) = k(c, l) − k(c, B) (K_BB + λ I)⁻¹ k(B, l)

for a candidate c; of the background's own papers, λ k(c, B) (K_BB + λ I)⁻¹. That depends on no reader: one
factorisation a penalty serves all subscribers, and a paper's k' all who like it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from newsletter.ranking.crowding import Crowding
from newsletter.ranking.encoder import Vectors
from newsletter.ranking.remembered import Found, Remembered, in_blocks
from newsletter.ranking.surroundings import Surroundings

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_SHARPNESS = 2.0
# K_BB takes 4 bytes × papers², and its factorisation grows with their third power: here 0.6 GB and 6 s.
_MOST_BACKGROUND = 12_000


def kernel(left: Vectors, right: Vectors) -> Vectors:
    """Give the kernel's values (len(left) × len(right)) between unit vectors whose nearness says as much as usual."""
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
    crowding: Crowding
    _background_said: dict[float, Vectors] = field(default_factory=dict)
    _said: dict[float, Remembered] = field(default_factory=dict)

    @classmethod
    def of(cls, candidates: Vectors, background: Vectors, texts: Sequence[str]) -> KernelRidge:
        """Take what is to be compared; of a large background its first, newest papers. Nothing is factorised yet."""
        some = texts[:_MOST_BACKGROUND]
        plain = background[: len(some)]
        around = Surroundings.of(plain)
        rows = {text: row for row, text in reversed([*enumerate(some)])}
        moved = around.moved(plain)
        return cls(around.moved(candidates), moved, plain, rows, around, Crowding.of(moved))

    @cached_property
    def _openness(self) -> Vectors:
        return self.crowding.openness(self.candidates)

    def examples(self, texts: Sequence[str], vectors: Vectors, strictness: float) -> Found:
        """Find the k' of papers by their texts and vectors (m × d): m × n. Each is worked out once.

        `strictness` raises the penalty where there is little to learn from.
        """
        said = self._said.setdefault(strictness, Remembered())
        return said.find(texts, lambda some: self._work_out([texts[i] for i in some], vectors[some], strictness))

    def background_examples(self, weights: csr_matrix, strictness: float) -> Vectors:
        """Give the weighted sums (q × n) of the k' of papers of the background, for many weights (q × m)."""
        found: Vectors = weights @ self._of_background(strictness)
        return found

    def _work_out(self, texts: Sequence[str], vectors: Vectors, strictness: float) -> Vectors:
        found = np.empty((len(texts), len(self.candidates)), np.float32)
        known = np.array([self.rows.get(text, -1) for text in texts], np.intp)
        inside = known >= 0
        if inside.any():
            found[inside] = self._of_background(strictness)[known[inside]]
        if not inside.all():
            outside = np.flatnonzero(~inside)
            found[outside] = in_blocks(outside.tolist(), lambda some: self._outside(vectors[some], strictness))
        return found

    def _outside(self, vectors: Vectors, strictness: float) -> Vectors:
        moved = self.surroundings.moved(vectors)
        near = kernel(moved, self.candidates)
        near *= self._openness
        if len(self.background):
            explained = kernel(moved, self.background)
            explained *= self.crowding.own / np.float32(self._penalty(strictness))
            near -= explained @ self._of_background(strictness)
        elif len(self.candidates):  # only the candidates themselves tell what papers in general are like
            near -= near.mean(axis=1, keepdims=True)
        near *= self.crowding.openness(moved)[:, None]
        return near

    def _penalty(self, strictness: float) -> float:
        return len(self.background) / 1250.0 * strictness

    def _of_background(self, strictness: float) -> Vectors:
        """Give the k' of the background's papers, m × n."""
        if strictness not in self._background_said:
            from scipy.linalg import cho_factor, cho_solve  # noqa: PLC0415  lazy: a tenth of a second

            # With O the diagonal matrix of o and G the kernel without it, (O G O + λ I)⁻¹ O G = O⁻¹ (G + λ O⁻²)⁻¹ G.
            penalties = np.float32(self._penalty(strictness)) / self.crowding.own**2
            gram = kernel(self.background, self.background)
            gram[np.diag_indices(len(gram))] += penalties
            factor = cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
            right = kernel(self.background, self.candidates)
            right *= self._openness
            said = np.ascontiguousarray(cho_solve(factor, right, overwrite_b=True, check_finite=False))
            said *= (self.crowding.own * penalties)[:, None]
            self._background_said[strictness] = said
        return self._background_said[strictness]
