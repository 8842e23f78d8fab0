"""An interest profile made ready for scoring: texts become vectors, kindred keywords one query, topics one each.

Measured (docs/ranking.md): one string of kindred keywords beats the mean of their vectors, but keywords that have
nothing to do with each other must stay apart, or their mixture means neither.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from newsletter.model import InterestProfile, Paper, Topic
from newsletter.ranking.candidates import paper_text
from newsletter.ranking.encoder import Encoder, Vectors
from newsletter.ranking.linkage import Groups, parted_each
from newsletter.ranking.scale import Pair, scale_of

# Cosines of MiniLM, see `scale`.
_KINDRED = 0.2  # mean cosine above which groups of keywords are one interest
_UNLIKE = 0.1  # mean cosine below which groups of liked papers are two interests
_HALF_LIFE = 90.0  # days after which an answer counts half
_FORGOTTEN = 0.05
# Cosine to the nearest topic from which a sentence is about a subject: "Robots that learn from video." has 0.48,
# "black holes" 0.39; "Papers with code please." 0.30, "I am a PhD student." 0.23.
_SUBJECT = 0.35
_NO_SEMICOLON = re.compile(r"(?<=[.,:!?…。！？]); ")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)|\s*[;\n]\s*")


@dataclass(frozen=True)
class Query:
    """One interest in words: its text and vector (d), what it is called in a reason, and how much it counts.

    `keywords` are those that it was made of; `topic` is the one that it stands for.
    """

    label: str
    text: str
    vector: Vectors
    weight: float = 1.0
    topic: Topic | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Library:
    """Rated papers with their texts, a matrix (n × d) and weights (n).

    `groups` are the rows of liked ones that belong together: a person may read on RNA and on knitting.
    """

    papers: tuple[Paper, ...]
    texts: tuple[str, ...]
    vectors: Vectors
    weights: Vectors
    groups: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Interests:
    """A profile in vectors: its topics, its kinds of words, and its papers."""

    profile: InterestProfile
    topics: tuple[Query, ...]
    words: tuple[Query, ...]
    liked: Library
    disliked: Library

    @property
    def empty(self) -> bool:
        """Whether there is nothing to rank by."""
        return not (self.topics or self.words or self.liked.papers or self.profile.authors)

    @property
    def queries(self) -> tuple[Query, ...]:
        """All interests in words: topics, then the reader's own."""
        return (*self.topics, *self.words)


def topic_text(topic: Topic) -> str:
    """Give what of a topic is encoded."""
    return f"{topic.title}. {topic.description} {', '.join(topic.keywords)}"


def understand(
    profile: InterestProfile,
    topics: Mapping[str, Topic],
    library: Mapping[str, Paper],
    encoder: Encoder,
    *,
    now: datetime | None = None,
) -> Interests:
    """Make a profile ready: `understand_each` for one reader."""
    return understand_each([profile], topics, library, encoder, now=now)[0]


def understand_each(
    profiles: Sequence[InterestProfile],
    topics: Mapping[str, Topic],
    library: Mapping[str, Paper],
    encoder: Encoder,
    *,
    now: datetime | None = None,
) -> list[Interests]:
    """Make profiles ready; all their texts are encoded together. `library` holds the rated papers by id; ids it lacks
    are left out.

    What was answered before `now` counts less the longer ago that is; without `now` all answers count in full.
    """
    names = {name for one in profiles for name in one.rated}
    texts = {name: paper_text(library[name]) for name in names if name in library}
    everyone = [_Told.of(profile, topics, texts, now) for profile in profiles]
    free = any(len(one.sentences) > 1 for one in everyone)
    subjects = [topic_text(topic) for topic in topics.values()] if free else []
    rated = (texts[name] for one in everyone for name in one.said)
    known = _Encoded([*subjects, *(text for one in everyone for text in one.words), *rated], encoder)
    named = kindred_each([(one.keywords, known(one.keywords)) for one in everyone], encoder)
    asked = [_queries(one, words, known(subjects), known, encoder) for one, words in zip(everyone, named, strict=True)]
    joined = _Encoded((query.text for some in asked for query in some), encoder)
    shelves = [_library(one.liked, library, texts, known) for one in everyone]
    groups = _grouped([shelf.vectors for shelf in shelves], _UNLIKE, Pair.PAPERS, encoder)
    return [
        Interests(
            profile=one.profile,
            topics=_with_vectors(one.topics, known),
            words=_with_vectors(some, joined),
            liked=replace(liked, groups=tuple(map(tuple, rows))),
            disliked=_library(one.disliked, library, texts, known),
        )
        for one, some, liked, rows in zip(everyone, asked, shelves, groups, strict=True)
    ]


class _Encoded:
    """The vectors of texts, encoded together, each once."""

    def __init__(self, texts: Iterable[str], encoder: Encoder) -> None:
        self._places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        self._vectors = encoder.encode([*self._places])

    def __call__(self, texts: Sequence[str]) -> Vectors:
        return self._vectors.take(np.array([self._places[text] for text in texts], np.intp), axis=0)


