"""Why a paper was picked, in terms of the profile: what matched, strongest first. And which interest that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from newsletter.model import Reason, ReasonKind
from newsletter.ranking.blend import trend
from newsletter.ranking.candidates import Candidates, Closeness, best
from newsletter.ranking.interests import Interests
from newsletter.ranking.scale import Pair

_Strength: TypeAlias = tuple[float, Reason, str]
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


class Explainer:
    """Tells why papers suit one profile. Made once for a subscriber, asked for every pick."""

    def __init__(self, candidates: Candidates, interests: Interests) -> None:
        self._candidates = candidates
        self._interests = interests
        self._authors = [candidates.by_author(name) for name in interests.profile.authors]
        self._close = [(query, candidates.closeness(query.vector)) for query in (*interests.topics, *interests.words)]
        self._liked = interests.liked
        # What candidates are like what was liked: cosines (m × n), which the scores had worked out.
        self._similar = candidates.cosines(interests.liked.texts, interests.liked.vectors)
        homes = {word: query.label for query in interests.words for word in query.keywords}
        self._keywords = [
            (candidates.phrases.hits(word), 5.0 + candidates.phrases.rarity(word), word, homes.get(word.strip(), word))
            for word in interests.profile.keywords
        ]
        self._found: dict[int, list[_Strength]] = {}
        self._group = {row: number for number, rows in enumerate(interests.liked.groups) for row in rows}
        self._trend = trend(candidates, interests)

    def _most_like(self, rows: Sequence[int]) -> list[int | None]:
        """Give for papers the place of the liked paper that each is like; None where it is like none.

        Not the nearest of all, which is often one that everything is near to, but the one to which it stands out most.
        """
        if not self._liked.papers:
            return [None] * len(rows)
        mean, spread = self._candidates.usual(self._liked.texts, self._liked.vectors).T[:, :, None]
        similar = self._similar[:, list(rows)]
        standing = np.where(
            similar >= self._candidates.scale.cosine(_LIKE_COSINE, Pair.PAPERS), (similar - mean) / spread, -np.inf
        )
        alike = standing.max(axis=0) >= _LIKE_SPREADS
        places = zip(standing.argmax(axis=0).tolist(), alike.tolist(), strict=True)
        return [place if like else None for place, like in places]

    @property
    def blind(self) -> bool:
        """Whether there is nothing that a paper could be near to: no words, no topics, nothing liked."""
        return not (self._close or self._liked.papers)

    @property
    def shares(self) -> dict[str, float]:
        """How much each interest counts, by its name: a topic its weight, a group of liked papers its part of them."""
        found = {query.label: query.weight for query in (*self._interests.topics, *self._interests.words)}
        found |= {f"by {name}": 1.0 for name in self._interests.profile.authors}
        whole = float(self._liked.weights.sum())
        for number, rows in enumerate(self._liked.groups):
            found[_named(number)] = float(self._liked.weights[list(rows)].sum()) / whole
        return found

    def interests(self, rows: Sequence[int]) -> list[str]:
        """Give the names of the interests that speak strongest for the papers in some rows; '' where none does."""
        return [found[0][2] if found else "" for found in self._strengths(rows)]

    def reasons(self, row: int) -> tuple[Reason, ...]:
        """Give one to three reasons for the paper in a row; where nothing stands out, what comes nearest."""
        [found] = self._strengths([row])
        if not found:
            return (self._nearest(row),)
        reasons = list(dict.fromkeys(reason for _, reason, _ in found))
        if self._trend[row] >= _MUCH_ATTENTION:
            reasons = [*reasons[: _MOST - 1], Reason(ReasonKind.POPULAR, self._attention(row))]
        return tuple(reasons[:_MOST])

    def _strengths(self, rows: Sequence[int]) -> list[list[_Strength]]:
        """Give what speaks for papers, strongest first: looked at together, and once."""
        fresh = [row for row in rows if row not in self._found]
        for row, like in zip(fresh, self._most_like(fresh) if fresh else [], strict=True):
            found = [*self._by_author(row), *self._by_keyword(row), *self._by_example(row, like)]
            self._found[row] = sorted([*found, *self._by_meaning(row)], key=lambda strength: -strength[0])
        return [self._found[row] for row in rows]

    def nearest_to_groups(self, count: int) -> list[int]:
        """Give the rows that are nearest to each group of liked papers, `count` a group, where there are several."""
        groups = self._liked.groups
        if len(groups) < 2:
            return []
        near = [self._similar[list(rows)].max(axis=0) for rows in groups]
        everything = np.ones(len(self._candidates), bool)
        return [row for column in near for row in best(column, everything, count)]

    def _by_author(self, row: int) -> list[_Strength]:
        return [
            (10.0, Reason(ReasonKind.AUTHOR, found[row]), f"by {name}")
            for name, found in zip(self._interests.profile.authors, self._authors, strict=True)
            if row in found
        ]

    def _by_keyword(self, row: int) -> list[_Strength]:
        return [
            (strength, Reason(ReasonKind.KEYWORD, word), home)
            for hits, strength, word, home in self._keywords
            if hits[row]
        ]

    def _by_example(self, row: int, like: int | None) -> list[_Strength]:
        if like is None:
            return []
        reason = Reason(ReasonKind.LIKED_PAPER, self._liked.papers[like].title)
        return [(2.0 + float(self._similar[like, row]), reason, _named(self._group[like]))]

    def _by_meaning(self, row: int) -> list[_Strength]:
        found, scale = [], self._candidates.scale
        for query, close in self._close:
            cosine = float(close.cosine[row])
            spreads = _TOPIC_SPREADS if query.topic else _WORDS_SPREADS
            pair = Pair.TOPIC_AND_PAPER if query.topic else Pair.WORDS_AND_PAPER
            standing = float(close.standard[row])
            about = cosine >= scale.cosine(_ABOUT_COSINE, pair) and standing >= spreads
            if query.topic:
                near = cosine >= scale.cosine(_TOPIC_PHRASE_COSINE, pair) and standing >= _TOPIC_PHRASE_SPREADS
                if about or (near and self._holds(query.topic.keywords, row)):
                    found.append((2.0 + cosine, Reason(ReasonKind.TOPIC, query.label), query.label))
            elif about and not self._holds(query.keywords, row) and self._owed_to(close, row):
                found.append((1.0 + cosine, Reason(ReasonKind.INTERESTS, query.label), query.label))
        return found

    def _owed_to(self, close: Closeness, row: int) -> bool:
        """Tell whether a score owes something to words: beside liked papers these are but one example among many."""
        if not self._liked.papers:
            return True
        best = float(self._similar[:, row].max())
        return float(close.cosine[row]) >= max(best, self._candidates.scale.cosine(_AS_EXAMPLE, Pair.WORDS_AND_PAPER))

    def _holds(self, phrases: tuple[str, ...], row: int) -> bool:
        return any(self._candidates.phrases.hits(phrase)[row] for phrase in phrases)

    def _nearest(self, row: int) -> Reason:
        """Give the part of the profile that a paper is nearest to; attention or novelty where the profile is empty."""
        near = [(float(close.cosine[row]), query.label) for query, close in self._close]
        near += zip(self._similar[:, row].tolist(), (paper.title for paper in self._liked.papers), strict=True)
        if near:
            return Reason(ReasonKind.NEAR, max(near, key=lambda cosine_label: cosine_label[0])[1])
        attention = self._attention(row)
        return Reason(ReasonKind.POPULAR, attention) if attention else Reason(ReasonKind.NEW, "")

    def _attention(self, row: int) -> str:
        """Say what attention a paper gets: its votes, or how many sources announced it; '' for none."""
        paper = self._candidates.papers[row]
        if paper.upvotes:
            return f"{paper.upvotes:,} upvote{'' if paper.upvotes == 1 else 's'}"
        sources = len(paper.announcements)
        return f"announced by {sources} sources" if sources > 1 else ""


def _named(group: int) -> str:
    return f"liked papers, group {group}"
