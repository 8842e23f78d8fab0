"""The whole story on one page: ingest → open the issues → rank → deliver. And preview, which is the same path.

Every step may be repeated at any time, by any number of processes: papers are merged by identity, issues are unique per
cadence and day, editions and deliveries per issue and subscriber, so what is done already stays as it is.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from newsletter.delivery.dispatch import Dispatcher, Tally
from newsletter.delivery.policy import Policy
from newsletter.delivery.recovery import give_up, recover
from newsletter.delivery.transport import Transport
from newsletter.errors import FetchError, NotFoundError, SourceError
from newsletter.letters import Letterhead, StoredLetters, written
from newsletter.model import (
    Announce,
    Cadence,
    Digest,
    Edition,
    Issue,
    IssueState,
    Message,
    Paper,
    Pick,
    QuietDay,
    Section,
    SourceState,
    Subscriber,
)
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.ranker import Ranker
from newsletter.returns import Returns
from newsletter.sources.politeness import rest_after
from newsletter.sources.source import Source, visit
from newsletter.store import Store
from newsletter.store.batches import batches
from newsletter.subscriptions.signup import address_hash
from newsletter.timetable import cadences_of, window_of

Progress: TypeAlias = Callable[[int], None]
_NEWS = (Announce.NEW, Announce.CROSS)
_NO_PAPERS: Mapping[str, Paper] = MappingProxyType({})


@dataclass(frozen=True)
class Edited:
    """How issues are made: lines beside the cards, papers that a ranking is seen against, when, and by whose leave."""

    also_today: int
    background: int
    weekly_on: str
    timezone: str
    approval: bool


@dataclass(frozen=True)
class Pulled:
    """What one source gave: its news, or why not; how many papers are new, how many were only replaced.

    `failures` counts how often in a row it could not be read. `resting`: it was not even tried, because it failed
    before and it is too early to come back.
    """

    source: str
    digest: Digest | None
    error: str = ""
    new: int = 0
    replaced: int = 0
    failures: int = 0
    resting: bool = False


def _resting(state: SourceState) -> Pulled:
    name = state.name.partition(": ")[0]  # `name: feed` is one of those that the source `name` stands for
    times = "once" if state.failures == 1 else f"{state.failures} times in a row"
    why = f"resting until {state.retry_at:%Y-%m-%d %H:%M} UTC, for it failed {times}: "
    advice = f" (`newsletter ingest {shlex.quote(name)}` tries it now)"
    return Pulled(state.name, None, f"{why}{state.last_error}{advice}", resting=True)


@dataclass(frozen=True)
class Newsletter:
    """The product, put together by `bootstrap`."""

    store: Store
    ranker: Callable[[], Ranker]
    letterhead: Letterhead
    edited: Edited
    returns: Returns

    def ingest(
        self,
        sources: Iterable[Source],
        *,
        now: datetime,
        keep: bool = True,
        remember: bool = False,
        insist: bool = False,
    ) -> Iterator[Pulled]:
        """Pull sources one after the other; one that fails stops no other.

        `keep=False` only looks. `remember` keeps how each source did, for those that will be pulled again, and leaves
        alone those that are to rest, unless we `insist`.
        """
        states = {one.name: one for one in self.store.sources.all()} if remember else {}
        for source in sources:
            state = states.get(source.name)
            if state and state.retry_at and state.retry_at > now and not insist:
                yield _resting(state)
                continue
            try:
                seen = visit(source, now)
            except SourceError as error:
                failures = self._failed(source, error, state, now) if remember else 1
                yield Pulled(source.name, None, str(error), failures=failures)
                continue
            digest = seen.digest
            news = replace(digest, records=tuple(one for one in digest.records if one.announce in _NEWS))
            new = self.store.papers.add(news, source=source.name, now=now, keep=keep)
            if remember:  # only now: had the papers been lost, "unchanged" would lose them for good
                self.store.sources.succeeded(source.name, asdict(seen.validators), now=now)
            yield Pulled(source.name, news, new=new, replaced=len(digest.records) - len(news.records))

    def _failed(self, source: Source, error: SourceError, state: SourceState | None, now: datetime) -> int:
        failures = state.failures + 1 if state else 1
        asked = error.retry_at if isinstance(error, FetchError) else None
        rest = timedelta(0) if source.local else rest_after(failures, dice=random.random)
        retry_at = max(filter(None, (asked, now + rest if rest else None)), default=None)
        return self.store.sources.failed(source.name, str(error), retry_at=retry_at)

    def issues_due(self, day: date, *, now: datetime, cadence: Cadence | None = None) -> list[Issue]:
        """Give a day's issues, one a cadence; those that are not open yet are only sketched (their key is 0)."""
        there = {issue.cadence: issue for issue in self.store.issues.on(day)}
        due = [cadence] if cadence else cadences_of(day, weekly_on=self.edited.weekly_on)
        return [there.get(each) or self._sketch(each, day, now) for each in due]

    def _sketch(self, cadence: Cadence, day: date, now: datetime) -> Issue:
        previous = self.store.issues.latest(cadence)
        if previous and previous.day == day:  # another process has just opened it
            return previous
        window = window_of(cadence, day, previous, now=now, timezone=self.edited.timezone)
        return Issue(0, cadence, day, window, IssueState.DRAFT if self.edited.approval else IssueState.OPEN)

    def open_issues(self, day: date, *, now: datetime) -> list[Issue]:
        """Open a day's issues that there are papers for; those that are open already stay as they are.

        One without papers stays unopened, so that what comes later on the day still finds its way into it.
        """
        return [
            issue if issue.key else self.store.issues.open(issue, now=now)
            for issue in self.issues_due(day, now=now)
            if issue.key or self.store.papers.count(issue.window)
        ]

    def rank(self, issue: Issue, *, now: datetime, progress: Progress | None = None) -> int:
        """Make the editions of an issue for all who have none yet, queue their deliveries, and tell how many."""
        waiting = self.waiting(issue)
        if not waiting:
            return 0
        candidates = self.candidates(issue)
        for some in batches(waiting):
            editions = self.editions(issue, candidates, some)
            ids = {
                edition.subscriber.key: self.letterhead.message_id(issue, edition.subscriber) for edition in editions
            }
            self.store.issues.publish(editions, ids, now=now)
            if progress:
                progress(len(some))
        return len(waiting)

    def waiting(self, issue: Issue) -> list[Subscriber]:
        """Give the subscribers who are to get an issue and have no edition of it yet."""
        done = self.store.issues.published(issue) if issue.key else set()
        awake = self.store.subscribers.active(issue.cadence, at=issue.window.end)
        active = [subscriber for subscriber in awake if subscriber.key not in done]
        hashes = {subscriber.key: address_hash(subscriber.email, self.letterhead.secret) for subscriber in active}
        suppressed = self.store.subscribers.suppressed(hashes.values())
        return [subscriber for subscriber in active if hashes[subscriber.key] not in suppressed]

    def candidates(self, issue: Issue) -> Candidates | None:
        """Prepare the papers of an issue for ranking; None where it has none."""
        papers = self.store.papers.in_window(issue.window)
        if not papers:
            return None
        recent = self.store.papers.recent(self.edited.background, before=issue.window.end)
        return self.ranker().prepare(papers, recent)

    def editions(
        self,
        issue: Issue,
        candidates: Candidates | None,
        subscribers: Sequence[Subscriber],
        unkept: Mapping[str, Paper] = _NO_PAPERS,
    ) -> list[Edition]:
        """Pick for each subscriber. Nobody is given a paper that an earlier edition gave them."""
        if candidates is None:
            return [Edition(issue, one, ()) for one in subscribers]
        library = {**unkept, **self.library(subscribers)}
        before = self.store.issues.already_picked(subscriber.key for subscriber in subscribers)
        pick = partial(self._pick, candidates, library, issue.window.end)
        return [Edition(issue, one, pick(one, before.get(one.key, set()))) for one in subscribers]

    def _pick(
        self,
        candidates: Candidates,
        library: Mapping[str, Paper],
        now: datetime,
        subscriber: Subscriber,
        before: set[int],
    ) -> tuple[Pick, ...]:
        picks = self.ranker().pick(
            candidates,
            subscriber.profile,
            library,
            cards=subscriber.papers,
            also=self.edited.also_today,
            now=now,
            exclude=before,
        )
        quiet = not any(pick.section is Section.FOR_YOU for pick in picks)
        return () if quiet and subscriber.quiet is QuietDay.SILENCE else picks

    def library(self, subscribers: Iterable[Subscriber]) -> dict[str, Paper]:
        """Give the papers that subscribers rated, by the names that their profiles use."""
        return self.store.papers.named({name for one in subscribers for name in one.profile.rated})

    def deliver(
        self,
        issues: Sequence[Issue],
        transport: Transport,
        policy: Policy,
        *,
        now: datetime,
        connections: int,
        limit: int | None = None,
        progress: Progress | None = None,
        subscribers: Collection[int] = (),
    ) -> Tally:
        """Send what waits of some issues and is due (to some `subscribers` only); give up what waited for too long.

        Issues of which too many messages fail are paused. Raises TransportError where the transport cannot work at all.
        """
        recover(self.store.deliveries, resend=policy.resend_uncertain)
        ready = [issue for issue in issues if issue.state is IssueState.OPEN]
        expired = give_up(self.store.deliveries, [issue.key for issue in ready], policy.expire_after, now=now)
        letters = StoredLetters(self.store, self.letterhead, ready, now=now)
        dispatcher = Dispatcher(
            self.store.deliveries, transport, letters, policy, connections=connections, subscribers=subscribers
        )
        keys = [issue.key for issue in ready]
        try:
            tally = dispatcher.run(keys, now=now, limit=limit, progress=progress)
        finally:
            self.returns.refusals(keys, now=now)
        tally.states.update(expired)
        tally.problems += [f"{count} {state}: they waited for too long to be news" for state, count in expired.items()]
        for issue in ready if tally.alarm else ():
            self.store.issues.set_state(issue, IssueState.PAUSED)
        return tally

    def preview(
        self, subscriber: Subscriber, day: date, *, now: datetime, library: Mapping[str, Paper] = _NO_PAPERS
    ) -> tuple[Edition, Message, dict[int, Paper]]:
        """Give what `send` would send to a subscriber (who need not be stored), or did send; nothing is recorded.

        `library` has what their profile likes and the store does not know, by name.

        Raises NotFoundError where there are no papers at all.
        """
        if self.store.papers.count() == 0:
            raise NotFoundError("there are no papers yet", hint="`newsletter ingest --file PATH` reads some")
        cadence = Cadence.DAILY if subscriber.cadence is Cadence.PAUSED else subscriber.cadence
        issue = self.issues_due(day, now=now, cadence=cadence)[0]
        sent = self.store.issues.picks(issue.key, [subscriber.key])
        if subscriber.key in sent:
            edition = Edition(issue, subscriber, sent[subscriber.key])
        else:
            edition = self.editions(issue, self.candidates(issue), [subscriber], library)[0]
        papers = self.store.papers.by_key(pick.paper_key for pick in edition.picks)
        considered = self.store.papers.count(issue.window)
        lines = written(self.store, self.letterhead.writer, papers)
        message = self.letterhead.write(edition, papers, considered=considered, delivery_key=0, now=now, written=lines)
        return edition, message, papers
