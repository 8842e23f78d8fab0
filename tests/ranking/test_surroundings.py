"""Papers that move towards their neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter.ranking.encoder import Vectors
from newsletter.ranking.surroundings import Surroundings
from tests.ranking.test_background import unit_vectors


def two_subjects(count: int, seed: int) -> tuple[Vectors, Vectors]:
    """Noisy papers of either of two subjects."""
    axes = np.eye(24, dtype=np.float32)[:2]
    noise = np.random.default_rng(seed).normal(scale=0.25, size=(2, count, 24)).astype(np.float32)
    papers = axes[:, None] + noise
    papers /= np.linalg.norm(papers, axis=2, keepdims=True)
    return papers[0], papers[1]


def test_papers_of_one_subject_come_nearer_and_papers_of_two_do_not() -> None:
    around = Surroundings.of(np.vstack(two_subjects(60, seed=1)))
    one, other = two_subjects(20, seed=2)
    before = Surroundings(around.mean, around.papers[:0])
    plain = [before_unit(before.mean, some) for some in (one, other)]
    moved = [around.moved(some) for some in (one, other)]
    assert (moved[0] @ moved[0].T).mean() > (plain[0] @ plain[0].T).mean() + 0.1
    assert (moved[0] @ moved[1].T).mean() < (plain[0] @ plain[1].T).mean() + 0.01


def before_unit(mean: Vectors, vectors: Vectors) -> Vectors:
    centred = vectors - mean
    unit: Vectors = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit


def test_a_paper_of_the_background_moves_like_one_that_is_not_there() -> None:
    background = unit_vectors(60, 24)
    without = np.delete(background, 7, axis=0)
    there = Surroundings.of(background).moved(background[7:8])
    apart = Surroundings(background.mean(axis=0), Surroundings.of(background).papers[[*range(7), *range(8, 60)]])
    assert len(apart.papers) == len(without)
    assert np.allclose(there, apart.moved(background[7:8]), atol=1e-5)


@pytest.mark.parametrize("papers", [0, 1, 2, 5])
def test_few_or_no_neighbours_give_unit_vectors_all_the_same(papers: int) -> None:
    moved = Surroundings.of(unit_vectors(papers, 24)).moved(unit_vectors(7, 24, seed=2))
    assert moved.shape == (7, 24)
    assert np.allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)
