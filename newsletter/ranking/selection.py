"""The issue as a list. The best papers first; but not four of a kind, and no interest of the reader's unseen.

Papers are taken one by one, each time the one whose score is the highest after two deductions: for likeness to a paper
that is taken already (maximal marginal relevance, Carbonell & Goldstein 1998), and for how much of the list the same
interest has already, against its share (as seats go to parties, Sainte-Laguë 1910). What both cost is in docs/ranking.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.ranking.encoder import Vectors

# A MiniLM cosine of 0.5 is "the same narrow subject", of 0.9 "the same work told again".
_ALIKE = 0.5
_LIKENESS = 4.0
_CROWDING = 1.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A paper that could stand in the list: its row, its score, and the interest that speaks for it most."""

    row: int
    score: float
    interest: str


def chosen(offers: Sequence[Offer], vectors: Vectors, shares: Mapping[str, float], *, cards: int) -> list[int]:
    """Give the rows of up to `cards` offers, in the order of their scores.

    `vectors` (n × d) are those of all papers, of length 1. `shares` tells how much each interest counts. As long as
    that takes no more than half of the list, every interest that has an offer has its best one in it.
    """
    left = sorted(offers, key=lambda offer: (-offer.score, offer.row))
    seats = list(dict.fromkeys(offer.interest for offer in left))[: max(1, cards // 2)]
    likest = np.zeros(len(left), np.float32)
    places = {offer.row: place for place, offer in enumerate(left)}
    matrix = vectors[[offer.row for offer in left]] if left else vectors[:0]
    taken: list[Offer] = []
    total = sum(shares.get(interest, 0.0) for interest in {offer.interest for offer in left}) or 1.0
    while left and len(taken) < cards:
        held = [offer.interest for offer in taken]
        waiting = [interest for interest in seats if interest not in held]
        pool = left if cards - len(taken) > len(waiting) else [each for each in left if each.interest in waiting]

        def worth(offer: Offer, held: list[str] = held) -> float:
            share = max(shares.get(offer.interest, 0.0) / total, 1e-3)
            crowd = held.count(offer.interest) / (cards * share)
            return offer.score - _likeness(float(likest[places[offer.row]])) - _CROWDING * min(crowd, 3.0)

        best = max(pool, key=worth)  # of offers worth the same, the first: the higher score, then the earlier paper
        taken.append(best)
        left.remove(best)
        likest = np.maximum(likest, matrix @ vectors[best.row])
    return [offer.row for offer in sorted(taken, key=lambda offer: (-offer.score, offer.row))]


def _likeness(cosine: float) -> float:
    return _LIKENESS * max(0.0, (cosine - _ALIKE) / (1 - _ALIKE)) ** 2
