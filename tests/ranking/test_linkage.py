"""Groups of vectors: those that SciPy's average linkage gives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from newsletter.ranking.linkage import parted_each


def theirs(vectors: NDArray[np.float32], cosine: float) -> list[list[int]]:
    distances = np.clip(1 - vectors @ vectors.T, 0, 2)
    np.fill_diagonal(distances, 0)
    labels = fcluster(linkage(squareform(distances, checks=False), "average"), 1 - cosine, "distance")
    return sorted(np.flatnonzero(labels == label).tolist() for label in set(labels))


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return np.asarray(rows / lengths, np.float32)


@pytest.mark.parametrize("cosine", [0.1, 0.2, 0.5])
def test_groups_are_those_of_scipy(cosine: float) -> None:
    chance = np.random.default_rng(7)
    sizes = [2, 3, 7, 20, 150, 800, 19, 7, 2, 5]
    several = [unit(chance.normal(size=(count, dimensions))) for dimensions in (3, 8, 24) for count in sizes]
    assert parted_each(several, cosine) == [theirs(vectors, cosine) for vectors in several]


def test_where_many_are_equally_far_what_is_near_is_together_and_nothing_else_is() -> None:
    chance = np.random.default_rng(8)
    # Twins among them, and texts without a word: which of equals comes first is no matter.
    sizes = [*chance.integers(5, 80, size=200)]
    several = [unit(chance.integers(-1, 2, size=(size, size % 5 + 2)).astype(float)) for size in sizes]
    for vectors, groups in zip(several, parted_each(several, 0.2), strict=True):
        assert sorted(row for rows in groups for row in rows) == [*range(len(vectors))]
        cosines = np.array([[(vectors[one] @ vectors[other].T).mean() for other in groups] for one in groups])
        apart = ~np.eye(len(groups), dtype=bool)
        assert (cosines[apart] < 0.2 + 1e-6).all()
        pairs = [vectors[rows] @ vectors[rows].T for rows in groups if len(rows) > 1]
        assert all(one[np.triu_indices(len(one), 1)].mean() > 0.2 - 1e-6 for one in pairs)
        of = {row: place for place, rows in enumerate(groups) for row in rows}
        twins = np.argwhere(vectors @ vectors.T > 1 - 1e-6)
        assert all(of[one] == of[other] for one, other in twins.tolist())


def test_nobodys_groups_depend_on_who_else_is_there() -> None:
    chance = np.random.default_rng(9)
    several = [unit(chance.normal(size=(count, 12))) for count in (30, 4, 31, 0, 30, 1, 90)]
    assert parted_each(several, 0.1) == [groups for one in several for groups in parted_each([one], 0.1)]


def test_what_is_alike_is_one_group_and_what_is_not_is_many() -> None:
    one = np.eye(1, 4, dtype=np.float32)
    several = [np.repeat(one, 3, axis=0), np.eye(4, dtype=np.float32), one, one[:0]]
    assert parted_each(several, 0.2) == [[[0, 1, 2]], [[0], [1], [2], [3]], [[0]], []]
    assert parted_each([], 0.2) == []
