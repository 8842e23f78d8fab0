"""Columns of scores for interests in words: a topic of the catalogue, or what a reader wrote. Each is worked out once,
however many readers have it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newsletter.ranking import feedback
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.columns import Scores, strictness_of, weighted
from newsletter.ranking.interests import Query
from newsletter.ranking.scale import Pair

_WORDS_LEXICAL = 0.05  # far less than for topics: phrase_evidence and the holders count the words of a query too
_TOPIC_LEXICAL = 0.3
_TOPIC_PHRASE, _TOPIC_PHRASE_MOST = 0.3, 0.6
_CATEGORY = 0.5
_LEXICAL_FLOOR = 0.02  # for words what COSINE_FLOOR is for cosines
_FEW = 3  # what is known of a reader of words, as a number of liked papers
_AT_ONCE = 256


def topic_columns(candidates: Candidates, topics: Sequence[Query]) -> Scores:
    """Topics of the catalogue: cosine + 0.3 words, and what their keywords and arXiv categories say (k × n)."""
    texts = [topic.text for topic in topics]
    return candidates.topic_columns(texts, lambda some: _topic_columns(candidates, [topics[place] for place in some]))


def _topic_columns(candidates: Candidates, topics: Sequence[Query]) -> Scores:
    columns = weighted((1.0, _closeness(candidates, topics)), (_TOPIC_LEXICAL, _word_overlap(candidates, topics)))
    for row, query in enumerate(topics):
        if query.topic is not None:
            columns[row] += phrase_evidence(candidates, query.topic.keywords, _TOPIC_PHRASE, _TOPIC_PHRASE_MOST)
            columns[row] += _CATEGORY * candidates.category_evidence(query.topic.categories)
    return columns


def word_columns(candidates: Candidates, queries: Sequence[Query]) -> Scores:
    """Words alone: cosine + a few words + what the papers of the background that fit best say (k × n)."""
    names = [(query.text, query.keywords) for query in queries]
    return candidates.word_columns(names, lambda some: _word_columns(candidates, [queries[place] for place in some]))


def _word_columns(candidates: Candidates, queries: Sequence[Query]) -> Scores:
    some, rest, strictness = queries[:_AT_ONCE], queries[_AT_ONCE:], strictness_of(_FEW)
    near = feedback.nearness(candidates, np.stack([query.vector for query in some]))
    columns = weighted(
        (1.0, _closeness(candidates, some)),
        (_WORDS_LEXICAL, _word_overlap(candidates, some)),
        *feedback.holders(candidates, some, near, strictness),
        *feedback.nearest(candidates, near, np.ones(len(some), np.float32), strictness),
    )
    return np.concatenate([columns, _word_columns(candidates, rest)]) if rest else columns


def _closeness(candidates: Candidates, queries: Sequence[Query]) -> Scores:
    texts, vectors = [query.text for query in queries], [query.vector for query in queries]
    return candidates.closeness(texts, vectors, Pair.WORDS_AND_PAPER).standard


def _word_overlap(candidates: Candidates, queries: Sequence[Query]) -> Scores:
    overlap = candidates.overlap([query.text for query in queries]).rows
    found: Scores = overlap / np.maximum(overlap.std(axis=1, keepdims=True), np.float32(_LEXICAL_FLOOR))
    return found


def phrase_evidence(candidates: Candidates, phrases: tuple[str, ...], each: float, most: float) -> Scores:
    """Tell what phrases that stand in a paper add: `each` by rarity, `most` together."""
    found = np.zeros(len(candidates), np.float32)
    for phrase in dict.fromkeys(phrases):
        holders = candidates.phrases.holders(phrase)
        found[holders.rows] += np.float32(each * holders.rarity)
    return np.minimum(found, np.float32(most))
