"""From a day's papers and a profile to picks: the very steps that `send`, `preview` and `evaluate` take."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from newsletter.model import InterestProfile, Paper, Pick, Section, Topic
from newsletter.ranking.blend import scores
from newsletter.ranking.candidates import Candidates, best, paper_text
from newsletter.ranking.encoder import CachedEncoder, Encoder
from newsletter.ranking.interests import Interests, topic_text, understand_each
from newsletter.ranking.listing import Asked, compose

_ENOUGH_BACKGROUND = 500
_NUMBERS = 500_000  # scores at a time: 2 MB, which a processor has at hand


@dataclass(frozen=True)
class Wanted:
    """What a reader is to be given: up to `cards` papers for a profile, none of those with the keys in `exclude`."""

    profile: InterestProfile
    cards: int
    exclude: Collection[int] = ()


class Ranker:
    """Ranks papers against profiles with one encoder and one topic catalogue.

    `exploring`: whether long lists end with a paper from elsewhere.
    """

    def __init__(self, encoder: Encoder, topics: Mapping[str, Topic], *, exploring: bool = True) -> None:
        self._encoder = encoder
        self._topics = topics
        self._exploring = exploring

    def load(self) -> None:
        """Load the model now, which is done at the first text that is not known otherwise. Raises EncoderError."""
        if isinstance(self._encoder, CachedEncoder):
            self._encoder.load()

    def prepare(self, papers: Sequence[Paper], background: Sequence[Paper]) -> Candidates:
        """Prepare an issue's papers, once for all subscribers. `background` are papers in general, newest first.

        Where there are few, as on the first days, the catalogue's topics tell what all the sciences look like.
        """
        texts = [paper_text(paper) for paper in background]
        if len(texts) < _ENOUGH_BACKGROUND:
            texts += [topic_text(topic) for topic in self._topics.values()]
        return Candidates.of(papers, self._encoder, texts)

    def remember(self, papers: Sequence[Paper]) -> None:
        """Have the vectors of papers worked out and kept, for when they are ranked."""
        self._encoder.encode([paper_text(paper) for paper in papers])

    def pick(
        self,
        candidates: Candidates,
        profile: InterestProfile,
        library: Mapping[str, Paper],
        *,
        cards: int,
        also: int,
        now: datetime,
        exclude: Collection[int] = (),
    ) -> tuple[Pick, ...]:
        """Give up to `cards` papers for one profile and `also` more beside them: `pick_each` for one reader."""
        return self.pick_each(candidates, [Wanted(profile, cards, exclude)], library, also=also, now=now)[0]

    def pick_each(
        self,
        candidates: Candidates,
        readers: Sequence[Wanted],
        library: Mapping[str, Paper],
        *,
        also: int,
        now: datetime,
    ) -> list[tuple[Pick, ...]]:
        """Give each reader up to `cards` papers, and `also` more beside them, with reasons.

        A card is a paper that something in the profile speaks for; one that is merely nearest is at best told in brief.
        The last of many cards may be one from elsewhere. Left out are papers with a muted keyword,
        papers the reader rated already, and those whose keys are in `exclude` (sent before). `library` holds the rated
        papers by id; answers count less the longer before `now` they were given.
        """
        everyone = understand_each([one.profile for one in readers], self._topics, library, self._encoder, now=now)
        return [
            picks
            for some in _together(everyone, len(candidates))
            for picks in self._picked(candidates, readers[some], everyone[some], library, also)
        ]

    def _picked(
        self,
        candidates: Candidates,
        readers: Sequence[Wanted],
        everyone: Sequence[Interests],
        library: Mapping[str, Paper],
        also: int,
    ) -> Iterator[tuple[Pick, ...]]:
        if len(candidates) == 0:
            yield from [()] * len(readers)
            return
        found = scores(candidates, everyone)
        asked = [
            Asked(interests, column, _allowed(candidates, one, library), one.cards)
            for one, interests, column in zip(readers, everyone, found, strict=True)
        ]
        lists = compose(candidates, asked, also=also, exploring=self._exploring)
        for column, (full, brief) in zip(found, lists, strict=True):
            yield tuple(
                Pick(
                    paper_key=candidates.papers[one.row].key,
                    rank=rank,
                    section=Section.FOR_YOU if rank <= len(full) else Section.ALSO_TODAY,
                    score=round(float(column[one.row]), 4),
                    reasons=one.reasons,
                )
                for rank, one in enumerate((*full, *brief), 1)
            )

    def order_each(
        self, candidates: Candidates, profiles: Sequence[InterestProfile], library: Mapping[str, Paper]
    ) -> list[list[int]]:
        """Give all rows, best first, for each profile: what `evaluate` measures."""
        everyone = understand_each(profiles, self._topics, library, self._encoder)
        everything = np.ones(len(candidates), bool)
        return [
            best(column, everything, len(candidates)).tolist()
            for some in _together(everyone, len(candidates))
            for column in scores(candidates, everyone[some])
        ]


def _together(everyone: Sequence[Interests], width: int) -> Iterator[slice]:
    """Cut readers into parts that are worked on together: as many as keep a matrix of their scores small."""
    size = max(1, _NUMBERS // max(1, width))
    return (slice(start, start + size) for start in range(0, len(everyone), size))


def _allowed(candidates: Candidates, reader: Wanted, library: Mapping[str, Paper]) -> NDArray[np.bool_]:
    rated = {library[name].key for name in reader.profile.rated if name in library}
    allowed = candidates.without({*reader.exclude, *rated})
    for phrase in reader.profile.muted:
        allowed &= ~candidates.phrases.hits(phrase)
    return allowed
