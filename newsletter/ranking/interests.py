"""An interest profile made ready for scoring: texts become vectors, kindred keywords one query, topics one each.

Measured (docs/ranking.md): one string of kindred keywords beats the mean of their vectors, but keywords that have
nothing to do with each other must stay apart, or their mixture means neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from newsletter.model import InterestProfile, Paper, Topic
from newsletter.ranking.candidates import paper_text
from newsletter.ranking.encoder import Encoder, Vectors
from newsletter.ranking.scale import Pair, scale_of

# Cosines of MiniLM, see `scale`.
_KINDRED = 0.2  # mean cosine above which groups of keywords are one interest
_UNLIKE = 0.1  # mean cosine below which groups of liked papers are two interests
_HALF_LIFE = 90.0  # days after which an answer counts half
_FORGOTTEN = 0.05
# Cosine to the nearest topic from which a sentence is about a subject: "Robots that learn from video." has 0.48,
# "black holes" 0.39; "Papers with code please." 0.30, "I am a PhD student." 0.23.
_SUBJECT = 0.35
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
    """Liked papers with their texts, a matrix (n × d) and weights (n).

    `groups` are the rows of those that belong together: a person may read on RNA and on knitting.
    """

    papers: tuple[Paper, ...]
    texts: tuple[str, ...]
    vectors: Vectors
    weights: Vectors
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Interests:
    """A profile in vectors. What is disliked comes as a matrix (n × d) with weights (n)."""

    profile: InterestProfile
    topics: tuple[Query, ...]
    words: tuple[Query, ...]
    liked: Library
    disliked_vectors: Vectors
    disliked_weights: Vectors

    @property
    def empty(self) -> bool:
        """Whether there is nothing to rank by."""
        return not (self.topics or self.words or self.liked.papers or self.profile.authors)


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
    """Make a profile ready. `library` holds the rated papers by id; ids it lacks are left out.

    What was answered before `now` counts less the longer ago that is; without `now` all answers count in full.
    """
    chosen = [(topics[slug], weight) for slug, weight in profile.topics if slug in topics]
    said = _said(profile, now)
    liked = {name: weight for name, weight in said.items() if weight > 0 and name in library}
    disliked = {name: -weight for name, weight in said.items() if weight < 0 and name in library}
    texts = [topic_text(topic) for topic, _ in chosen]
    rated = [paper_text(library[name]) for name in (*liked, *disliked)]
    vectors = encoder.encode([*texts, *rated])
    split = len(texts), len(texts) + len(liked)
    examples = vectors[split[0] : split[1]]
    return Interests(
        profile=profile,
        topics=tuple(
            Query(topic.title, text, vector, weight, topic)
            for (topic, weight), text, vector in zip(chosen, texts, vectors[: split[0]], strict=True)
        ),
        words=_queries(profile, topics, encoder),
        liked=Library(
            papers=tuple(library[name] for name in liked),
            texts=tuple(rated[: len(liked)]),
            vectors=examples,
            weights=np.array(list(liked.values()), np.float32),
            groups=tuple(map(tuple, _grouped(examples, _UNLIKE, Pair.PAPERS, encoder))),
        ),
        disliked_vectors=vectors[split[1] :],
        disliked_weights=np.array(list(disliked.values()), np.float32),
    )


def _said(profile: InterestProfile, now: datetime | None) -> dict[str, float]:
    """Give what papers count, by id: 1 for those named, less and less for answers; below 0 for those not wanted."""
    said = dict.fromkeys(profile.disliked, -1.0) | dict.fromkeys(profile.liked, 1.0)
    for answer in profile.answers:
        days = max(0.0, (now - answer.at) / timedelta(days=1)) if now else 0.0
        said[answer.paper] = (1.0 if answer.liked else -1.0) * 0.5 ** (days / _HALF_LIFE)
    return {name: weight for name, weight in said.items() if abs(weight) >= _FORGOTTEN}


def _queries(profile: InterestProfile, topics: Mapping[str, Topic], encoder: Encoder) -> tuple[Query, ...]:
    keywords = list(dict.fromkeys(word.strip() for word in profile.keywords if word.strip()))
    passages = _passages(profile.interests, topics, encoder)
    vectors = encoder.encode([*keywords, *passages])
    named = kindred(keywords, vectors[: len(keywords)], encoder)
    told = kindred(passages, vectors[len(keywords) :], encoder)
    queries = [(", ".join(group), " ".join(group), tuple(group)) for group in named]
    queries += [(_shortened(" ".join(group)), " ".join(group), ()) for group in told]
    vectors = encoder.encode([text for _, text, _ in queries])
    return tuple(
        Query(label, text, vector, keywords=group)
        for (label, text, group), vector in zip(queries, vectors, strict=True)
    )


def _passages(text: str, topics: Mapping[str, Topic], encoder: Encoder) -> list[str]:
    """Give the sentences of a free text, so that two subjects do not become one that means neither.

    A sentence that resembles no topic ("I am a PhD student.") is no subject of its own: it stays with the one before
    it, or the one after it where it is the first.
    """
    sentences = [part for part in _SENTENCE_END.split(text.strip()) if part]
    if len(sentences) < 2 or not topics:
        return [" ".join(sentences)] if sentences else []
    known = encoder.encode([topic_text(topic) for topic in topics.values()])
    nearest = (encoder.encode(sentences) @ known.T).max(axis=1)
    subjects = nearest >= scale_of(encoder).cosine(_SUBJECT, Pair.WORDS_AND_TOPIC)
    passages = [""]
    open_ended = True  # whether the last passage still lacks a subject
    for sentence, subject in zip(sentences, subjects, strict=True):
        if subject and not open_ended:
            passages.append(sentence)
        else:
            passages[-1] = f"{passages[-1]} {sentence}".strip()
        open_ended = open_ended and not subject
    return passages


def _shortened(text: str, limit: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + "…"


def kindred(words: Sequence[str], vectors: Vectors, encoder: Encoder) -> list[list[str]]:
    """Group words whose vectors (n × d) are alike."""
    return [[words[row] for row in some] for some in _grouped(vectors, _KINDRED, Pair.WORDS, encoder)]


def _grouped(vectors: Vectors, cosine: float, pair: Pair, encoder: Encoder) -> list[list[int]]:
    """Part vectors at a cosine of MiniLM; the scale is asked for only where there is something to part."""
    return parted(vectors, scale_of(encoder).cosine(cosine, pair) if len(vectors) > 1 else cosine)


def parted(vectors: Vectors, cosine: float) -> list[list[int]]:
    """Give the rows of groups of vectors (n × d): average linkage (Sokal & Michener 1958), cut at a mean cosine."""
    if len(vectors) < 2:
        return [[row] for row in range(len(vectors))]
    from scipy.cluster.hierarchy import linkage  # noqa: PLC0415  lazy: a tenth of a second

    distances = np.clip(1 - vectors @ vectors.T, 0, 2)[_pairs(len(vectors))]
    groups = {row: [row] for row in range(len(vectors))}
    for number, (one, other, distance, _) in enumerate(linkage(distances, "average").tolist(), len(vectors)):
        if distance > 1 - cosine:  # the distances never fall from one union to the next
            break
        groups[number] = groups.pop(int(one)) + groups.pop(int(other))
    return sorted(sorted(rows) for rows in groups.values())


@lru_cache(256)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(count, 1)
