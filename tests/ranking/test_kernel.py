"""What liked papers say for new ones, less what papers in general say for them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from newsletter.ranking.encoder import Vectors
from newsletter.ranking.kernel import KernelRidge, kernel
from newsletter.ranking.surroundings import Surroundings
from tests.ranking.test_background import unit_vectors

BACKGROUND, NEW, LIKED = unit_vectors(60, 24), unit_vectors(7, 24, seed=2), unit_vectors(3, 24, seed=3)
TEXTS = [f"paper {number}" for number in range(60)]


def exact(liked: Vectors, penalty: float) -> Vectors:
    around = Surroundings.of(BACKGROUND)
    background, new, moved = (around.moved(some) for some in (BACKGROUND, NEW, liked))
    gram = kernel(background, background).astype(np.float64) + penalty * np.eye(60)
    found: Vectors = kernel(moved, new) - kernel(moved, background) @ np.linalg.solve(gram, kernel(background, new))
    return found


def test_the_kernel_is_1_for_the_same_and_little_for_what_has_nothing_in_common() -> None:
    axes = np.eye(2, dtype=np.float32)
    assert np.allclose(kernel(axes, axes), [[1, np.exp(-2)], [np.exp(-2), 1]], atol=1e-6)


@pytest.mark.parametrize("strictness", [1.0, 16.0])
def test_examples_say_what_the_regression_leaves_of_them(strictness: float) -> None:
    got = KernelRidge.of(NEW, BACKGROUND, TEXTS).examples(["a", "b", "c"], LIKED, strictness).rows
    assert np.allclose(got, exact(LIKED, strictness * 60 / 1250), atol=1e-4)


@pytest.mark.parametrize("known", [(), (0,), (0, 2), (0, 1, 2)])
def test_a_liked_paper_of_the_background_counts_like_one_from_elsewhere(known: tuple[int, ...]) -> None:
    ridge = KernelRidge.of(NEW, BACKGROUND, TEXTS)
    liked = BACKGROUND[[5, 17, 40]]
    texts = [TEXTS[row] if place in known else f"unknown {row}" for place, row in enumerate((5, 17, 40))]
    assert np.allclose(ridge.examples(texts, liked, 4.0).rows, exact(liked, 4 * 60 / 1250), atol=1e-4)


def test_papers_of_the_background_count_as_if_they_were_liked() -> None:
    ridge = KernelRidge.of(NEW, BACKGROUND, TEXTS)
    alone = ridge.examples([TEXTS[5], TEXTS[17]], BACKGROUND[[5, 17]], 4.0).rows
    weights = csr_matrix(([0.75, 0.25, 1.0], [5, 17, 17], [0, 2, 3]), shape=(2, 60), dtype=np.float32)
    together = np.array([[0.75, 0.25], [0, 1]]) @ alone
    assert np.allclose(ridge.background_examples(weights, 4.0), together, atol=1e-6)


@pytest.mark.parametrize("others", [[], ["x"], ["x", "c", "y"]])
def test_what_a_paper_says_does_not_depend_on_who_else_is_asked_for(others: list[str]) -> None:
    vectors = dict(zip(["a", "b", "c", "x", "y"], unit_vectors(5, 24, seed=9), strict=True))
    ridge = KernelRidge.of(NEW, BACKGROUND, TEXTS)
    if others:
        ridge.examples(others, np.stack([vectors[text] for text in others]), 4.0)
    got = ridge.examples(["a", "c"], np.stack([vectors["a"], vectors["c"]]), 4.0).rows
    assert np.allclose(got, exact(np.stack([vectors["a"], vectors["c"]]), 4 * 60 / 1250), atol=1e-4)


def test_without_a_background_the_mean_is_taken_off() -> None:
    none = np.zeros((0, 24), np.float32)
    got = KernelRidge.of(NEW, none, []).examples(["a", "b", "c"], LIKED, 1.0).rows
    plain = kernel(LIKED, NEW)
    assert np.allclose(got, plain - plain.mean(axis=1, keepdims=True), atol=1e-6)


def test_a_background_of_one_paper_again_and_again_gives_finite_columns() -> None:
    ridge = KernelRidge.of(NEW, np.repeat(BACKGROUND[:1], 300, axis=0), ["the same"] * 300)
    assert np.isfinite(ridge.examples(["a", "the same", "c"], LIKED, 1.0).rows).all()


def test_of_a_large_background_the_newest_papers_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.ranking.kernel._MOST_BACKGROUND", 20)
    few = KernelRidge.of(NEW, BACKGROUND, TEXTS)
    same = KernelRidge.of(NEW, BACKGROUND[:20], TEXTS[:20])
    old, other = few.examples(["a", "b", TEXTS[30]], LIKED, 1.0), same.examples(["a", "b", "c"], LIKED, 1.0)
    assert np.array_equal(old.rows, other.rows)
