"""All texts that the ranking will ask for, encoded ahead: papers, topics, and what is in the readers' profiles."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from newsletter.model import InterestProfile, Paper, Topic
from newsletter.ranking.candidates import paper_text
from newsletter.ranking.encoder import CachedEncoder, Encoder, VectorCache, Vectors
from newsletter.ranking.interests import topic_text, understand


@dataclass(frozen=True)
class Embedded:
    """How many papers, topics or profiles there are, and of how many all vectors were there before."""

    total: int
    there: int

    @property
    def encoded(self) -> int:
        """Of how many some vector was missing."""
        return self.total - self.there


def embed_papers(papers: Iterable[Sequence[Paper]], encoder: CachedEncoder) -> Embedded:
    """Encode papers, some at a time."""
    return _embed_texts(([paper_text(paper) for paper in some] for some in papers), encoder)


def embed_topics(topics: Mapping[str, Topic], encoder: CachedEncoder) -> Embedded:
    """Encode the topics of a catalogue."""
    return _embed_texts([[topic_text(topic) for topic in topics.values()]], encoder)


def _embed_texts(texts: Iterable[Sequence[str]], encoder: CachedEncoder) -> Embedded:
    total, before = 0, encoder.encoded
    for some in texts:
        encoder.encode(some)
        total += len(some)
    return Embedded(total, total - (encoder.encoded - before))


def embed_profiles(
    profiles: Iterable[Sequence[InterestProfile]],
    topics: Mapping[str, Topic],
    encoder: CachedEncoder,
    cache: VectorCache,
    progress: Callable[[int], None],
) -> Embedded:
    """Encode what readers wrote (their liked papers are papers), some profiles at a time; `progress` counts those."""
    total, there = 0, 0
    for some in profiles:
        total += len(some)
        waiting, missing = _look(some, topics, _Absent(encoder), cache)
        there += len(some) - len(waiting)
        while missing:
            encoder.encode(missing)
            waiting, missing = _look(waiting, topics, _Absent(encoder), cache)
        progress(len(some))
    return Embedded(total, there)


def _look(
    profiles: Sequence[InterestProfile], topics: Mapping[str, Topic], absent: _Absent, cache: VectorCache
) -> tuple[list[InterestProfile], list[str]]:
    """Give the profiles that lack vectors, and the first texts that they lack.

    Which texts a profile needs depends on the vectors of others (only kindred keywords become one query), so it takes
    some rounds. But in a round many profiles' texts are encoded together: for a service a tenth of the requests.
    """
    known = CachedEncoder(absent, cache, batch=sys.maxsize)
    waiting: list[InterestProfile] = []
    missing: dict[str, None] = {}
    for profile in profiles:
        try:
            understand(profile, topics, {}, known)
        except _MissingError as error:
            waiting.append(profile)
            missing.update(dict.fromkeys(error.texts))
    return waiting, list(missing)


class _MissingError(Exception):
    """The vectors of some texts are not there."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__()
        self.texts = texts


class _Absent:
    """Stands behind the cache in the encoder's place: tells what is missing in place of encoding it."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name = encoder.name

    @property
    def dimensions(self) -> int:
        return self._encoder.dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        raise _MissingError(texts)
