"""The matrix behind the search by meaning: what the sketches pass over is not what is near."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter import meanings
from newsletter.meanings import _Matrix

DICE = np.random.default_rng(7)


def like_texts(count: int, subjects: int = 40) -> np.ndarray:
    """Give unit vectors as those of texts lie: about subjects, and of few directions."""
    about = DICE.standard_normal((subjects, 384)) * (1 / np.sqrt(np.arange(1, 385)))
    rows = about[DICE.integers(subjects, size=count)] + 0.6 * DICE.standard_normal((count, 384)) * (
        1 / np.sqrt(np.arange(1, 385))
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def exact(rows: np.ndarray, query: np.ndarray, most: int) -> list[int]:
    return [int(row) + 1 for row in np.argsort(-(rows.astype(np.float16).astype(np.float32) @ query))[:most]]


@pytest.mark.parametrize("sketched", [10**9, 1000], ids=["whole vectors", "sketches"])
def test_the_nearest_are_found_however_they_are_looked_for(sketched: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meanings, "_SKETCHED", sketched)
    monkeypatch.setattr(meanings, "_LOOKED_AT", 600)
    rows, matrix = like_texts(6000), _Matrix(384)
    for start in range(0, 6000, 1000):  # it grows, and with it what the directions are learned from
        matrix.add(range(start + 1, start + 1001), rows[start : start + 1000])
        matrix.make_sketch()
    assert matrix.sketch is not None
    assert (matrix.sketch.directions is None) is (sketched == 10**9)
    for query in rows[::500]:
        found = matrix.nearest(query, 20, 0.0)
        assert [key for key, _ in found] == exact(rows, query, 20)
        assert found[0][1] == pytest.approx(1, abs=1e-2)
        assert [worth for _, worth in found] == sorted((worth for _, worth in found), reverse=True)
    assert all(worth >= 0.5 for _, worth in matrix.nearest(rows[0], 6000, 0.5))
    matrix.close()


def test_an_empty_matrix_and_a_small_one() -> None:
    matrix = _Matrix(384)
    matrix.make_sketch()
    assert matrix.nearest(np.ones(384, np.float32), 5, 0.0) == []
    matrix.add([7], like_texts(1))
    assert matrix.nearest(np.ones(384, np.float32), 5, -1.0) == []  # until it is read whole
    matrix.make_sketch()
    assert [key for key, _ in matrix.nearest(np.ones(384, np.float32), 5, -1.0)] == [7]
    assert matrix.nearest(np.ones(384, np.float32), 0, -1.0) == []
    matrix.close()
