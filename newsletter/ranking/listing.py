"""From scores to the list that a reader gets: cards with reasons, one of them from elsewhere, and brief lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter.model import Reason, ReasonKind
from newsletter.ranking.candidates import Candidates, Rows, best
from newsletter.ranking.columns import Scores, standard
from newsletter.ranking.interests import Interests
from newsletter.ranking.reasons import Explainer
from newsletter.ranking.scale import Pair
from newsletter.ranking.selection import ALIKE, Choice, chosen

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
    if not readers:
        return []
    elsewhere = candidates.noticed + np.float32(0.5) * standard(np.stack([one.scores for one in readers]), 0.5)
    drafts = [
        _Draft(candidates, one, worth, also=also, exploring=exploring)
        for one, worth in zip(readers, elsewhere, strict=True)
    ]
    alike = candidates.scale.cosine(ALIKE, Pair.PAPERS)
    taken = chosen([one.choice for one in drafts], candidates.likeness, alike=alike)
    return [one.list(places) for one, places in zip(drafts, taken, strict=True)]


class _Draft:
    """One reader's list while it is made: the best papers, those near to what was liked, and some from elsewhere.

    Of those from elsewhere `worth` (n) tells which are the best.
    """

    def __init__(self, candidates: Candidates, asked: Asked, worth: Scores, *, also: int, exploring: bool) -> None:
        self._cards, self._also = asked.cards, also
        order = best(asked.scores, asked.allowed, _LOOKED_AT * (asked.cards + also))
        near = [row for row in _nearest_to_groups(candidates, asked.interests) if asked.allowed[row]]
        offered = np.array(list(dict.fromkeys([*order.tolist(), *near])), np.intp) if near else order
        exploring = exploring and asked.cards >= _ROOM_FOR_ELSEWHERE and not asked.interests.empty
        # As many as are tried, when all cards are among them.
        tried = best(worth, asked.allowed & candidates.minded, _TRIED + asked.cards) if exploring else order[:0]
        self._ordered, self._offered = len(order), len(offered)
        self._rows = np.concatenate([offered, tried])
        self._explainer = Explainer(candidates, asked.interests, self._rows)
        speaking = self._explainer.interests[: len(offered)] >= 0
        blind = not (asked.interests.queries or asked.interests.liked.papers)  # nothing that a paper could be near to
        self._places = np.arange(len(offered)) if blind else np.flatnonzero(speaking)
        rows = offered[self._places]
        spoken, shares = self._explainer.interests[self._places], self._explainer.shares
        self.choice = Choice(rows, asked.scores[rows], spoken, shares, asked.cards)

    def list(self, chosen_places: NDArray[np.intp]) -> tuple[list[Listed], list[Listed]]:
        """Give the cards for what was chosen, by place in the choice, and the brief lines."""
        home = self._places[chosen_places]
        elsewhere = self._elsewhere(home) if len(home) >= _LEAST_AT_HOME else None
        if elsewhere is not None:
            home = home[: self._cards - 1]
        rest = np.ones(self._ordered, bool)
        rest[home[home < self._ordered]] = False
        rest &= self._rows[: self._ordered] != (-1 if elsewhere is None else elsewhere)
        told = np.concatenate([home, np.flatnonzero(rest)[: self._also]])
        listed = [Listed(*each) for each in zip(self._rows[told].tolist(), self._explainer.reasons(told), strict=True)]
        full, brief = listed[: len(home)], listed[len(home) :]
        if elsewhere is not None:
            full.append(Listed(elsewhere, (Reason(ReasonKind.ELSEWHERE, ""),)))
        return full, brief

    def _elsewhere(self, home: Rows) -> int | None:
        """Give a paper that others mind and nothing in the profile speaks for, the nearer the better; None without one.

        What nobody minds would be a random paper, and who asked for interests did not ask for that.
        """
        taken = set(self._rows[home].tolist())
        tried = zip(
            self._rows[self._offered :].tolist(), self._explainer.interests[self._offered :].tolist(), strict=True
        )
        fresh = [(row, interest) for row, interest in tried if row not in taken][:_TRIED]
        return next((row for row, interest in fresh if interest < 0), None)


def _nearest_to_groups(candidates: Candidates, interests: Interests) -> list[int]:
    """Give the rows that are nearest to each group of liked papers, some a group, where there are several."""
    liked = interests.liked
    if len(liked.groups) < 2:
        return []
    matrix, places = candidates.cosines(liked.texts, liked.vectors)
    near = [matrix[places[list(rows)]].max(axis=0) for rows in liked.groups]
    everything = np.ones(len(candidates), bool)
    return [row for column in near for row in best(column, everything, _NEAREST).tolist()]
