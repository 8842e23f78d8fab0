"""Papers of the background that count as if liked: what lies nearest to an interest, and what holds its words.

All is for many interests at once: a row each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.candidates import Candidates
from newsletter.ranking.columns import Part, Scores, scaled
from newsletter.ranking.encoder import Vectors
from newsletter.ranking.interests import Query
from newsletter.ranking.phrases import PhraseIndex
from newsletter.ranking.remembered import in_blocks

_PAPERS, _SHARE = 20, 250
_HOLDERS, _ENOUGH_HOLDERS = 3.0, 5


def nearness(candidates: Candidates, directions: Vectors) -> Scores:
    """Tell how far the papers of the background lie (k × m) in directions (k × d)."""
    plain = candidates.ridge.plain.T
    return in_blocks([*range(len(directions))], lambda some: directions[some] @ plain)


def nearest(candidates: Candidates, near: Scores, weights: Vectors, strictness: float) -> list[Part]:
    """Take the papers of the background that lie furthest in some directions (`near`, k × m) as if they were liked.

    This is pseudo-relevance feedback (Rocchio 1971): one paper in 250 and twenty at most, each for a twentieth of the
    weight (k), because what is nearest among few papers need not be near.
    """
    papers = near.shape[1]
    count = min(_PAPERS, papers // _SHARE)
    if count == 0:
        return []
    rows = np.argpartition(near, papers - count, axis=1)[:, papers - count :]
    each = np.full(rows.size, 1 / count, np.float32)
    ends = np.arange(0, rows.size + 1, count)
    column = candidates.ridge.background_examples(_sparse(each, rows.ravel(), ends, papers), strictness)
    return [(weights * np.float32(count / _PAPERS), scaled(column, strictness))]


def holders(candidates: Candidates, queries: Sequence[Query], near: Scores, strictness: float) -> list[Part]:
    """Take the papers of the background that hold the keywords of queries as if they were liked.

    The more and the rarer the words, and the nearer the paper to the query (`near`, k × m), the more it counts; of many
    holders the first twenty do.
    """
    if near.shape[1] == 0:
        return []
    found = [_held(candidates.background_phrases, *each) for each in zip(queries, near, strict=True)]
    ends = np.cumsum([0, *(len(rows) for rows, _ in found)])
    rows, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
    column = candidates.ridge.background_examples(_sparse(counts, rows, ends, near.shape[1]), strictness)
    weights = _HOLDERS * np.minimum(1.0, np.diff(ends) / _ENOUGH_HOLDERS)
    return [(weights.astype(np.float32), scaled(column, strictness))]


def _held(index: PhraseIndex, query: Query, near: Scores) -> tuple[NDArray[np.intp], Vectors]:
    """Give the rows of the papers that hold a query's keywords, and what part of the whole each counts."""
    held = [index.holders(word) for word in dict.fromkeys(query.keywords)]
    if not held:
        return np.zeros(0, np.intp), np.zeros(0, np.float32)
    every = np.concatenate([one.rows for one in held])
    rarities = np.repeat([one.rarity for one in held], [len(one.rows) for one in held])
    rows, place = np.unique(every[every < len(near)], return_inverse=True)
    counts = np.bincount(place, rarities[every < len(near)], len(rows)) * np.maximum(near[rows], 0) ** 2
    first = np.argsort(-counts, kind="stable")[:_PAPERS]
    first = first[counts[first] > 0]
    return rows[first], (counts[first] / counts[first].sum()).astype(np.float32)


def _sparse(values: Vectors, columns: NDArray[np.intp], ends: NDArray[Any], width: int) -> Any:
    from scipy.sparse import csr_matrix  # noqa: PLC0415  lazy: a tenth of a second

    return csr_matrix((values, columns, ends), shape=(len(ends) - 1, width))
