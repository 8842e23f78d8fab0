"""Why a paper was picked, in terms of the profile: what matched, strongest first."""

from __future__ import annotations

import numpy as np

from newsletter.model import Reason, ReasonKind
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.interests import Interests, Query

_MOST = 3
# Above these a reader agrees that the paper "is about" the topic, or is "like" the other paper (read off on digests of
# 46 days; a MiniLM cosine of two random papers of one field is 0.1 to 0.2).
_ABOUT_COSINE, _ABOUT_SPREADS = 0.3, 1.5
_LIKE_COSINE = 0.5
_TOPIC_PHRASE_COSINE = 0.2


def reasons(candidates: Candidates, interests: Interests, row: int) -> tuple[Reason, ...]:
    """Give one to three reasons for the paper in a row; where nothing stands out, what comes nearest."""
    found = [
        *_authors(candidates, interests, row),
        *_keywords(candidates, interests, row),
        *_meanings(candidates, interests, row),
    ]
    found.sort(key=lambda strength_reason: -strength_reason[0])
    if not found:
        return (_nearest(candidates, interests, row),)
    return tuple(dict.fromkeys(reason for _, reason in found))[:_MOST]


def _authors(candidates: Candidates, interests: Interests, row: int) -> list[tuple[float, Reason]]:
    matches = (candidates.by_author(name).get(row) for name in interests.profile.authors)
    return [(10.0, Reason(ReasonKind.AUTHOR, author)) for author in matches if author]


def _keywords(candidates: Candidates, interests: Interests, row: int) -> list[tuple[float, Reason]]:
    index = candidates.phrases
    return [
        (5.0 + index.rarity(word), Reason(ReasonKind.KEYWORD, word))
        for word in interests.profile.keywords
        if index.hits(word)[row]
    ]


def _meanings(candidates: Candidates, interests: Interests, row: int) -> list[tuple[float, Reason]]:
    found = []
    for query in interests.topics:
        cosine, spreads = _closeness(candidates, query, row)
        about = cosine >= _ABOUT_COSINE and spreads >= _ABOUT_SPREADS
        if about or (cosine >= _TOPIC_PHRASE_COSINE and _named(candidates, query, row)):
            found.append((2.0 + cosine, Reason(ReasonKind.TOPIC, query.label)))
    if interests.liked:
        similar = interests.liked_vectors @ candidates.vectors[row]
        best = int(np.argmax(similar))
        if similar[best] >= _LIKE_COSINE:
            found.append((2.0 + float(similar[best]), Reason(ReasonKind.LIKED_PAPER, interests.liked[best].title)))
    for query in interests.words:
        if any(candidates.phrases.hits(word)[row] for word in query.keywords):
            continue  # the keyword itself says more than that something is close to it
        cosine, spreads = _closeness(candidates, query, row)
        if cosine >= _ABOUT_COSINE and spreads >= _ABOUT_SPREADS:
            found.append((1.0 + cosine, Reason(ReasonKind.INTERESTS, query.label)))
    return found


def _named(candidates: Candidates, query: Query, row: int) -> bool:
    keywords = query.topic.keywords if query.topic else ()
    return any(candidates.phrases.hits(word)[row] for word in keywords)


def _closeness(candidates: Candidates, query: Query, row: int) -> tuple[float, float]:
    """Give the cosine of a paper to a query, and how many standard deviations of the background it stands above."""
    background = candidates.background
    cosine = float(candidates.vectors[row] @ query.vector)
    return cosine, (cosine - float(background.mean @ query.vector)) / max(background.spread(query.vector), 0.05)


def _nearest(candidates: Candidates, interests: Interests, row: int) -> Reason:
    """Give the part of the profile that a paper is nearest to; votes or novelty where the profile is empty."""
    vector = candidates.vectors[row]
    near = [(float(vector @ query.vector), Reason(ReasonKind.TOPIC, query.label)) for query in interests.topics]
    near += [(float(vector @ query.vector), Reason(ReasonKind.INTERESTS, query.label)) for query in interests.words]
    near += [
        (float(vector @ liked), Reason(ReasonKind.LIKED_PAPER, paper.title))
        for liked, paper in zip(interests.liked_vectors, interests.liked, strict=True)
    ]
    if near:
        return max(near, key=lambda cosine_reason: cosine_reason[0])[1]
    votes = candidates.papers[row].upvotes
    return Reason(ReasonKind.POPULAR, f"{votes} upvotes") if votes else Reason(ReasonKind.NEW, "")
