"""The issue as a list. The best papers first; but not four of a kind, and no interest of the reader's unseen.

Papers are taken one by one, each time the one whose score is the highest after two deductions: for likeness to a paper
that is taken already (maximal marginal relevance, Carbonell & Goldstein 1998), and for what its interest has of the
list already, against its share (as seats go to parties, Sainte-Laguë 1910). docs/ranking.md has what both cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.columns import Scores
from newsletter.ranking.remembered import Found

# The cosine (of MiniLM, see `scale`) of "the same narrow subject"; 0.9 is "the same work told again".
ALIKE = 0.5
_LIKENESS = 4.0
_CROWDING, _MOST_CROWDING = 1.0, 3.0


@dataclass(frozen=True)
class Choice:
    """What one reader's list is chosen from (k): papers' rows, scores, and numbers of the interests they speak to.

    `shares` tells how much each interest counts, by its number; `cards` how many papers the list is to have.
    """

    rows: NDArray[np.intp]
    scores: Scores
    interests: NDArray[np.intp]
    shares: Sequence[float]
    cards: int


def chosen(
    choices: Sequence[Choice], likeness: Callable[[Sequence[int]], Found], *, alike: float = ALIKE
) -> list[NDArray[np.intp]]:
    """Give each reader's list, as places in their choice, in the order of the scores.

    `likeness` finds the cosines (m × n) of some papers to all. Every interest that has an offer has its best one in the
    list, as long as that takes no more than half of it. `alike` is the cosine of papers on the same narrow subject.
    """
    if not choices:
        return []
    table = _Table.laid(choices)
    held = np.zeros(table.fair.shape)
    deducted = np.zeros(table.scores.shape)
    likest = np.zeros(table.scores.shape, np.float32)
    taken = np.zeros(table.scores.shape, bool)
    for step in range(int(table.room.max())):
        crowding = np.minimum(held / table.fair, _MOST_CROWDING)
        worth = table.scores - deducted - _CROWDING * np.take_along_axis(crowding, table.of, axis=1)
        worth[taken] = -np.inf
        waiting = table.seats & (held == 0)
        theirs = table.cards - step <= waiting.sum(axis=1)  # what room is left is for those who wait
        worth[theirs[:, None] & ~np.take_along_axis(waiting, table.of, axis=1)] = -np.inf
        some = np.flatnonzero(step < table.room)
        best = worth[some].argmax(axis=1)  # of equals the first: the higher score, then the earlier paper
        taken[some, best] = True
        held[some, table.of[some, best]] += 1
        matrix, places = likeness(table.rows[some, best].tolist())
        likest[some] = np.maximum(likest[some], matrix[places[:, None], table.rows[some]])
        deducted = _deducted(likest, alike)
    return [order[places] for order, places in zip(table.order, taken, strict=True)]


@dataclass(frozen=True)
class _Table:
    """What lists are chosen from, a row for each reader, the highest scores first (r × k): places in their choices,
    papers' rows, scores (−∞ where there is no more), and interests.

    Of each interest (r × i) its fair part of the list, and whether it has a seat, as those first in the order of the
    scores have. Of each reader (r) how many cards they want, and how many they can have.
    """

    order: NDArray[np.intp]
    rows: NDArray[np.intp]
    scores: NDArray[np.float64]
    of: NDArray[np.intp]
    fair: NDArray[np.float64]
    seats: NDArray[np.bool_]
    cards: NDArray[np.intp]
    room: NDArray[np.intp]

    @classmethod
    def laid(cls, choices: Sequence[Choice]) -> _Table:
        # What no interest speaks for counts as one of its own: −1, the last.
        wide, many = max(len(one.rows) for one in choices), 1 + max(len(one.shares) for one in choices)
        order, rows, of = np.zeros((3, len(choices), wide), np.intp)
        scores = np.full((len(choices), wide), -np.inf)
        fair, seats = np.ones((len(choices), many)), np.zeros((len(choices), many), bool)
        for row, one in enumerate(choices):
            places = np.lexsort((one.rows, -one.scores))
            some = slice(len(places))
            order[row, some], rows[row, some], scores[row, some] = places, one.rows[places], one.scores[places]
            of[row, some] = one.interests[places]
            theirs = list(dict.fromkeys(of[row, some].tolist()))
            shares = [max(one.shares[interest], 1e-6) if interest >= 0 else 1e-6 for interest in theirs]
            whole = sum(shares)
            fair[row, theirs] = [max(one.cards * share / whole, 1e-6) for share in shares]
            seats[row, theirs[: max(1, one.cards // 2)]] = True
        cards = np.array([one.cards for one in choices], np.intp)
        room = np.minimum(cards, [len(one.rows) for one in choices])
        return cls(order, rows, scores, of, fair, seats, cards, room)


def _deducted(cosines: Scores, alike: float) -> NDArray[np.float64]:
    near = np.maximum(0.0, (cosines.astype(np.float64) - alike) / (1 - alike))
    return np.asarray(_LIKENESS * near**2)
