"""Why a paper was picked, in terms of the profile: what matched, strongest first."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from newsletter.model import Reason, ReasonKind
from newsletter.ranking.candidates import Candidates, Scores
from newsletter.ranking.interests import Interests

_Strength: TypeAlias = tuple[float, Reason]
_MOST = 3
# Above these a reader agrees that the paper "is about" the topic, or is "like" the other paper (read off on digests of
# 46 days; a MiniLM cosine of two random papers of one field is 0.1 to 0.2).
_ABOUT_COSINE, _ABOUT_SPREADS = 0.3, 1.5
_LIKE_COSINE, _LIKE_SPREADS = 0.35, 2.0
_TOPIC_PHRASE_COSINE = 0.2


class Explainer:
    """Tells why papers suit one profile. Made once for a subscriber, asked for every pick."""

    def __init__(self, candidates: Candidates, interests: Interests) -> None:
        self._candidates = candidates
        self._interests = interests
        self._authors = [candidates.by_author(name) for name in interests.profile.authors]
        self._close = [(query, candidates.closeness(query.vector)) for query in (*interests.topics, *interests.words)]

    def reasons(self, row: int) -> tuple[Reason, ...]:
        """Give one to three reasons for the paper in a row; where nothing stands out, what comes nearest."""
        found = [*self._by_author(row), *self._by_keyword(row), *self._by_example(row), *self._by_meaning(row)]
        if not found:
            return (self._nearest(row),)
        found.sort(key=lambda strength_reason: -strength_reason[0])
        return tuple(dict.fromkeys(reason for _, reason in found))[:_MOST]

    def _by_author(self, row: int) -> list[_Strength]:
        return [(10.0, Reason(ReasonKind.AUTHOR, found[row])) for found in self._authors if row in found]

    def _by_keyword(self, row: int) -> list[_Strength]:
        index = self._candidates.phrases
        return [
            (5.0 + index.rarity(word), Reason(ReasonKind.KEYWORD, word))
            for word in self._interests.profile.keywords
            if index.hits(word)[row]
        ]

    def _by_example(self, row: int) -> list[_Strength]:
        if not self._interests.liked:
            return []
        similar = self._similar(row)
        best = int(np.argmax(similar))
        cosine = float(similar[best])
        if cosine < _LIKE_COSINE or self._candidates.standing(self._interests.liked_vectors[best], row) < _LIKE_SPREADS:
            return []
        return [(2.0 + cosine, Reason(ReasonKind.LIKED_PAPER, self._interests.liked[best].title))]

    def _by_meaning(self, row: int) -> list[_Strength]:
        found = []
        for query, close in self._close:
            cosine = float(close.cosine[row])
            about = cosine >= _ABOUT_COSINE and float(close.standard[row]) >= _ABOUT_SPREADS
            if query.topic:
                if about or (cosine >= _TOPIC_PHRASE_COSINE and self._holds(query.topic.keywords, row)):
                    found.append((2.0 + cosine, Reason(ReasonKind.TOPIC, query.label)))
            elif about and not self._holds(query.keywords, row):  # a keyword itself says more than nearness to it
                found.append((1.0 + cosine, Reason(ReasonKind.INTERESTS, query.label)))
        return found

    def _similar(self, row: int) -> Scores:
        similar: Scores = self._interests.liked_vectors @ self._candidates.vectors[row]
        return similar

    def _holds(self, phrases: tuple[str, ...], row: int) -> bool:
        return any(self._candidates.phrases.hits(phrase)[row] for phrase in phrases)

    def _nearest(self, row: int) -> Reason:
        """Give the part of the profile that a paper is nearest to; votes or novelty where the profile is empty."""
        near = [(float(close.cosine[row]), query.label) for query, close in self._close]
        near += zip(self._similar(row).tolist(), (paper.title for paper in self._interests.liked), strict=True)
        if near:
            return Reason(ReasonKind.NEAR, max(near, key=lambda cosine_label: cosine_label[0])[1])
        votes = self._candidates.papers[row].upvotes
        return Reason(ReasonKind.POPULAR, f"{votes} upvotes") if votes else Reason(ReasonKind.NEW, "")
