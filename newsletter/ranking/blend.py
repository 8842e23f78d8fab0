"""How well a day's papers fit a profile: kernel ridge for liked papers, cosines for words, and what goes with them.

Every interest gives a column of scores over the candidates, in units of how papers in general differ; the columns are
joined by a soft maximum, so that a paper need fit one interest only and several interests do not average into none.
Weights, and what each was measured to bring, are in docs/ranking.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.candidates import Candidates, Scores
from newsletter.ranking.encoder import Vectors
from newsletter.ranking.interests import Interests, Query
from newsletter.ranking.scale import Pair

_RIDGE, _NEAREST, _LEXICAL = 1.0, 0.1, 0.1
_RIDGE_FLOOR = 0.002  # at a strictness of 1; the columns widen with its root
_QUERY_LEXICAL = 0.15  # less than for topics: phrase_evidence counts the words of a query too
_TOPIC_LEXICAL = 0.3
_FEEDBACK_PAPERS, _FEEDBACK_SHARE = 20, 250
_HOLDERS, _ENOUGH_HOLDERS = 1.5, 5
_FEW = 10
_SAME = 0.99  # the cosine from which a candidate is the liked paper itself
_KEYWORDS_AS_PAPERS = 2.0
_PHRASE, _PHRASE_MOST = 0.6, 1.5
_TOPIC_PHRASE, _TOPIC_PHRASE_MOST = 0.3, 0.6
_CATEGORY = 0.5
_AUTHOR = 3.0
_DISLIKE, _DISLIKED_FROM = 0.5, 0.3  # a tenth of cosine; the cosine to a disliked paper from which it counts
_SHARPNESS = 2.0
_TREND, _ATTENTION_FLOOR = 0.1, 0.5
_LITTLE_TOLD, _ENOUGH_TOLD = 4, 9  # statements; between them attention counts less and less
_FORESEEN = 256  # texts at a time
_LEXICAL_FLOOR = 0.02  # for words what COSINE_FLOOR is for cosines


def scores(candidates: Candidates, interests: Interests) -> Scores:
    """Give each candidate's score (n); higher is better, 0 is a paper like any other."""
    if len(candidates) == 0:
        return np.zeros(0, np.float32)
    if interests.empty:
        return candidates.attention
    total = _softmax_join(_columns(candidates, interests), len(candidates))
    total += trend(candidates, interests)
    total += phrase_evidence(candidates, interests.profile.keywords, _PHRASE, _PHRASE_MOST)
    for name in interests.profile.authors:
        total[list(candidates.by_author(name))] += _AUTHOR
    return total - _dislikes(candidates, interests)


def trend(candidates: Candidates, interests: Interests) -> Scores:
    """Give what attention adds for a reader of whom little is known: enough to go before what is as near.

    It fades in small steps, so that one statement more never makes a paper that it speaks for come later.
    """
    profile = interests.profile
    told = len(profile.keywords) + len(profile.topics) + len(profile.authors) + len(interests.liked.papers)
    told += bool(profile.interests)
    thin = min(1.0, max(0.0, (_ENOUGH_TOLD - told) / (_ENOUGH_TOLD - _LITTLE_TOLD)))
    if thin == 0 or len(candidates) == 0:
        return np.zeros(len(candidates), np.float32)
    attention = candidates.attention
    above = np.clip(standard(attention, _ATTENTION_FLOOR), 0, 2)
    return _float32(_TREND * thin * above * (attention > 0))


def _columns(candidates: Candidates, interests: Interests) -> list[tuple[float, Scores]]:
    columns = [(query.weight, topic_column(candidates, query)) for query in interests.topics]
    if interests.liked.papers:
        columns.append((1.0, _library_column(candidates, interests)))
    else:
        columns += [(query.weight, query_column(candidates, query)) for query in interests.words]
    return columns


def _softmax_join(columns: list[tuple[float, Scores]], count: int) -> Scores:
    if not columns:
        return np.zeros(count, np.float32)
    stacked = np.stack([_SHARPNESS * column + np.log(max(weight, 1e-3)) for weight, column in columns])
    top = stacked.max(axis=0)
    joined: Scores = (top + np.log(np.exp(stacked - top).sum(axis=0))).astype(np.float32) / np.float32(_SHARPNESS)
    return joined


