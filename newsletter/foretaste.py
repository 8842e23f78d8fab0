"""What today's issue would be for wishes that nobody has yet: the preview beside the forms of the pages.

It is the very ranker that `send` uses, kept warm. The day's papers are prepared once, in a thread of their own, and
again when papers arrive; until then the old ones serve. What strangers type is bounded, encoded in memory, and never
written down.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from newsletter import memory
from newsletter.errors import NewsletterError, UsageError
from newsletter.model import Cadence, InterestProfile, Issue, Paper, Pick, Topic
from newsletter.pipeline import Newsletter
from newsletter.ranking.candidates import Candidates, paper_text
from newsletter.ranking.encoder import CachedEncoder
from newsletter.ranking.interests import Interests, understand
from newsletter.ranking.ranker import Ranker

MOST_CARDS = 12
_MOST_PAPERS = 3000  # of a day: with their words and vectors some 30 MB
_KEYWORDS, _MUTED, _AUTHORS, _LETTERS = 40, 100, 50, 2000
_NEW_EXAMPLES = 16  # papers that have no vector yet; each takes some 20 ms
_EXAMPLES = 1000
_FRESH = 20.0  # seconds for which nobody asks whether papers have arrived
_AT_ONCE = 2
_PATIENCE = 3.0  # seconds that one waits for others
_REMEMBERED = 256  # answers

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rankers:
    """One that keeps the vectors of the papers it prepares, and one that picks and keeps nothing; its encoder."""

    keeping: Ranker
    picking: Ranker
    encoder: CachedEncoder
    topics: Mapping[str, Topic]


@dataclass(frozen=True, slots=True)
class Taste:
    """What would be picked, of how many papers. `papers` holds the picked ones by key; `day` is the issue's."""

    day: date
    considered: int
    picks: tuple[Pick, ...]
    papers: Mapping[int, Paper]


@dataclass(frozen=True)
class _Day:
    """An issue's papers, ready to be ranked. `stamp` tells whether others have come since."""

    stamp: tuple[date, datetime, int]
    candidates: Candidates


