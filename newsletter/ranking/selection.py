"""The issue as a list. The best papers first; but not four of a kind, and no interest of the reader's unseen.

Papers are taken one by one, each time the one whose score is the highest after two deductions: for likeness to a paper
that is taken already (maximal marginal relevance, Carbonell & Goldstein 1998), and for what its interest has of the
list already, against its share (as seats go to parties, Sainte-Laguë 1910). docs/ranking.md has what both cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.candidates import Scores
from newsletter.ranking.encoder import Vectors

# The cosine (of MiniLM, see `scale`) of "the same narrow subject"; 0.9 is "the same work told again".
ALIKE = 0.5
_LIKENESS = 4.0
_CROWDING, _MOST_CROWDING = 1.0, 3.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A paper that could stand in the list: its row, its score, and the interest that speaks for it most."""

    row: int
    score: float
    interest: str


def chosen(
    offers: Sequence[Offer], vectors: Vectors, shares: Mapping[str, float], *, cards: int, alike: float = ALIKE
) -> list[int]:
    """Give the rows of up to `cards` offers, in the order of their scores.

    `vectors` (n × d) are those of all papers, of length 1. `shares` tells how much each interest counts. Every interest
    that has an offer has its best one in the list, as long as that takes no more than half of it. `alike` is the cosine
    of papers on the same narrow subject.
    """
    ordered = sorted(offers, key=lambda offer: (-offer.score, offer.row))
    interests = list(dict.fromkeys(offer.interest for offer in ordered))
    place = {interest: number for number, interest in enumerate(interests)}
    of = np.array([place[offer.interest] for offer in ordered], np.intp)
    share = np.array([max(shares.get(interest, 0.0), 1e-6) for interest in interests])
    fair = cards * share / share.sum() if len(share) else share
    scores = np.array([offer.score for offer in ordered])
    some = vectors[[offer.row for offer in ordered]]
    seats = np.arange(len(interests)) < max(1, cards // 2)

    taken: list[int] = []
    held = np.zeros(len(interests))
    likest = np.zeros(len(ordered), np.float32)
    while len(taken) < min(cards, len(ordered)):
        worth = (
            scores
            - _likeness(likest, alike)
            - _CROWDING * np.minimum(held / np.maximum(fair, 1e-6), _MOST_CROWDING)[of]
        )
        worth[taken] = -np.inf
        waiting = seats & (held == 0)
        if cards - len(taken) <= waiting.sum():  # what room is left is theirs
            worth[~waiting[of]] = -np.inf
        best = int(np.argmax(worth))  # of equals the first: the higher score, then the earlier paper
        taken.append(best)
        held[of[best]] += 1
        likest = np.maximum(likest, some @ some[best])
    return [ordered[number].row for number in sorted(taken)]


def _likeness(cosines: Scores, alike: float) -> NDArray[np.float64]:
    near = np.maximum(0.0, (cosines.astype(np.float64) - alike) / (1 - alike))
    return np.asarray(_LIKENESS * near**2)
