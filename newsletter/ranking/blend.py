"""How well a day's papers fit profiles: a column of scores for each interest, and what goes with them.

The columns are in units of how papers in general differ. They are joined by a soft maximum, so that a paper need fit
one interest only and several interests do not average into none. Weights, and what each was measured to bring, are in
docs/ranking.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newsletter.ranking.candidates import Candidates
from newsletter.ranking.columns import Scores, softmax_join
from newsletter.ranking.interests import Interests
from newsletter.ranking.libraries import library_columns
from newsletter.ranking.queries import phrase_evidence, topic_columns, word_columns
from newsletter.ranking.scale import Pair

_PHRASE, _PHRASE_MOST = 0.6, 1.5
_AUTHOR = 3.0
_DISLIKE, _DISLIKED_FROM = 0.5, 0.3  # a tenth of cosine; the cosine to a disliked paper from which it counts
_LITTLE_TOLD, _ENOUGH_TOLD = 4, 9  # statements; between them attention counts less and less


def scores(candidates: Candidates, readers: Sequence[Interests]) -> Scores:
    """Give each candidate's score for each reader (r × n); higher is better, 0 is a paper like any other."""
    found = np.tile(candidates.attention, (len(readers), 1))
    told = [row for row, one in enumerate(readers) if not one.empty]
    if told and len(candidates):
        found[told] = _scores(candidates, [readers[row] for row in told])
    return found


def _scores(candidates: Candidates, readers: Sequence[Interests]) -> Scores:
    total = _joined(candidates, readers)
    total += np.array([unknown(one) for one in readers], np.float32)[:, None] * candidates.trend
    for row, one in enumerate(readers):
        if one.profile.keywords:
            total[row] += phrase_evidence(candidates, one.profile.keywords, _PHRASE, _PHRASE_MOST)
        for name in one.profile.authors:
            total[row, list(candidates.by_author(name))] += np.float32(_AUTHOR)
        if one.disliked.papers:
            total[row] -= _dislikes(candidates, one)
    return total


def unknown(interests: Interests) -> float:
    """Tell by how much attention counts for a reader: 1 where we know little of them, 0 where we know enough.

    It fades in small steps, so that one statement more never makes a paper that it speaks for come later.
    """
    profile = interests.profile
    told = len(profile.keywords) + len(profile.topics) + len(profile.authors) + len(interests.liked.papers)
    told += bool(profile.interests)
    return min(1.0, max(0.0, (_ENOUGH_TOLD - told) / (_ENOUGH_TOLD - _LITTLE_TOLD)))


def _joined(candidates: Candidates, readers: Sequence[Interests]) -> Scores:
    """Join what the topics, words and liked papers of each reader say. Words beside liked papers are among these."""
    topics = [(row, topic) for row, one in enumerate(readers) for topic in one.topics]
    words = [(row, query) for row, one in enumerate(readers) if not one.liked.papers for query in one.words]
    liking = [row for row, one in enumerate(readers) if one.liked.papers]
    columns = [np.zeros((0, len(candidates)), np.float32)]
    if topics:
        columns.append(topic_columns(candidates, [topic for _, topic in topics]))
    if words:
        columns.append(word_columns(candidates, [query for _, query in words]))
    if liking:
        columns.append(library_columns(candidates, [readers[row] for row in liking]))
    weights = np.array([query.weight for _, query in (*topics, *words)] + [1.0] * len(liking), np.float32)
    of = np.array([*(row for row, _ in (*topics, *words)), *liking], np.intp)
    order = np.argsort(of, kind="stable")
    return softmax_join(np.concatenate(columns)[order], weights[order], np.bincount(of, minlength=len(readers)))


def _dislikes(candidates: Candidates, interests: Interests) -> Scores:
    """Papers nearer to a disliked paper than to any liked one lose up to half a standard deviation a tenth of cosine,
    one standard deviation at most: weak, so that what is liked always outweighs.
    """
    liked, disliked = interests.liked, interests.disliked
    bad = candidates.cosines(disliked.texts, disliked.vectors).rows
    texts = [*liked.texts, *(query.text for query in interests.queries)]
    vectors = [*liked.vectors, *(query.vector for query in interests.queries)]
    least = np.float32(candidates.scale.cosine(_DISLIKED_FROM, Pair.PAPERS))
    good = np.maximum(candidates.cosines(texts, vectors).rows.max(axis=0), least) if texts else least
    steep = np.float32(_DISLIKE * 10 / candidates.scale.spread(Pair.PAPERS))
    nearer = np.clip(steep * (bad - good), 0.0, 1.0)
    lost: Scores = (nearer * disliked.weights[:, None]).max(axis=0)
    return lost