class Foretaste:
    """Previews for anybody. Usable from several threads; a process should have one."""

    def __init__(self, newsletter: Newsletter, rankers: Callable[[], Rankers]) -> None:
        """Nothing is loaded before the first preview: `rankers` loads them, or gives those that are there."""
        self._newsletter = newsletter
        self._load = rankers
        self._day: _Day | None = None
        self._looked_at = float("-inf")
        self._making: threading.Thread | None = None
        self._lock = threading.Lock()
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._answers: OrderedDict[object, Taste] = OrderedDict()

    def pick(self, profile: InterestProfile, *, cards: int, today: date, now: datetime) -> Taste | None:
        """Give what a profile would get; None where the papers are still being prepared, or too many ask at once.

        Nothing is left out for having been sent before: it is about interests, not about news.
        """
        ready = self._ready(today, now)
        if ready is None or not self._turn.acquire(timeout=_PATIENCE):
            return None
        try:
            return self._picked(ready, self._load(), profile, min(cards, MOST_CARDS), now)
        finally:
            self._turn.release()

    def interests(self, profile: InterestProfile, *, now: datetime) -> Interests:
        """Give what the ranker makes of a profile: its topics, its keywords by kind, its papers in groups."""
        rankers, some = self._load(), _bounded(profile)
        library = self._newsletter.store.papers.named(some.rated)
        some = _known_first(some, library, rankers.encoder)
        return understand(some, rankers.topics, library, rankers.encoder, now=now)

    def finish(self) -> None:
        """Wait until what is being prepared is ready."""
        if self._making:
            self._making.join()

    def _picked(self, ready: _Day, rankers: Rankers, profile: InterestProfile, cards: int, now: datetime) -> Taste:
        some = _bounded(profile)
        key = (ready.stamp, some, cards)
        if key in self._answers:
            return self._answers[key]
        library = self._newsletter.store.papers.named(some.rated)
        some = _known_first(some, library, rankers.encoder)
        picks = rankers.picking.pick(ready.candidates, some, library, cards=cards, also=0, now=now)
        there = {paper.key: paper for paper in ready.candidates.papers}
        found = Taste(
            ready.stamp[0],
            len(ready.candidates),
            picks,
            {pick.paper_key: there[pick.paper_key] for pick in picks},
        )
        with self._lock:
            self._answers[key] = found
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        return found

    def _ready(self, today: date, now: datetime) -> _Day | None:
        """Give the day's papers, perhaps those of a moment ago; have newer ones prepared where there are any."""
        with self._lock:
            if time.monotonic() - self._looked_at < _FRESH and self._day:
                return self._day
            if self._making and self._making.is_alive():
                return self._day
            issue = latest(self._newsletter, today, now)
            self._looked_at = time.monotonic()
            if issue is None:
                return None
            stamp = (issue.day, issue.window.start, self._newsletter.store.papers.count(issue.window))
            if self._day is None or self._day.stamp != stamp:
                making = threading.Thread(target=self._make, args=(issue, stamp), name="foretaste", daemon=True)
                self._making = making
                making.start()
            return self._day

    def _make(self, issue: Issue, stamp: tuple[date, datetime, int]) -> None:
        try:
            rankers = self._load()
            store = self._newsletter.store
            papers = store.papers.in_window(issue.window)[-_MOST_PAPERS:]
            recent = store.papers.recent(self._newsletter.edited.background, before=issue.window.end)
            day = _Day(stamp, rankers.keeping.prepare(papers, recent))
            # The first ranking works out what all others share, as every topic does; nobody should wait for that.
            everything = InterestProfile(topics=tuple((slug, 1.0) for slug in rankers.topics), keywords=("data",))
            rankers.picking.pick(day.candidates, everything, {}, cards=1, also=0, now=issue.window.end)
        except NewsletterError as error:
            _log.error("the preview: %s", error)
        except Exception:  # noqa: BLE001  a defect; the pages go on without a preview
            _log.exception("the preview")
        else:
            with self._lock:
                self._day = day
                self._answers.clear()
        memory.trim()  # of what preparing took, some 10 MB are of no more use


def latest(newsletter: Newsletter, today: date, now: datetime) -> Issue | None:
    """Give the daily issue of today, or what it would be; where that has no papers the last one that had some."""
    try:
        [due] = newsletter.issues_due(today, now=now, cadences=(Cadence.DAILY,))
    except UsageError:  # there is one of a later day: the clock was ahead
        return newsletter.last_with_papers(Cadence.DAILY)
    return due if newsletter.store.papers.count(due.window) else newsletter.last_with_papers(Cadence.DAILY)


def _bounded(profile: InterestProfile) -> InterestProfile:
    """Give as much of a profile as is worth a stranger's click."""
    return replace(
        profile,
        keywords=profile.keywords[:_KEYWORDS],
        muted=profile.muted[:_MUTED],
        authors=profile.authors[:_AUTHORS],
        interests=profile.interests[:_LETTERS],
        liked=profile.liked[-_EXAMPLES:],
        disliked=profile.disliked[-_EXAMPLES:],
        answers=profile.answers[-_EXAMPLES:],
    )


def _known_first(profile: InterestProfile, library: Mapping[str, Paper], encoder: CachedEncoder) -> InterestProfile:
    """Leave out papers that would have to be encoded first, but for a few: they count from the next issue on."""
    texts = {name: paper_text(library[name]) for name in profile.rated if name in library}
    places = set(encoder.known(list(texts.values()))[0])
    late = {name for place, name in enumerate(texts) if place not in places}
    late -= set([name for name in texts if name in late][:_NEW_EXAMPLES])
    if not late:
        return profile

    def there(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in late)

    return replace(
        profile,
        liked=there(profile.liked),
        disliked=there(profile.disliked),
        answers=tuple(answer for answer in profile.answers if answer.paper not in late),
    )
