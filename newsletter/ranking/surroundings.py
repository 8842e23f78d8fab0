"""Papers moved towards their neighbours among the background.

A title says little; what the papers near it say tells what it is about. Each vector becomes itself plus a part of the
weighted mean of its nearest background papers (database-side augmentation: Turcot & Lowe 2009; Radenović et al. 2019,
arXiv:1711.02512, weigh by powers of the cosine). Two papers of one subject come nearer to each other by that, papers of
two subjects do not. Learned from unlabelled papers alone; docs/ranking.md has what it brings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newsletter.ranking.encoder import Vectors

_NEIGHBOURS, _SHARE, _POWER = 10, 0.5, 3
_ITSELF = 0.999  # the cosine from which a neighbour is the paper itself, which stands among the background too
_AT_ONCE = 1024


@dataclass(frozen=True)
class Surroundings:
    """The background's mean (d), and its papers (m × d) as unit vectors from there."""

    mean: Vectors
    papers: Vectors

    @classmethod
    def of(cls, background: Vectors) -> Surroundings:
        """Take the vectors (m × d) of papers in general."""
        mean = background.mean(axis=0) if len(background) else np.zeros(background.shape[1], np.float32)
        return cls(mean, _unit(background - mean))

    def moved(self, vectors: Vectors) -> Vectors:
        """Give unit vectors (k × d) for vectors: less the background's mean, nearer to their neighbours."""
        centred = _unit(vectors - self.mean)
        count = min(_NEIGHBOURS, len(self.papers) - 1)
        if count < 1:
            return vectors
        for start in range(0, len(centred), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            centred[some] = self._moved(centred[some], count)
        return centred

    def _moved(self, centred: Vectors, count: int) -> Vectors:
        cosines = centred @ self.papers.T
        cosines[cosines >= _ITSELF] = 0
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        weights = np.maximum(np.take_along_axis(cosines, nearest, axis=1), 0) ** _POWER
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        around = np.einsum("ij,ijd->id", weights, self.papers[nearest])
        return _unit(centred + np.float32(_SHARE) * around)


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return unit
