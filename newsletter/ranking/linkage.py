"""Groups of vectors that mean the same: average linkage (Sokal & Michener 1958), cut at a mean cosine.

By chains of nearest neighbours (Murtagh 1983, doi:10.1093/comjnl/26.4.354), step for step as in SciPy's `linkage`, to
which a test compares it: importing that takes 9 MB.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.encoder import Vectors


def parted(vectors: Vectors, cosine: float) -> list[list[int]]:
    """Give the rows of groups of vectors (n × d) whose mean cosine to one another is at least `cosine`."""
    if len(vectors) < 2:
        return [[row] for row in range(len(vectors))]
    distances = np.clip(1 - vectors @ vectors.T, 0, 2)
    np.fill_diagonal(distances, 0)
    if distances.max() <= 1 - cosine:
        return [[*range(len(vectors))]]
    np.fill_diagonal(distances, np.inf)  # nothing is its own neighbour
    if distances.min() > 1 - cosine:
        return [[row] for row in range(len(vectors))]
    groups = {row: [row] for row in range(len(vectors))}
    for gone, stays, distance in _unions(distances.astype(np.float64)):
        if distance <= 1 - cosine:  # no group is nearer to another than its own parts were: these are united, too
            groups[stays] += groups.pop(gone)
    return sorted(sorted(rows) for rows in groups.values())


def _unions(distances: NDArray[np.float64]) -> Iterator[tuple[int, int, float]]:
    """Give which group (by one of its rows) is united with which, and at what mean distance.

    Of two that are each other's nearest, wherever a chain of nearest neighbours comes upon them: the groups are those
    that come of always uniting the nearest two of all. `distances` (n × n, infinite to oneself) is used up.
    """
    sizes = [1] * len(distances)
    chain: list[int] = []
    for _ in range(len(distances) - 1):
        if not chain:
            chain.append(next(row for row, size in enumerate(sizes) if size))
        while True:
            last = distances[chain[-1]]
            nearest = int(last.argmin())
            if len(chain) > 1 and last[chain[-2]] <= last[nearest]:  # of equals the one before, or it might go round
                break
            chain.append(nearest)
        gone, stays = sorted((chain.pop(), chain.pop()))
        one, other, whole = distances[gone], distances[stays], sizes[gone] + sizes[stays]
        yield gone, stays, float(one[stays])
        mean = (sizes[gone] * one + sizes[stays] * other) / whole  # infinite to itself, as both were
        distances[stays] = distances[:, stays] = mean
        distances[:, gone] = np.inf
        sizes[gone], sizes[stays] = 0, whole
