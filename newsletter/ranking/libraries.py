"""Columns of scores for liked papers: kernel ridge, what is nearest, words, and for few also what the background has
like them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking import feedback
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.columns import Part, Scores, scaled, standard, strictness_of, weighted
from newsletter.ranking.encoder import Vectors
from newsletter.ranking.interests import Interests
from newsletter.ranking.remembered import Found
from newsletter.ranking.scale import Pair

_RIDGE, _NEAREST, _LEXICAL = 1.0, 0.1, 0.1
_LEXICAL_FLOOR = 0.02  # for words what COSINE_FLOOR is for cosines
_FEW = 10
_SAME = 0.99  # the cosine from which a candidate is the liked paper itself
_KEYWORDS_AS_PAPERS = 2.0


def library_columns(candidates: Candidates, readers: Sequence[Interests]) -> Scores:
    """Give a column (r × n) for the liked papers of each reader. Keywords stand beside them as papers of weight 2
    together.
    """
    shelf = _Shelf.of(readers)
    nearest = shelf.largest(candidates.cosines(shelf.texts, shelf.vectors))
    lexical = shelf.largest(candidates.overlap(shelf.texts))
    return weighted(
        (_RIDGE, scaled(_ridge(candidates, shelf), shelf.strictness, nearest < _SAME)),
        (_NEAREST, standard(nearest, candidates.cosine_floor(Pair.PAPERS))),
        (_LEXICAL, standard(lexical, _LEXICAL_FLOOR)),
        *_feedback(candidates, shelf),
    )


@dataclass(frozen=True)
class _Shelf:
    """What counts as liked, reader after reader: texts (m), vectors (m × d), and weights (m).

    `starts` (r) tells where each reader's begin, `totals` (r) what they weigh, and `strictness` (r) how much the ridge
    is to smooth them.
    """

    texts: Sequence[str]
    vectors: Vectors
    weights: Vectors
    starts: NDArray[np.intp]
    totals: Vectors
    strictness: Vectors

    @classmethod
    def of(cls, readers: Sequence[Interests]) -> _Shelf:
        sizes = [len(one.liked.texts) + len(one.words) for one in readers]
        starts = np.cumsum([0, *sizes[:-1]])
        weights = np.concatenate([part for one in readers for part in (one.liked.weights, _beside(one))])
        totals = np.add.reduceat(weights, starts)
        return cls(
            texts=[text for one in readers for text in (*one.liked.texts, *(query.text for query in one.words))],
            vectors=np.vstack([part for one in readers for part in (one.liked.vectors, *_rows(one))]),
            weights=weights,
            starts=starts,
            totals=totals,
            strictness=np.array([strictness_of(total) for total in totals.tolist()], np.float32),
        )

    @property
    def ends(self) -> NDArray[np.intp]:
        """Where each reader's end (r)."""
        return np.append(self.starts[1:], len(self.texts))

    def largest(self, found: Found) -> Scores:
        """Give the largest number (r × n) that any of a reader's papers has for a candidate."""
        largest = np.empty((len(self.starts), found.matrix.shape[1]), np.float32)
        for row, (start, end) in enumerate(zip(self.starts.tolist(), self.ends.tolist(), strict=True)):
            found.matrix.take(found.places[start:end], axis=0).max(axis=0, out=largest[row])
        return largest

    def of_some(self, readers: NDArray[np.intp]) -> NDArray[np.intp]:
        """Give the places of what some readers like."""
        ends = self.ends
        return np.concatenate([np.arange(self.starts[row], ends[row]) for row in readers])


def _beside(reader: Interests) -> Vectors:
    return np.full(len(reader.words), _KEYWORDS_AS_PAPERS / max(1, len(reader.words)), np.float32)


def _rows(reader: Interests) -> list[Vectors]:
    return [query.vector[None] for query in reader.words]


def _ridge(candidates: Candidates, shelf: _Shelf) -> Scores:
    """Give the weighted mean (r × n) of the k' of each reader's papers."""
    column = np.empty((len(shelf.starts), len(candidates)), np.float32)
    sizes = shelf.ends - shelf.starts
    shares = shelf.weights.copy()
    shares /= np.repeat(shelf.totals, sizes)
    for strictness in set(shelf.strictness.tolist()):
        readers = np.flatnonzero(shelf.strictness == strictness)
        some = shelf.of_some(readers)
        said = candidates.ridge.examples([shelf.texts[place] for place in some], shelf.vectors[some], strictness)
        column[readers] = _mixed(shares[some], said, np.cumsum([0, *sizes[readers]]))
    return column


def _mixed(shares: Vectors, said: Found, ends: NDArray[np.intp]) -> Any:
    from scipy.sparse import csr_matrix  # noqa: PLC0415  lazy: a tenth of a second

    return csr_matrix((shares, said.places, ends), shape=(len(ends) - 1, len(said.matrix))) @ said.matrix


def _feedback(candidates: Candidates, shelf: _Shelf) -> list[Part]:
    """Give what the background has like the papers of those who liked few; the fewer they are the more it counts."""
    few = np.flatnonzero(shelf.totals <= _FEW)
    if len(few) == 0:
        return []
    sums = np.add.reduceat(shelf.vectors * shelf.weights[:, None], shelf.starts, axis=0)[few]
    totals = shelf.totals[few]
    towards = candidates.background.directions(sums / totals[:, None], np.maximum(2.0, 40.0 / totals))
    near = feedback.nearness(candidates, towards)
    weights = np.zeros(len(shelf.starts), np.float32)
    columns = np.zeros((len(shelf.starts), len(candidates)), np.float32)
    for strictness in set(shelf.strictness[few].tolist()):
        some = np.flatnonzero(shelf.strictness[few] == strictness)
        for weight, column in feedback.nearest(candidates, near[some], np.minimum(1.0, 2.0 / totals[some]), strictness):
            weights[few[some]], columns[few[some]] = weight, column
    return [(weights, columns)]
