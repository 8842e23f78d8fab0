"""What liked papers say for new ones, less what papers in general say for them."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter.ranking.encoder import Vectors
from newsletter.ranking.kernel import KernelRidge, kernel
from tests.ranking.test_background import unit_vectors

BACKGROUND, NEW, LIKED = unit_vectors(60, 24), unit_vectors(7, 24, seed=2), unit_vectors(3, 24, seed=3)
WEIGHTS = np.array([0.5, 0.3, 0.2], np.float32)
TEXTS = [f"paper {number}" for number in range(60)]


def exact(liked: Vectors, penalty: float) -> Vectors:
    gram = kernel(BACKGROUND, BACKGROUND).astype(np.float64) + penalty * np.eye(60)
    explained = kernel(liked, BACKGROUND) @ np.linalg.solve(gram, kernel(BACKGROUND, NEW))
    found: Vectors = WEIGHTS @ (kernel(liked, NEW) - explained)
    return found


def test_the_kernel_is_1_for_the_same_and_little_for_what_has_nothing_in_common() -> None:
    axes = np.eye(2, dtype=np.float32)
    assert np.allclose(kernel(axes, axes), [[1, np.exp(-2)], [np.exp(-2), 1]], atol=1e-6)


@pytest.mark.parametrize("strictness", [1.0, 16.0])
def test_examples_say_what_the_regression_leaves_of_them(strictness: float) -> None:
    got = KernelRidge.of(NEW, BACKGROUND, TEXTS).examples(LIKED, WEIGHTS, ["a", "b", "c"], strictness)
    assert np.allclose(got, exact(LIKED, strictness * 60 / 1250), atol=1e-4)


@pytest.mark.parametrize("known", [(), (0,), (0, 2), (0, 1, 2)])
def test_a_liked_paper_of_the_background_counts_like_one_from_elsewhere(known: tuple[int, ...]) -> None:
    ridge = KernelRidge.of(NEW, BACKGROUND, TEXTS)
    liked = BACKGROUND[[5, 17, 40]]
    texts = [TEXTS[row] if place in known else f"unknown {row}" for place, row in enumerate((5, 17, 40))]
    assert np.allclose(ridge.examples(liked, WEIGHTS, texts, 4.0), exact(liked, 4 * 60 / 1250), atol=1e-4)


def test_without_a_background_the_mean_is_taken_off() -> None:
    none = np.zeros((0, 24), np.float32)
    got = KernelRidge.of(NEW, none, []).examples(LIKED, WEIGHTS, ["a", "b", "c"], 1.0)
    plain = WEIGHTS @ kernel(LIKED, NEW)
    assert np.allclose(got, plain - plain.mean(), atol=1e-6)


def test_a_background_of_one_paper_again_and_again_gives_finite_columns() -> None:
    ridge = KernelRidge.of(NEW, np.repeat(BACKGROUND[:1], 300, axis=0), ["the same"] * 300)
    assert np.isfinite(ridge.examples(LIKED, WEIGHTS, ["a", "the same", "c"], 1.0)).all()


def test_of_a_large_background_the_newest_papers_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.ranking.kernel._MOST_BACKGROUND", 20)
    few = KernelRidge.of(NEW, BACKGROUND, TEXTS)
    same = KernelRidge.of(NEW, BACKGROUND[:20], TEXTS[:20])
    assert np.array_equal(
        few.examples(LIKED, WEIGHTS, ["a", "b", TEXTS[30]], 1.0), same.examples(LIKED, WEIGHTS, ["a", "b", "c"], 1.0)
    )