def _library_column(candidates: Candidates, interests: Interests) -> Scores:
    """Liked papers: kernel ridge + what is nearest + words, and for few also what the background has like them.

    Keywords stand beside them as papers of weight 2 together.
    """
    some = _examples(interests)
    count = float(some.weights.sum())
    ridge = _float32(some.weights / count) @ candidates.ridge.examples(some.texts, some.vectors, some.strictness)
    cosines = candidates.cosines(some.texts, some.vectors)
    nearest = cosines.max(axis=0)
    lexical = candidates.overlap(some.texts).max(axis=0)
    parts = [
        (_RIDGE, _scaled(ridge, some.strictness, nearest < _SAME)),
        (_NEAREST, standard(nearest, candidates.cosine_floor(Pair.PAPERS))),
        (_LEXICAL, standard(lexical, _LEXICAL_FLOOR)),
    ]
    if count <= _FEW:
        mean = (some.vectors * some.weights[:, None]).sum(axis=0) / count
        towards = candidates.background.direction(mean, max(2.0, 40.0 / count))
        parts += _feedback(candidates, towards, min(1.0, 2.0 / count), some.strictness)
    return _weighted(*parts)


@dataclass(frozen=True)
class _Examples:
    """What counts as liked (m): texts, vectors (m × d), weights (m), and how much the ridge is to smooth them."""

    texts: tuple[str, ...]
    vectors: Vectors
    weights: Vectors
    strictness: float


def _examples(interests: Interests) -> _Examples:
    """Give the liked papers, and the words beside them as papers of weight 2 together."""
    words, liked = interests.words, interests.liked
    beside = np.full(len(words), _KEYWORDS_AS_PAPERS / max(1, len(words)), np.float32)
    weights = _float32(np.concatenate([liked.weights, beside]))
    return _Examples(
        texts=(*liked.texts, *(query.text for query in words)),
        vectors=np.vstack([liked.vectors, *(query.vector[None] for query in words)]),
        weights=weights,
        strictness=_strictness(float(weights.sum())),
    )


def foresee(candidates: Candidates, readers: Iterable[Interests]) -> None:
    """Work out together what many readers' liked papers say: one matrix product for hundreds of readers, not one each.

    `scores` and the reasons then find it there; without this they would work out the same, a reader at a time.
    """
    asked: dict[float, dict[str, Vectors]] = {}
    for some in (_examples(one) for one in readers if one.liked.papers):
        asked.setdefault(some.strictness, {}).update(zip(some.texts, some.vectors, strict=True))
    for strictness, known in asked.items():
        for texts, vectors in _some(known):
            candidates.ridge.examples(texts, vectors, strictness)
    for texts, vectors in _some({text: vector for known in asked.values() for text, vector in known.items()}):
        candidates.cosines(texts, vectors)
        candidates.overlap(texts)


def _some(known: Mapping[str, Vectors]) -> Iterator[tuple[list[str], Vectors]]:
    """Give texts and their vectors, so many at a time that what is worked out of them stays small."""
    texts = [*known]
    for start in range(0, len(texts), _FORESEEN):
        some = texts[start : start + _FORESEEN]
        yield some, np.stack([known[text] for text in some])


def query_column(candidates: Candidates, query: Query) -> Scores:
    """Words alone: cosine + a few words + what the papers of the background that fit best say."""
    close = candidates.closeness(query.vector).standard
    parts = [(1.0, close), (_QUERY_LEXICAL, _word_overlap(candidates, query.text)), *_holders(candidates, query)]
    return _weighted(*parts, *_feedback(candidates, query.vector, 1.0, _strictness(_FEW)))


def _holders(candidates: Candidates, query: Query) -> list[tuple[float, Scores]]:
    """Take the papers of the background that hold the query's keywords as if they were liked.

    The more and the rarer the words, and the nearer the paper to the query, the more it counts; of many holders the
    first twenty do.
    """
    ridge, index = candidates.ridge, candidates.background_phrases
    if not query.keywords or len(ridge.background) == 0:
        return []
    held = np.sum([index.rarity(word) * index.hits(word) for word in dict.fromkeys(query.keywords)], axis=0)
    near = np.maximum(ridge.plain @ query.vector, 0)
    weights = _float32(held[: len(near)] * near**2)
    rows = np.argsort(-weights, kind="stable")[:_FEEDBACK_PAPERS]
    rows = rows[weights[rows] > 0]
    if len(rows) == 0:
        return []
    column = ridge.background_examples(rows, weights[rows] / weights[rows].sum(), _strictness(_FEW))
    return [(_HOLDERS * min(1.0, len(rows) / _ENOUGH_HOLDERS), _scaled(column, _strictness(_FEW)))]