class _Unencoded(NamedTuple):
    """A query without its vector."""

    label: str
    text: str
    weight: float = 1.0
    topic: Topic | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Told:
    """A profile's parts: topics, keywords, the sentences of what is written freely, and what papers count, by id."""

    profile: InterestProfile
    topics: tuple[_Unencoded, ...]
    keywords: tuple[str, ...]
    sentences: tuple[str, ...]
    said: Mapping[str, float]

    @classmethod
    def of(
        cls, profile: InterestProfile, topics: Mapping[str, Topic], known: Container[str], now: datetime | None
    ) -> _Told:
        chosen = [(topics[slug], weight) for slug, weight in profile.topics if slug in topics]
        return cls(
            profile,
            topics=tuple(_Unencoded(topic.title, topic_text(topic), weight, topic) for topic, weight in chosen),
            keywords=tuple(dict.fromkeys(word.strip() for word in profile.keywords if word.strip())),
            sentences=tuple(part for part in _SENTENCE_END.split(profile.interests.strip()) if part),
            said={name: weight for name, weight in _said(profile, now).items() if name in known},
        )

    @property
    def words(self) -> Iterator[str]:
        """All that is to be encoded but papers."""
        yield from (topic.text for topic in self.topics)
        yield from self.keywords
        yield from self.sentences

    @property
    def liked(self) -> dict[str, float]:
        return {name: weight for name, weight in self.said.items() if weight > 0}

    @property
    def disliked(self) -> dict[str, float]:
        return {name: -weight for name, weight in self.said.items() if weight < 0}


def _with_vectors(queries: Sequence[_Unencoded], known: _Encoded) -> tuple[Query, ...]:
    vectors = known([query.text for query in queries])
    return tuple(
        Query(query.label, query.text, vector, query.weight, query.topic, query.keywords)
        for query, vector in zip(queries, vectors, strict=True)
    )


def _library(
    counts: Mapping[str, float], library: Mapping[str, Paper], texts: Mapping[str, str], known: _Encoded
) -> Library:
    """Give papers by what each counts, not parted into groups."""
    names = tuple(counts)
    return Library(
        papers=tuple(library[name] for name in names),
        texts=tuple(texts[name] for name in names),
        vectors=known([texts[name] for name in names]),
        weights=np.array(list(counts.values()), np.float32),
    )


def _said(profile: InterestProfile, now: datetime | None) -> dict[str, float]:
    """Give what papers count, by id: 1 for those named, less and less for answers; below 0 for those not wanted."""
    said = dict.fromkeys(profile.disliked, -1.0) | dict.fromkeys(profile.liked, 1.0)
    for answer in profile.answers:
        days = max(0.0, (now - answer.at) / timedelta(days=1)) if now else 0.0
        said[answer.paper] = (1.0 if answer.liked else -1.0) * 0.5 ** (days / _HALF_LIFE)
    return {name: weight for name, weight in said.items() if abs(weight) >= _FORGOTTEN}


def _queries(
    one: _Told, named: Sequence[Sequence[str]], subjects: Vectors, known: _Encoded, encoder: Encoder
) -> list[_Unencoded]:
    """Give what a reader's words ask for: kindred keywords (`named`), and the passages of what is written freely."""
    parted = _passages(one.sentences, subjects, known, encoder)
    passages = [" ".join(some) for some in parted]
    written = dict(zip(passages, map(_punctuated, parted), strict=True))
    told = [passages]
    if len(passages) > 1:
        [told] = kindred_each([(passages, _Encoded(passages, encoder)(passages))], encoder)
    queries = [_Unencoded(", ".join(group), " ".join(group), keywords=tuple(group)) for group in named]
    return queries + [
        _Unencoded(_shortened(_punctuated([written[passage] for passage in group])), " ".join(group))
        for group in told
        if group
    ]


def _passages(sentences: Sequence[str], subjects: Vectors, known: _Encoded, encoder: Encoder) -> list[list[str]]:
    """Put the sentences of a free text into passages, so that two subjects do not become one that means neither.

    A sentence that resembles none of the `subjects`, which are those of topics ("I am a PhD student."), is no subject
    of its own: it stays with the one before it, or the one after it where it is the first.
    """
    if len(sentences) < 2 or not len(subjects):
        return [[*sentences]] if sentences else []
    nearest = (known(sentences) @ subjects.T).max(axis=1)
    about = nearest >= scale_of(encoder).cosine(_SUBJECT, Pair.WORDS_AND_TOPIC)
    passages: list[list[str]] = [[]]
    open_ended = True  # whether the last passage still lacks a subject
    for sentence, subject in zip(sentences, about, strict=True):
        if subject and not open_ended:
            passages.append([sentence])
        else:
            passages[-1].append(sentence)
        open_ended = open_ended and not subject
    return passages


def _punctuated(sentences: Sequence[str]) -> str:
    """Join what was parted at a semicolon or a line's end as it may be read: "One subject; another"."""
    return _NO_SEMICOLON.sub(" ", "; ".join(sentences))


def _shortened(text: str, limit: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + "…"


def kindred_each(several: Sequence[tuple[Sequence[str], Vectors]], encoder: Encoder) -> list[list[list[str]]]:
    """Group each reader's words whose vectors (n × d) are alike."""
    groups = _grouped([vectors for _, vectors in several], _KINDRED, Pair.WORDS, encoder)
    return [[[words[row] for row in some] for some in rows] for (words, _), rows in zip(several, groups, strict=True)]


def _grouped(several: Sequence[Vectors], cosine: float, pair: Pair, encoder: Encoder) -> list[Groups]:
    """Part vectors at a cosine of MiniLM; the scale is asked for only where there is something to part."""
    anything = any(len(vectors) > 1 for vectors in several)
    return parted_each(several, scale_of(encoder).cosine(cosine, pair) if anything else cosine)
