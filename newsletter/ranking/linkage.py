"""Groups of vectors that mean the same: average linkage (Sokal & Michener 1958), cut at a mean cosine.

Any two groups that are each other's nearest may be united at once, whatever else is near: what comes of it are the
groups of always uniting the nearest two of all (Bruynooghe 1977; Murtagh 1983, doi:10.1093/comjnl/26.4.354), as SciPy
does, to which a test compares this (importing that takes 9 MB). So all such pairs of many readers are united in one
step, for what one reader has is too little to be worth a call to NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.encoder import Vectors

_TOGETHER = 500_000  # distances at a time: 4 MB

Groups = list[list[int]]


def parted_each(several: Sequence[Vectors], cosine: float) -> list[Groups]:
    """Part each reader's vectors (n × d) into groups whose mean cosine to one another is below `cosine`; by rows."""
    found: list[Groups] = [[[row] for row in range(len(vectors))] for vectors in several]
    for places in _of_a_size(several):
        labels = _united([several[place] for place in places], 1 - cosine)
        for place, theirs in zip(places, labels.tolist(), strict=True):
            groups: dict[int, list[int]] = {}
            for row, label in enumerate(theirs[: len(several[place])]):
                groups.setdefault(label, []).append(row)
            found[place] = [*groups.values()]
    return found


def _of_a_size(several: Sequence[Vectors]) -> Iterator[list[int]]:
    """Give places of what there is to part, those of about a size together, as many as there is room for."""
    places = sorted((place for place, one in enumerate(several) if len(one) > 1), key=lambda place: len(several[place]))
    while places:
        room = max(1, _TOGETHER // len(several[places[-1]]) ** 2)
        yield places[-room:]
        del places[-room:]


def _united(several: Sequence[Vectors], limit: float) -> NDArray[np.intp]:
    """Give which group every row is in (readers × n), by the first of its rows, with no two as near as `limit` left."""
    wide = max(map(len, several))
    everyone = np.arange(len(several))[:, None]
    distances = np.full((len(several), wide, wide), np.inf)
    for place, vectors in enumerate(several):
        apart = np.clip(1 - vectors @ vectors.T, 0, 2)
        distances[place, : len(vectors), : len(vectors)] = np.minimum(apart, apart.T)
    distances[:, range(wide), range(wide)] = np.inf  # nothing is its own neighbour
    labels = np.tile(np.arange(wide), (len(several), 1))
    sizes = np.ones(labels.shape)
    nearest = distances.argmin(axis=2)
    near = np.take_along_axis(distances, nearest[:, :, None], axis=2)[:, :, 0]
    while True:
        pairs = (nearest[everyone, nearest] == np.arange(wide)) & (np.arange(wide) < nearest) & (near <= limit)
        here, stays = pairs.nonzero()
        if not len(here):
            return labels
        gone = nearest[here, stays]
        _unite(distances, sizes, here, stays, gone)
        now = np.tile(np.arange(wide), (len(several), 1))
        now[here, gone] = stays
        labels = now[everyone, labels]
        # To others a group that was united is no nearer than the nearer of its parts was.
        touched = np.zeros(labels.shape, bool)
        touched[here, stays] = touched[here, gone] = True
        who, rows = (touched | touched[everyone, nearest]).nonzero()
        nearest[who, rows] = found = distances[who, rows].argmin(axis=1)
        near[who, rows] = distances[who, rows, found]


def _unite(
    distances: NDArray[np.float64],
    sizes: NDArray[np.float64],
    here: NDArray[np.intp],
    stays: NDArray[np.intp],
    gone: NDArray[np.intp],
) -> None:
    """Give one group of each pair (all of different groups) the mean distance of both; to the other nothing is near."""
    one, other = sizes[here, stays], sizes[here, gone]
    part, rest = (one / (one + other))[:, None], (other / (one + other))[:, None]
    distances[here, stays] = part * distances[here, stays] + rest * distances[here, gone]
    distances[here, :, stays] = part * distances[here, :, stays] + rest * distances[here, :, gone]
    # The same both ways to the last digit: else of the nearest two each might have another for its nearest.
    mean = np.minimum(distances[here, stays], distances[here, :, stays])
    distances[here, stays] = distances[here, :, stays] = mean
    distances[here, gone] = distances[here, :, gone] = np.inf
    sizes[here, stays] += other