def _feedback(
    candidates: Candidates, direction: Vectors, weight: float, strictness: float
) -> list[tuple[float, Scores]]:
    """Take the papers of the background that lie furthest in a direction as if they were liked.

    This is pseudo-relevance feedback (Rocchio 1971): one paper in 250 and twenty at most, each for a twentieth of the
    weight, because what is nearest among few papers need not be near.
    """
    ridge = candidates.ridge
    count = min(_FEEDBACK_PAPERS, len(ridge.background) // _FEEDBACK_SHARE)
    if count == 0:
        return []
    rows = np.argsort(-(ridge.plain @ direction), kind="stable")[:count]
    weights = np.full(count, 1 / count, np.float32)
    column = ridge.background_examples(rows, weights, strictness)
    return [(weight * count / _FEEDBACK_PAPERS, _scaled(column, strictness))]


def _strictness(count: float) -> float:
    """Tell how many times as much the ridge is to smooth where few papers are liked."""
    return next((strictness for fewer, strictness in ((5, 16.0), (15, 4.0)) if count < fewer), 1.0)


def _scaled(column: Scores, strictness: float, telling: NDArray[np.bool_] | None = None) -> Scores:
    """Give a column in standard deviations of the papers that are `telling`: of all, unless one is the liked itself.

    That one would stand so far out that all others looked alike.
    """
    some = column if telling is None or not telling.any() else column[telling]
    return _float32(column / max(float(some.std()), _RIDGE_FLOOR * strictness**0.5))


def topic_column(candidates: Candidates, query: Query) -> Scores:
    """A topic of the catalogue: cosine + 0.3 words, and what its keywords and arXiv categories say."""
    if query.text not in candidates.topic_columns:
        close = candidates.closeness(query.vector).standard
        column = _weighted((1.0, close), (_TOPIC_LEXICAL, _word_overlap(candidates, query.text)))
        if query.topic is not None:
            column += phrase_evidence(candidates, query.topic.keywords, _TOPIC_PHRASE, _TOPIC_PHRASE_MOST)
            column += _CATEGORY * candidates.category_evidence(query.topic.categories)
        candidates.topic_columns[query.text] = column
    return candidates.topic_columns[query.text]


def phrase_evidence(candidates: Candidates, phrases: tuple[str, ...], each: float, most: float) -> Scores:
    """Tell what phrases that stand in a paper add: `each` by rarity, `most` together."""
    found = np.zeros(len(candidates), np.float32)
    for phrase in dict.fromkeys(phrases):
        found += each * candidates.phrases.rarity(phrase) * candidates.phrases.hits(phrase)
    return np.minimum(found, most)


def _word_overlap(candidates: Candidates, text: str) -> Scores:
    overlap = candidates.overlap([text])[0]
    return _float32(overlap / max(float(overlap.std()), _LEXICAL_FLOOR))


def standard(column: Scores, floor: float) -> Scores:
    """Centre a column over the candidates and give it a standard deviation of 1, or less where it was below `floor`."""
    return _float32((column - column.mean()) / max(float(column.std()), floor))


def _weighted(*parts: tuple[float, Scores]) -> Scores:
    columns = np.stack([weight * column for weight, column in parts])
    return _float32(columns.sum(axis=0) / sum(weight for weight, _ in parts))


def _float32(values: NDArray[Any]) -> Scores:
    return values.astype(np.float32)


def _dislikes(candidates: Candidates, interests: Interests) -> Scores:
    """Papers nearer to a disliked paper than to any liked one lose up to half a standard deviation a tenth of cosine,
    one standard deviation at most: weak, so that what is liked always outweighs.
    """
    if len(interests.disliked_vectors) == 0:
        return np.zeros(len(candidates), np.float32)
    bad = candidates.vectors @ interests.disliked_vectors.T
    good = np.zeros(len(candidates), np.float32)
    queries = (*interests.topics, *interests.words)
    examples = np.vstack([interests.liked.vectors, *(query.vector[None] for query in queries)])
    if len(examples):
        good = (candidates.vectors @ examples.T).max(axis=1)
    least = candidates.scale.cosine(_DISLIKED_FROM, Pair.PAPERS)
    steep = np.float32(_DISLIKE * 10 / candidates.scale.spread(Pair.PAPERS))
    nearer = np.clip(steep * (bad - np.maximum(good, least)[:, None]), 0.0, 1.0)
    return _float32((nearer * interests.disliked_weights).max(axis=1))
