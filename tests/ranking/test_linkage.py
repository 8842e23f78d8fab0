"""Groups of vectors: those that SciPy's average linkage gives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from newsletter.ranking.linkage import parted


def theirs(vectors: NDArray[np.float32], cosine: float) -> list[list[int]]:
    distances = np.clip(1 - vectors @ vectors.T, 0, 2)
    np.fill_diagonal(distances, 0)
    labels = fcluster(linkage(squareform(distances, checks=False), "average"), 1 - cosine, "distance")
    return sorted(np.flatnonzero(labels == label).tolist() for label in set(labels))


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return np.asarray(rows / lengths, np.float32)


@pytest.mark.parametrize("cosine", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("count", [2, 3, 7, 20, 150])
def test_groups_are_those_of_scipy(count: int, cosine: float) -> None:
    chance = np.random.default_rng(count)
    for dimensions in (3, 8, 24):
        vectors = unit(chance.normal(size=(count, dimensions)))
        assert parted(vectors, cosine) == theirs(vectors, cosine)


@pytest.mark.parametrize("seed", range(20))
def test_where_many_are_equally_far_groups_are_those_of_scipy_too(seed: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = unit(chance.integers(-1, 2, size=(25, 4)).astype(float))  # twins among them, and texts without a word
    assert parted(vectors, 0.2) == theirs(vectors, 0.2)


def test_what_is_alike_is_one_group_and_what_is_not_is_many() -> None:
    one = np.eye(1, 4, dtype=np.float32)
    assert parted(np.repeat(one, 3, axis=0), 0.2) == [[0, 1, 2]]
    assert parted(np.eye(4, dtype=np.float32), 0.2) == [[0], [1], [2], [3]]
    assert parted(one, 0.2) == [[0]]
    assert parted(one[:0], 0.2) == []
