"""How much nearness to a paper says: less where papers lie close together.

In a crowded field everything is near to everything, so that its papers would come first for readers of whatever lies
about it: they are hubs (Radovanović et al. 2010, JMLR 11:2487). What measures nearness by how near a place's neighbours
usually are has fewer of them (local scaling: Zelnik-Manor & Perona 2004; Conneau et al. 2018, arXiv:1710.04087).
Learned from unlabelled papers alone; docs/ranking.md has what it brings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newsletter.ranking.encoder import Vectors
from newsletter.ranking.remembered import in_blocks

_NEIGHBOURS = 50
_ITSELF = 0.999  # the cosine from which a neighbour is the paper itself, which stands among the background too


@dataclass(frozen=True)
class Crowding:
    """Papers in general (m × d), their neighbours' usual cosine, and what nearness to each of them says (m)."""

    papers: Vectors
    usual: float
    own: Vectors

    @classmethod
    def of(cls, papers: Vectors) -> Crowding:
        """Take the unit vectors (m × d) of papers in general."""
        cosines = _to_neighbours(papers, papers)
        usual = float(cosines.mean()) if len(cosines) else 0.0
        return cls(papers, usual, np.exp(np.float32(usual) - cosines))

    def openness(self, vectors: Vectors) -> Vectors:
        """Tell how much nearness to papers (k × d) says (k): 1 where others lie as near as they usually do."""
        openness: Vectors = np.exp(np.float32(self.usual) - _to_neighbours(vectors, self.papers))
        return openness


def _to_neighbours(vectors: Vectors, papers: Vectors) -> Vectors:
    """Give the mean cosine (k) of vectors (k × d) to their nearest papers (m × d), themselves left out."""
    if len(vectors) == 0:
        return np.zeros(0, np.float32)
    return in_blocks([*range(len(vectors))], lambda some: _mean_of_nearest(vectors[some] @ papers.T))


def _mean_of_nearest(cosines: Vectors) -> Vectors:
    papers = cosines.shape[1]
    count = min(_NEIGHBOURS, papers - 1)
    if count < 1:
        return np.zeros(len(cosines), np.float32)
    cosines[cosines >= _ITSELF] = -1
    nearest: Vectors = np.partition(cosines, papers - count, axis=1)[:, papers - count :].mean(axis=1)
    return nearest
