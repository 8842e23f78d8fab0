"""The backdrop against which a profile stands out."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter.ranking.background import Background
from newsletter.ranking.encoder import Vectors


def unit_vectors(count: int, dimensions: int, seed: int = 1) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, dimensions)) * np.linspace(0.2, 2, dimensions)
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.mark.parametrize("penalty", [2.0, 8.0, 40.0])
@pytest.mark.parametrize("count", [10, 500])
def test_the_direction_is_that_of_the_ridge_solution(penalty: float, count: int) -> None:
    vectors = unit_vectors(count, 24)
    liked = unit_vectors(3, 24, seed=2).mean(axis=0)
    exact = vectors.astype(np.float64)
    covariance = np.cov(exact, rowvar=False, bias=True)
    ridge = covariance + penalty * np.trace(covariance) / 24 * np.eye(24)
    wanted = np.linalg.solve(ridge, liked - exact.mean(axis=0))
    got = Background.of(vectors).directions(liked[None], np.array([penalty]))[0]
    assert float(got @ wanted) / (np.linalg.norm(got) * np.linalg.norm(wanted)) == pytest.approx(1, abs=1e-5)


def test_scores_along_a_direction_have_a_standard_deviation_of_one_over_the_background() -> None:
    vectors = unit_vectors(500, 24)
    direction = Background.of(vectors).directions(unit_vectors(1, 24, seed=2), np.array([4.0]))[0]
    assert float((vectors @ direction).std()) == pytest.approx(1, abs=1e-3)


def test_the_spread_of_a_query_is_the_standard_deviation_of_its_cosines() -> None:
    vectors = unit_vectors(500, 24)
    queries = unit_vectors(3, 24, seed=3)
    assert Background.of(vectors).spreads(queries) == pytest.approx((vectors @ queries.T).std(axis=0), rel=1e-3)


def test_without_a_background_a_direction_is_the_plain_difference() -> None:
    background = Background.of(np.zeros((0, 8), np.float32))
    liked = unit_vectors(1, 8)[0]
    direction = background.directions(liked[None], np.array([40.0]))[0]
    assert np.allclose(direction / np.linalg.norm(direction), liked, atol=1e-6)
    assert background.spreads(liked[None])[0] > 0


@pytest.mark.parametrize("count", [1, 2, 50])
def test_a_background_of_one_paper_again_and_again_gives_finite_directions(count: int) -> None:
    vectors = np.repeat(unit_vectors(1, 8), count, axis=0)
    background = Background.of(vectors)
    for mean in (vectors[0], unit_vectors(1, 8, seed=4)[0]):
        assert np.isfinite(background.directions(mean[None], np.array([2.0]))).all()
