"""How much nearness says in a crowded field and in an empty one."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter.ranking.crowding import Crowding
from newsletter.ranking.encoder import Vectors
from tests.ranking.test_background import unit_vectors
from tests.ranking.test_surroundings import before_unit, two_subjects


def crowded_and_sparse() -> tuple[Vectors, Vectors]:
    """Many papers close to one axis, and as many that lie about another more widely."""
    crowded, _ = two_subjects(100, seed=1)
    _, sparse = two_subjects(100, seed=2)
    return before_unit(np.zeros(24, np.float32), crowded + 2 * np.eye(24, dtype=np.float32)[0]), sparse


def test_nearness_says_less_in_a_crowded_field() -> None:
    crowded, sparse = crowded_and_sparse()
    among = Crowding.of(np.vstack([crowded, sparse]))
    assert among.openness(crowded).max() < 1 < among.openness(sparse).min()


def test_a_paper_of_the_background_is_not_its_own_neighbour() -> None:
    papers = unit_vectors(60, 24)
    among = Crowding.of(papers)
    without = Crowding(np.delete(papers, 7, axis=0), among.usual, np.delete(among.own, 7))
    assert np.allclose(among.openness(papers[7:8]), without.openness(papers[7:8]), atol=1e-6)
    assert np.allclose(among.own[7:8], without.openness(papers[7:8]), atol=1e-6)


@pytest.mark.parametrize("papers", [0, 1, 2, 5])
def test_among_few_or_no_papers_every_place_is_finite(papers: int) -> None:
    among = Crowding.of(unit_vectors(papers, 24))
    assert np.isfinite(among.openness(unit_vectors(7, 24, seed=2))).all()
    assert among.openness(unit_vectors(0, 24)).shape == (0,)


def test_without_neighbours_nearness_says_what_it_says_elsewhere() -> None:
    assert np.allclose(Crowding.of(unit_vectors(1, 24)).openness(unit_vectors(7, 24, seed=2)), 1)
