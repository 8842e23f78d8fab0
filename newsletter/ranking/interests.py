"""An interest profile made ready for scoring: texts become vectors, kindred keywords one query, topics one each.

Measured (docs/ranking.md): one string of kindred keywords beats the mean of their vectors, but keywords that have
nothing to do with each other must stay apart, or their mixture means neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from newsletter.model import InterestProfile, Paper, Topic
from newsletter.ranking.candidates import paper_text
from newsletter.ranking.encoder import Encoder, Vectors

_KINDRED = 0.2  # mean cosine above which groups of keywords are one interest
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
class Interests:
    """A profile in vectors. `liked` and `disliked` come with matrices (n × d) in the same order."""

    profile: InterestProfile
    topics: tuple[Query, ...]
    words: tuple[Query, ...]
    liked: tuple[Paper, ...]
    liked_vectors: Vectors
    disliked_vectors: Vectors

    @property
    def empty(self) -> bool:
        """Whether there is nothing to rank by."""
        return not (self.topics or self.words or self.liked or self.profile.authors)


def topic_text(topic: Topic) -> str:
    """Give what of a topic is encoded."""
    return f"{topic.title}. {topic.description} {', '.join(topic.keywords)}"


def understand(
    profile: InterestProfile, topics: Mapping[str, Topic], library: Mapping[str, Paper], encoder: Encoder
) -> Interests:
    """Make a profile ready. `library` holds the liked and disliked papers by id; ids it lacks are left out."""
    chosen = [(topics[slug], weight) for slug, weight in profile.topics if slug in topics]
    liked = tuple(library[name] for name in profile.liked if name in library)
    disliked = [library[name] for name in profile.disliked if name in library]
    texts = [topic_text(topic) for topic, _ in chosen]
    vectors = encoder.encode([*texts, *map(paper_text, liked), *map(paper_text, disliked)])
    split = len(texts), len(texts) + len(liked)
    return Interests(
        profile=profile,
        topics=tuple(
            Query(topic.title, text, vector, weight, topic)
            for (topic, weight), text, vector in zip(chosen, texts, vectors[: split[0]], strict=True)
        ),
        words=_queries(profile, topics, encoder),
        liked=liked,
        liked_vectors=vectors[split[0] : split[1]],
        disliked_vectors=vectors[split[1] :],
    )


def _queries(profile: InterestProfile, topics: Mapping[str, Topic], encoder: Encoder) -> tuple[Query, ...]:
    keywords = list(dict.fromkeys(word.strip() for word in profile.keywords if word.strip()))
    passages = _passages(profile.interests, topics, encoder)
    vectors = encoder.encode([*keywords, *passages])
    named = kindred(keywords, vectors[: len(keywords)])
    told = kindred(passages, vectors[len(keywords) :])
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
    subjects = (encoder.encode(sentences) @ known.T).max(axis=1) >= _SUBJECT
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


def kindred(words: Sequence[str], vectors: Vectors) -> list[list[str]]:
    """Group words whose vectors (n × d) are alike: average linkage (Sokal & Michener 1958), cut at a cosine of 0.2."""
    if len(words) < 2:
        return [list(words)] if words else []
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415  lazy: a tenth of a second

    distances = np.clip(1 - vectors @ vectors.T, 0, 2)[np.triu_indices(len(words), 1)]
    labels = fcluster(linkage(distances, "average"), 1 - _KINDRED, "distance")
    groups: dict[int, list[str]] = {}
    for word, label in zip(words, labels, strict=True):
        groups.setdefault(int(label), []).append(word)
    return list(groups.values())
