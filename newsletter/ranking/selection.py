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


@dataclass(frozen=True)
class Choice:
    """What one reader's list is chosen from, how much each interest counts, and how many papers it is to have."""

    offers: Sequence[Offer]
    shares: Mapping[str, float]
    cards: int


def chosen(choices: Sequence[Choice], vectors: Vectors, *, alike: float = ALIKE) -> list[list[int]]:
    """Give, for each reader, the rows of up to so many offers as they want cards, in the order of their scores.

    `vectors` (n × d) are those of all papers, of length 1. Every interest that has an offer has its best one in the
    list, as long as that takes no more than half of it. `alike` is the cosine of papers on the same narrow subject.
    """
    ordered = [sorted(one.offers, key=lambda offer: (-offer.score, offer.row)) for one in choices]
    if not any(ordered):
        return [[] for _ in choices]
    table = _Table.of_offers(ordered, choices)
    likeness = _cosines(ordered, vectors)
    readers = np.arange(len(choices))
    taken = np.zeros(table.scores.shape, bool)
    held = np.zeros(table.fair.shape)
    likest = np.zeros(table.scores.shape, np.float32)
    for step in range(int(table.room.max())):
        crowding = np.minimum(held / table.fair, _MOST_CROWDING)
        worth = table.scores - _deducted(likest, alike) - _CROWDING * np.take_along_axis(crowding, table.of, axis=1)
        worth[taken] = -np.inf
        waiting = table.seats & (held == 0)
        theirs = table.cards - step <= waiting.sum(axis=1)  # what room is left is for those who wait
        worth[theirs[:, None] & ~np.take_along_axis(waiting, table.of, axis=1)] = -np.inf
        best = worth.argmax(axis=1)  # of equals the first: the higher score, then the earlier paper
        some = readers[step < table.room]
        taken[some, best[some]] = True
        held[some, table.of[some, best[some]]] += 1
        likest[some] = np.maximum(likest[some], likeness[some, best[some]])
    return [
        [offers[place].row for place in np.flatnonzero(places)] for offers, places in zip(ordered, taken, strict=True)
    ]


@dataclass(frozen=True)
class _Table:
    """The offers of some readers, a row each (r × k): scores, −∞ where there is none, and the numbers of interests.

    Of each interest (r × i) its fair part of the list, and whether it has a seat. Of each reader (r) how many cards
    they want, and how many of the offers there is room for.
    """

    scores: NDArray[np.float64]
    of: NDArray[np.intp]
    fair: NDArray[np.float64]
    seats: NDArray[np.bool_]
    cards: NDArray[np.intp]
    room: NDArray[np.intp]

    @classmethod
    def of_offers(cls, ordered: Sequence[Sequence[Offer]], choices: Sequence[Choice]) -> _Table:
        interests = [list(dict.fromkeys(offer.interest for offer in offers)) for offers in ordered]
        wide, many = max(map(len, ordered)), max(map(len, interests))
        scores, of = np.full((len(choices), wide), -np.inf), np.zeros((len(choices), wide), np.intp)
        fair, seats = np.ones((len(choices), many)), np.zeros((len(choices), many), bool)
        for row, (one, offers, names) in enumerate(zip(choices, ordered, interests, strict=True)):
            place = {interest: number for number, interest in enumerate(names)}
            scores[row, : len(offers)] = [offer.score for offer in offers]
            of[row, : len(offers)] = [place[offer.interest] for offer in offers]
            share = np.array([max(one.shares.get(interest, 0.0), 1e-6) for interest in names])
            fair[row, : len(names)] = np.maximum(one.cards * share / share.sum(), 1e-6) if names else 1.0
            seats[row, : min(len(names), max(1, one.cards // 2))] = True
        cards = np.array([one.cards for one in choices], np.intp)
        return cls(scores, of, fair, seats, cards, np.minimum(cards, [len(offers) for offers in ordered]))


def _cosines(ordered: Sequence[Sequence[Offer]], vectors: Vectors) -> Vectors:
    """Give how like the offers of each reader are to each other (r × k × k)."""
    wide = max(map(len, ordered))
    cosines = np.zeros((len(ordered), wide, wide), np.float32)
    for row, offers in enumerate(ordered):
        some = vectors[[offer.row for offer in offers]]
        cosines[row, : len(offers), : len(offers)] = some @ some.T
    return cosines


def _deducted(cosines: Vectors, alike: float) -> NDArray[np.float64]:
    near = np.maximum(0.0, (cosines.astype(np.float64) - alike) / (1 - alike))
    return np.asarray(_LIKENESS * near**2)
