"""A floor under the ranking's quality, on libraries of real readers: a regression of the blend is caught here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.ranking.evaluate import Trial, Use, evaluate, read
from newsletter.ranking.ranker import Ranker

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def sample(shared: Path) -> Trial:
    """Every 80th reader with ten liked papers; their papers, a twelfth of the new ones and some more as a backdrop.

    1,243 titles (most papers there have nothing else): encoding all 13,584 papers would take minutes.
    """
    whole = read(shared / "data" / "citeulike-dev")
    readers = [replace(reader, liked=reader.liked[:10]) for reader in whole.readers[::80]]
    new = set(whole.candidates)
    relevant = {name for reader in readers for name in reader.relevant}
    liked = {name for reader in readers for name in reader.liked}
    backdrop = set([name for name in whole.papers if name not in new][::80])
    candidates = tuple(n for place, n in enumerate(whole.candidates) if place % 12 == 0 or n in relevant)
    chosen = {*candidates, *liked, *backdrop}
    papers = {name: replace(paper, abstract="") for name, paper in whole.papers.items() if name in chosen}
    return Trial(papers, candidates, tuple(readers))


# Measured .874/.405, .680/.238, .753/.339 and .775/.343, a little less to leave room for other processors' int8.
@pytest.mark.parametrize(
    ("use", "shots", "floor"),
    [
        ("liked", None, (0.855, 0.385)),
        ("liked", 1, (0.655, 0.22)),
        ("keywords", None, (0.735, 0.32)),
        ("both", 1, (0.755, 0.325)),
    ],
)
def test_the_ranking_is_as_good_as_it_was(
    use: Use, shots: int | None, floor: tuple[float, float], sample: Trial, ranker: Ranker
) -> None:
    quality = evaluate(sample, ranker, use=use, shots=shots)
    assert quality.users >= 60
    assert (quality.recall_at_100 > floor[0], quality.ndcg_at_10 > floor[1]) == (True, True), quality
