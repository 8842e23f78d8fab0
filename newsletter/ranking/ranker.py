"""From a day's papers and a profile to picks: the very steps that `send`, `preview` and `evaluate` take."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from newsletter.model import InterestProfile, Paper, Pick, Section, Topic
from newsletter.ranking.blend import foresee, scores
from newsletter.ranking.candidates import Candidates, best, paper_text
from newsletter.ranking.encoder import CachedEncoder, Encoder
from newsletter.ranking.interests import Interests, topic_text, understand
from newsletter.ranking.listing import compose

_ENOUGH_BACKGROUND = 500


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
        everyone = [understand(one.profile, self._topics, library, self._encoder, now=now) for one in readers]
        foresee(candidates, everyone)
        return [
            self._pick(candidates, one, interests, library, also)
            for one, interests in zip(readers, everyone, strict=True)
        ]

    def _pick(
        self, candidates: Candidates, reader: Wanted, interests: Interests, library: Mapping[str, Paper], also: int
    ) -> tuple[Pick, ...]:
        rated = {library[name].key for name in reader.profile.rated if name in library}
        allowed = self._allowed(candidates, reader.profile, {*reader.exclude, *rated})
        found = scores(candidates, interests)
        full, brief = compose(
            candidates,
            interests,
            found,
            allowed,
            cards=reader.cards,
            also=also,
            exploring=self._exploring,
        )
        return tuple(
            Pick(
                paper_key=candidates.papers[one.row].key,
                rank=rank,
                section=Section.FOR_YOU if rank <= len(full) else Section.ALSO_TODAY,
                score=round(float(found[one.row]), 4),
                reasons=one.reasons,
            )
            for rank, one in enumerate((*full, *brief), 1)
        )

    def order_each(
        self, candidates: Candidates, profiles: Sequence[InterestProfile], library: Mapping[str, Paper]
    ) -> list[list[int]]:
        """Give all rows, best first, for each profile: what `evaluate` measures."""
        everyone = [understand(profile, self._topics, library, self._encoder) for profile in profiles]
        foresee(candidates, everyone)
        everything = np.ones(len(candidates), bool)
        return [best(scores(candidates, interests), everything, len(candidates)) for interests in everyone]

    @staticmethod
    def _allowed(candidates: Candidates, profile: InterestProfile, exclude: Collection[int]) -> NDArray[np.bool_]:
        allowed = candidates.without(exclude)
        for phrase in profile.muted:
            allowed &= ~candidates.phrases.hits(phrase)
        return allowed
