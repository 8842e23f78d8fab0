"""From scores to the list that a reader gets: cards with reasons, one of them from elsewhere, and brief lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter.model import Reason, ReasonKind
from newsletter.ranking.candidates import Candidates, best
from newsletter.ranking.columns import Scores, standard
from newsletter.ranking.interests import Interests
from newsletter.ranking.reasons import Explainer, shares
from newsletter.ranking.scale import Pair
from newsletter.ranking.selection import ALIKE, Choice, Offer, chosen

_LOOKED_AT = 3  # times as many papers as are wanted: enough to leave out some that are alike
_NEAREST = 5  # papers to every group of liked ones
_ROOM_FOR_ELSEWHERE, _LEAST_AT_HOME = 8, 5  # cards asked for, and cards that the profile speaks for
_TRIED = 10


@dataclass(frozen=True)
class Listed:
    """One paper of the list: its row among the candidates, and why it is there."""

    row: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Asked:
    """What a reader's list is made from: what they want, scores (n), which papers may be picked (n), how many cards."""

    interests: Interests
    scores: Scores
    allowed: NDArray[np.bool_]
    cards: int


def compose(
    candidates: Candidates, readers: Sequence[Asked], *, also: int, exploring: bool
) -> list[tuple[list[Listed], list[Listed]]]:
    """Give each reader's cards, and up to `also` brief lines.

    A card is a paper that something in the profile speaks for. Of eight or more the last may be one from elsewhere,
    where `exploring`.
    """
    drafts = [_Draft(candidates, one, also=also, exploring=exploring) for one in readers]
    alike = candidates.scale.cosine(ALIKE, Pair.PAPERS)
    taken = chosen([one.choice for one in drafts], candidates.vectors, alike=alike)
    return [one.list(rows) for one, rows in zip(drafts, taken, strict=True)]


class _Draft:
    """One reader's list while it is made: the best papers, those near to what was liked, and some from elsewhere."""

    def __init__(self, candidates: Candidates, asked: Asked, *, also: int, exploring: bool) -> None:
        self._asked = asked
        self._also = also
        self._order = best(asked.scores, asked.allowed, _LOOKED_AT * (asked.cards + also))
        near = [row for row in _nearest_to_groups(candidates, asked.interests) if asked.allowed[row]]
        offered = list(dict.fromkeys([*self._order, *near]))
        exploring = exploring and asked.cards >= _ROOM_FOR_ELSEWHERE and not asked.interests.empty
        self._tried = _minded(candidates, asked) if exploring else []
        rows = list(dict.fromkeys([*offered, *self._tried]))
        self._explainer = Explainer(candidates, asked.interests, rows)
        self._interest = dict(zip(rows, self._explainer.interests(), strict=True))
        blind = not (asked.interests.queries or asked.interests.liked.papers)  # nothing that a paper could be near to
        offers = [
            Offer(row, score, self._interest[row])
            for row, score in zip(offered, asked.scores[offered].tolist(), strict=True)
            if blind or self._interest[row]
        ]
        self.choice = Choice(offers, shares(asked.interests), asked.cards)

    def list(self, rows: Sequence[int]) -> tuple[list[Listed], list[Listed]]:
        """Give the cards for the rows that were chosen, and the brief lines."""
        elsewhere = self._elsewhere(rows) if len(rows) >= _LEAST_AT_HOME else None
        home = rows if elsewhere is None else rows[: self._asked.cards - 1]
        rest = [row for row in self._order if row not in home and row != elsewhere][: self._also]
        reasons = self._explainer.reasons([*home, *rest])
        full = [Listed(*each) for each in zip(home, reasons, strict=False)]
        if elsewhere is not None:
            full.append(Listed(elsewhere, (Reason(ReasonKind.ELSEWHERE, ""),)))
        return full, [Listed(*each) for each in zip(rest, reasons[len(home) :], strict=True)]

    def _elsewhere(self, taken: Sequence[int]) -> int | None:
        """Give a paper that others mind and nothing in the profile speaks for, the nearer the better; None without one.

        What nobody minds would be a random paper, and who asked for interests did not ask for that.
        """
        tried = [row for row in self._tried if row not in taken][:_TRIED]
        return next((row for row in tried if not self._interest[row]), None)


def _minded(candidates: Candidates, asked: Asked) -> list[int]:
    """Give the papers that others mind, the best first: as many as are tried when all cards are among them."""
    worth = candidates.noticed + 0.5 * standard(asked.scores, 0.5)
    return best(worth, asked.allowed & (candidates.attention > 0), _TRIED + asked.cards)


def _nearest_to_groups(candidates: Candidates, interests: Interests) -> list[int]:
    """Give the rows that are nearest to each group of liked papers, some a group, where there are several."""
    liked = interests.liked
    if len(liked.groups) < 2:
        return []
    matrix, places = candidates.cosines(liked.texts, liked.vectors)
    near = [matrix[places[list(rows)]].max(axis=0) for rows in liked.groups]
    everything = np.ones(len(candidates), bool)
    return [row for column in near for row in best(column, everything, _NEAREST)]
