"""Why a paper was picked, in terms of the profile: what matched, strongest first. And which interest that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from newsletter.model import Reason, ReasonKind
from newsletter.ranking.blend import unknown
from newsletter.ranking.candidates import Candidates, Rows
from newsletter.ranking.interests import Interests, Query
from newsletter.ranking.scale import Pair

Strengths: TypeAlias = NDArray[np.float64]

_MOST = 3
# Above these a reader agrees that the paper "is about" the topic, or is "like" the other paper (read off on digests of
# 46 days, with MiniLM, see `scale`; its cosine of two random papers of one field is 0.1 to 0.2).
_ABOUT_COSINE = 0.3
_TOPIC_SPREADS, _WORDS_SPREADS = 1.5, 2.0  # a topic's long text says more than a reader's few words
_LIKE_COSINE, _LIKE_SPREADS = 0.35, 2.0
# A general phrase alone ("large language model") makes no topic: the paper is to be nearer than the field's usual one.
_TOPIC_PHRASE_COSINE, _TOPIC_PHRASE_SPREADS = 0.2, 0.5
_AS_EXAMPLE = 0.45  # of words beside liked papers
_MUCH_ATTENTION = 0.1  # of the score: a standard deviation more than papers get
# How strong a reason is: an author before a keyword (the rarer the stronger) before what is near (by the cosine).
_BY_AUTHOR, _BY_KEYWORD, _BY_EXAMPLE, _BY_TOPIC, _BY_WORDS = 10.0, 5.0, 2.0, 2.0, 1.0


class _Voice(NamedTuple):
    """Something in a profile that may speak for papers: as what reason, and of which interest it is."""

    kind: ReasonKind
    matched: str
    interest: str


class _Choir(NamedTuple):
    """Voices (v), and how strongly each speaks for some papers (v × k): 0 where it is silent."""

    voices: Sequence[_Voice]
    strengths: Strengths


class Explainer:
    """Tells why papers suit one profile: those in some rows (k), which are looked at together."""

    def __init__(self, candidates: Candidates, interests: Interests, rows: Rows) -> None:
        self._candidates = candidates
        self._profile = interests.profile
        self._liked = interests.liked
        self._rows = rows
        self._unknown = unknown(interests)
        queries, liked = interests.queries, interests.liked
        texts, vectors = [query.text for query in queries], [query.vector for query in queries]
        self._parts = [*(query.label for query in queries), *(paper.title for paper in liked.papers)]
        self._close = candidates.closeness(texts, vectors, Pair.WORDS_AND_PAPER, self._rows)
        self._like = candidates.closeness(liked.texts, liked.vectors, Pair.PAPERS, self._rows)
        self._near = np.concatenate([self._close.cosine, self._like.cosine])
        choirs = [
            self._by_author(),
            self._by_keyword(interests.words),
            self._by_example(),
            self._by_topic(interests.topics),
            self._by_words(interests.words),
        ]
        self._voices = [voice for choir in choirs for voice in choir.voices]
        self._strengths = np.concatenate([choir.strengths for choir in choirs])
        self._names = {voice.interest: number for number, voice in enumerate(self._voices)}
        self._counts = _counts(interests)

    @cached_property
    def interests(self) -> NDArray[np.intp]:
        """The numbers of the interests that speak strongest for the papers (k); −1 where none does."""
        if not self._voices:
            return np.full(len(self._rows), -1)
        numbers = np.array([self._names[voice.interest] for voice in self._voices])
        return np.where(self._strengths.any(axis=0), numbers[self._strengths.argmax(axis=0)], -1)

    @property
    def shares(self) -> list[float]:
        """How much each interest counts, by its number."""
        return [self._counts.get(voice.interest, 0.0) for voice in self._voices]

    def reasons(self, places: NDArray[np.intp]) -> list[tuple[Reason, ...]]:
        """Give one to three reasons for some of the papers, by place; where nothing stands out, what comes nearest."""
        strengths = self._strengths[:, places]
        order = np.argsort(-strengths, axis=0, kind="stable").T.tolist()
        spoken = np.count_nonzero(strengths, axis=0).tolist()
        rows = self._rows[places]
        popular = (self._unknown * self._candidates.trend[rows] >= _MUCH_ATTENTION).tolist()
        return [
            self._reasons(row, voices[:count], popular=noticed) if count else (self._nearest(row, place),)
            for row, place, voices, count, noticed in zip(
                rows.tolist(), places.tolist(), order, spoken, popular, strict=True
            )
        ]

    def _reasons(self, row: int, voices: Sequence[int], *, popular: bool) -> tuple[Reason, ...]:
        said = dict.fromkeys(self._voices[voice][:2] for voice in voices)
        reasons = [Reason(kind, matched) for kind, matched in islice(said, _MOST - 1 if popular else _MOST)]
        return (*reasons, Reason(ReasonKind.POPULAR, self._attention(row))) if popular else tuple(reasons)

    def _nearest(self, row: int, place: int) -> Reason:
        """Give the part of the profile that a paper is nearest to; attention or novelty where the profile is empty."""
        if len(self._near):
            return Reason(ReasonKind.NEAR, self._parts[self._near[:, place].argmax()])
        attention = self._attention(row)
        return Reason(ReasonKind.POPULAR, attention) if attention else Reason(ReasonKind.NEW, "")

    def _by_author(self) -> _Choir:
        voices, strengths = [], []
        for name in self._profile.authors:
            found = self._candidates.by_author(name)
            for shown in dict.fromkeys(found.values()):
                voices.append(_Voice(ReasonKind.AUTHOR, shown, f"by {name}"))
                strengths.append([_BY_AUTHOR * (found.get(row) == shown) for row in self._rows.tolist()])
        return _Choir(voices, np.array(strengths, np.float64).reshape(len(voices), len(self._rows)))

    def _by_keyword(self, queries: Sequence[Query]) -> _Choir:
        homes = {word: query.label for query in queries for word in query.keywords}
        words = self._profile.keywords
        strengths = np.zeros((len(words), len(self._rows)))
        for number, holders in enumerate(map(self._candidates.phrases.holders, words)):
            strengths[number] = holders.hits[self._rows] * (_BY_KEYWORD + holders.rarity)
        return _Choir([_Voice(ReasonKind.KEYWORD, word, homes.get(word.strip(), word)) for word in words], strengths)

    def _by_example(self) -> _Choir:
        """Let one liked paper speak for each paper that it is like.

        Not the nearest of all, which is often one that everything is near to, but the one to which it stands out most.
        """
        names = [""] * len(self._liked.papers)
        for number, rows in enumerate(self._liked.groups):
            name = _named(number)
            for row in rows:
                names[row] = name
        strengths = np.zeros(self._like.cosine.shape)
        if self._liked.papers:
            least = self._candidates.scale.cosine(_LIKE_COSINE, Pair.PAPERS)
            standing = np.where(self._like.cosine >= least, self._like.standard, -np.inf)
            places = np.flatnonzero(standing.max(axis=0) >= _LIKE_SPREADS)
            voices = standing[:, places].argmax(axis=0)
            strengths[voices, places] = _BY_EXAMPLE + self._like.cosine[voices, places].astype(np.float64)
        titled = zip(self._liked.papers, names, strict=True)
        return _Choir([_Voice(ReasonKind.LIKED_PAPER, paper.title, name) for paper, name in titled], strengths)

    def _by_topic(self, topics: Sequence[Query]) -> _Choir:
        cosine, standing = (matrix[: len(topics)] for matrix in self._close)
        scale, pair = self._candidates.scale, Pair.TOPIC_AND_PAPER
        about = (cosine >= scale.cosine(_ABOUT_COSINE, pair)) & (standing >= _TOPIC_SPREADS)
        near = (cosine >= scale.cosine(_TOPIC_PHRASE_COSINE, pair)) & (standing >= _TOPIC_PHRASE_SPREADS)
        about |= near & self._holding(topic.topic.keywords if topic.topic else () for topic in topics)
        strengths = np.where(about, _BY_TOPIC + cosine.astype(np.float64), 0)
        return _Choir([_Voice(ReasonKind.TOPIC, topic.label, topic.label) for topic in topics], strengths)

    def _by_words(self, words: Sequence[Query]) -> _Choir:
        """Let words speak that do not stand in the paper, which would be a reason of its own.

        Beside liked papers they are but one example among many, and must be as near as the nearest.
        """
        cosine, standing = (matrix[len(matrix) - len(words) :] for matrix in self._close)
        scale, pair = self._candidates.scale, Pair.WORDS_AND_PAPER
        about = (cosine >= scale.cosine(_ABOUT_COSINE, pair)) & (standing >= _WORDS_SPREADS)
        about &= ~self._holding(query.keywords for query in words)
        if self._liked.papers:
            about &= cosine >= np.maximum(self._like.cosine.max(axis=0), scale.cosine(_AS_EXAMPLE, pair))
        strengths = np.where(about, _BY_WORDS + cosine.astype(np.float64), 0)
        return _Choir([_Voice(ReasonKind.INTERESTS, query.label, query.label) for query in words], strengths)

    def _holding(self, phrases: Iterable[tuple[str, ...]]) -> NDArray[np.bool_]:
        """Tell of each of some phrases' groups which papers hold any of them."""
        found = [self._candidates.phrases.hits_any(some)[self._rows] for some in phrases]
        return np.array(found, bool).reshape(len(found), len(self._rows))

    def _attention(self, row: int) -> str:
        """Say what attention a paper gets: its votes, or how many sources announced it; '' for none."""
        paper = self._candidates.papers[row]
        if paper.upvotes:
            return f"{paper.upvotes:,} upvote{'' if paper.upvotes == 1 else 's'}"
        sources = len(paper.announcements)
        return f"announced by {sources} sources" if sources > 1 else ""


def _counts(interests: Interests) -> dict[str, float]:
    """Tell how much each interest counts, by its name: a topic its weight, a group of liked papers its part of them."""
    found = {query.label: query.weight for query in interests.queries}
    found |= {f"by {name}": 1.0 for name in interests.profile.authors}
    liked = interests.liked
    whole = float(liked.weights.sum())
    for number, rows in enumerate(liked.groups):
        found[_named(number)] = float(liked.weights[list(rows)].sum()) / whole
    return found


def _named(group: int) -> str:
    return f"liked papers, group {group}"
