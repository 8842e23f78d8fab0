"""From scores to the list that a reader gets: cards with reasons, one of them from elsewhere, and brief lines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter.model import Reason, ReasonKind
from newsletter.ranking.blend import standard
from newsletter.ranking.candidates import Candidates, Scores, best
from newsletter.ranking.interests import Interests
from newsletter.ranking.reasons import Explainer
from newsletter.ranking.scale import Pair
from newsletter.ranking.selection import ALIKE, Offer, chosen

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
    allowed: NDArray[np.bool_],
    *,
    cards: int,
    also: int,
    exploring: bool,
) -> tuple[list[Listed], list[Listed]]:
    """Give the cards and the brief lines. `allowed` tells of each paper whether it may be picked.

    A card is a paper that something in the profile speaks for. Of eight or more the last may be one from elsewhere,
    where `exploring`.
    """
    explainer = Explainer(candidates, interests)
    order = best(scores, allowed, _LOOKED_AT * (cards + also))
    near = [row for row in explainer.nearest_to_groups(_NEAREST) if allowed[row]]
    rows = list(dict.fromkeys([*order, *near]))
    offers = [
        Offer(row, float(scores[row]), interest)
        for row, interest in zip(rows, explainer.interests(rows), strict=True)
        if interest or explainer.blind
    ]
    alike = candidates.scale.cosine(ALIKE, Pair.PAPERS)
    rows = chosen(offers, candidates.vectors, explainer.shares, cards=cards, alike=alike)
    full = [Listed(row, explainer.reasons(row)) for row in rows]
    room = cards >= _ROOM_FOR_ELSEWHERE and len(full) >= _LEAST_AT_HOME
    if exploring and room and not interests.empty:
        elsewhere = _elsewhere(candidates, explainer, scores, allowed, taken=rows)
        if elsewhere is not None:
            full = [*full[: cards - 1], Listed(elsewhere, (Reason(ReasonKind.ELSEWHERE, ""),))]
    taken = {one.row for one in full}
    rest = [row for row in order if row not in taken][:also]
    return full, [Listed(row, explainer.reasons(row)) for row in rest]


def _elsewhere(
    candidates: Candidates, explainer: Explainer, scores: Scores, allowed: NDArray[np.bool_], *, taken: Collection[int]
) -> int | None:
    """Give a paper that others mind and nothing in the profile speaks for, the nearer the better; None without one.

    What nobody minds would be a random paper, and who asked for interests did not ask for that.
    """
    worth = standard(candidates.attention, 0.5) + 0.5 * standard(scores, 0.5)
    minded = allowed & (candidates.attention > 0)
    minded[list(taken)] = False
    tried = best(worth, minded, _TRIED)
    return next((row for row, interest in zip(tried, explainer.interests(tried), strict=True) if not interest), None)
