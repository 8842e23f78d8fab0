"""What each reader gets of an issue: picks among the papers that came since their last edition, none of them twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from newsletter.model import Edition, Issue, Paper, QuietDay, Section, Subscriber, Window
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.ranker import Ranker, Wanted
from newsletter.store import Store
from newsletter.timetable import Timetable, reaches_to

NO_PAPERS: Mapping[str, Paper] = MappingProxyType({})
_MISSED = timedelta(days=7)  # what a quiet day goes back to, for readers who want that
_MOST_PAPERS = 10_000  # that are ranked at once, the newest: who was away for months gets the best of those
_LONGER_WINDOWS = 4  # that are kept prepared
_RATED = 20_000  # papers at hand, which many readers have in common: some 40 MB


@dataclass(frozen=True)
class Edited:
    """How issues are made: lines beside the cards, papers that a ranking is seen against, when, and by whose leave."""

    also_today: int
    background: int
    timetable: Timetable
    approval: bool


class Picking:
    """One issue's papers, ready to be picked from for any number of readers, by any number of threads.

    What readers share is made once: the papers of the issue's window, and of longer ones for who missed some; and the
    papers that readers rated.
    """

    def __init__(self, store: Store, ranker: Callable[[], Ranker], edited: Edited, issue: Issue) -> None:
        self._store = store
        self._ranker = ranker
        self._edited = edited
        self.issue = issue
        self._prepared: OrderedDict[datetime, Candidates | None] = OrderedDict()
        self._preparing = threading.Lock()
        self._rated: dict[str, Paper] = {}

    def since(self, start: datetime) -> Candidates | None:
        """Give what came since a time, up to the issue's end; None where nothing did."""
        with self._preparing:
            if start not in self._prepared:
                longer = [since for since in self._prepared if since != self.issue.window.start]
                for since in longer[: max(0, len(longer) + 1 - _LONGER_WINDOWS)]:
                    del self._prepared[since]
                self._prepared[start] = self._prepare(start)
            self._prepared.move_to_end(start)
            return self._prepared[start]

    def editions(self, subscribers: Sequence[Subscriber], unkept: Mapping[str, Paper] = NO_PAPERS) -> list[Edition]:
        """Give each subscriber their edition. Nobody is given a paper that an earlier edition gave them.

        Who missed earlier issues is given of all that came since the last one they had; who has a quiet day, what they
        want then. `unkept` has rated papers that the store does not know, by the names that profiles use.
        """
        window = self.issue.window
        if not subscribers:
            return []
        library = {**self._library(subscribers), **unkept}
        begins = self._begins(subscribers)
        given = self._given(begins)
        made = {
            one.subscriber.key: one
            for one in self._picked(subscribers, begins, given, library, also=self._edited.also_today)
        }
        quiet = [one for one in made.values() if _is_quiet(one) and one.subscriber.quiet is not QuietDay.NOTE]
        made.update((one.subscriber.key, replace(one, picks=())) for one in quiet)
        missed = {
            one.subscriber.key: min(window.end - _MISSED, one.window.start)
            for one in quiet
            if one.subscriber.quiet is QuietDay.MISSED
        }
        readers = [one for one in subscribers if one.key in missed]
        for found in self._picked(readers, missed, given, library, also=0):
            if not _is_quiet(found):
                made[found.subscriber.key] = found
        return [made.get(one.key) or Edition(self.issue, one, ()) for one in subscribers]

    def _picked(
        self,
        readers: Sequence[Subscriber],
        begins: Mapping[int, datetime],
        given: Mapping[int, set[int]],
        library: Mapping[str, Paper],
        *,
        also: int,
    ) -> Iterator[Edition]:
        """Pick for readers, those together whose editions begin at the same time."""
        window = self.issue.window
        for since in sorted({begins[one.key] for one in readers}):
            candidates = self.since(since)
            if candidates is None:
                continue
            theirs = [one for one in readers if begins[one.key] == since]
            wanted = [Wanted(one.profile, one.papers, given.get(one.key, set())) for one in theirs]
            picked = self._ranker().pick_each(candidates, wanted, library, also=also, now=window.end)
            began = None if since == window.start else since
            for one, picks in zip(theirs, picked, strict=True):
                yield Edition(self.issue, one, picks, began)

    def _prepare(self, start: datetime) -> Candidates | None:
        end = self.issue.window.end
        papers = self._store.papers.in_window(Window(start, end))[-_MOST_PAPERS:]
        if not papers:
            return None
        return self._ranker().prepare(papers, self._store.papers.recent(self._edited.background, before=end))

    def _begins(self, subscribers: Sequence[Subscriber]) -> dict[int, datetime]:
        """Tell since when papers are news to each subscriber."""
        last = self._store.issues.last_ends([one.key for one in subscribers], before=self.issue.day)
        reach = self._edited.timetable.reach
        return {one.key: reaches_to(self.issue, one, last.get(one.key), reach=reach) for one in subscribers}

    def _given(self, begins: Mapping[int, datetime]) -> dict[int, set[int]]:
        """Tell which papers each subscriber was given before."""
        end = self.issue.window.end
        return self._store.issues.already_picked(begins, Window(min(*begins.values(), end - _MISSED), end))

    def _library(self, subscribers: Iterable[Subscriber]) -> dict[str, Paper]:
        """Give the papers that subscribers rated, by the names that their profiles use."""
        known = self._rated if len(self._rated) < _RATED else {}
        names = {name for one in subscribers for name in one.profile.rated if name not in known}
        self._rated = known | self._store.papers.named(names)
        return self._rated


def _is_quiet(edition: Edition) -> bool:
    return not any(pick.section is Section.FOR_YOU for pick in edition.picks)
