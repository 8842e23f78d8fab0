"""From scores to the list that a reader gets: cards with reasons, one of them from elsewhere, and brief lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import Reason, ReasonKind
from newsletter.ranking.blend import standard
from newsletter.ranking.candidates import Candidates, Scores
from newsletter.ranking.interests import Interests
from newsletter.ranking.reasons import Explainer
from newsletter.ranking.selection import Offer, chosen

_LOOKED_AT = 3  # times as many papers as are wanted: enough to leave out some that are alike
_NEAREST = 5  # papers to every group of liked ones
_ROOM_FOR_ELSEWHERE, _LEAST_AT_HOME = 8, 5  # cards asked for, and cards that the profile speaks for
_TRIED = 10


@dataclass(frozen=True)
class Listed:
    """One paper of the list: its row among the candidates, and why it is there."""

    row: int
    reasons: tuple[Reason, ...]


def compose(
    candidates: Candidates,
    interests: Interests,
    scores: Scores,
    order: Sequence[int],
    *,
    cards: int,
    also: int,
    exploring: bool,
) -> tuple[list[Listed], list[Listed]]:
    """Give the cards and the brief lines. `order` has the rows that may be picked, best first.

    A card is a paper that something in the profile speaks for. Of eight or more the last may be one from elsewhere,
    where `exploring`.
    """
    explainer = Explainer(candidates, interests)
    allowed = set(order)
    looked_at = [*order[: _LOOKED_AT * (cards + also)], *explainer.nearest_to_groups(_NEAREST)]
    spoken_for = {row: explainer.interest(row) for row in dict.fromkeys(looked_at) if row in allowed}
    offers = [
        Offer(row, float(scores[row]), interest) for row, interest in spoken_for.items() if interest or explainer.blind
    ]
    rows = chosen(offers, candidates.vectors, explainer.shares, cards=cards)
    full = [Listed(row, explainer.reasons(row)) for row in rows]
    room = cards >= _ROOM_FOR_ELSEWHERE and len(full) >= _LEAST_AT_HOME
    if exploring and room and not interests.empty:
        elsewhere = _elsewhere(candidates, explainer, scores, [*allowed.difference(rows)])
        if elsewhere is not None:
            full = [*full[: cards - 1], Listed(elsewhere, (Reason(ReasonKind.ELSEWHERE, ""),))]
    taken = {one.row for one in full}
    rest = [row for row in order if row not in taken][:also]
    return full, [Listed(row, explainer.reasons(row)) for row in rest]


def _elsewhere(candidates: Candidates, explainer: Explainer, scores: Scores, rows: Sequence[int]) -> int | None:
    """Give a paper that others mind and nothing in the profile speaks for, the nearer the better; None without one.

    What nobody minds would be a random paper, and who asked for interests did not ask for that.
    """
    worth = standard(candidates.attention, 0.5) + 0.5 * standard(scores, 0.5)
    allowed = np.zeros(len(candidates), bool)
    allowed[rows] = True
    minded = np.flatnonzero(allowed & (candidates.attention > 0))
    best = minded[np.argsort(-worth[minded], kind="stable")[:_TRIED]]
    return next((row for row in best.tolist() if not explainer.interest(row)), None)


def ordered(scores: Scores, allowed: Sequence[bool]) -> list[int]:
    """Give the rows that are allowed, best first.

    Stable: of papers that score alike the one announced first comes first, today and at every repetition.
    """
    return [row for row in np.argsort(-scores, kind="stable").tolist() if allowed[row]]
