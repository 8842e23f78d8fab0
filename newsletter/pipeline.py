"""The whole story on one page: ingest → open the issues → rank → deliver. And preview, which is the same path.

Every step may be repeated at any time, by any number of processes: papers are merged by identity, issues are unique per
cadence and day, editions and deliveries per issue and subscriber, so what is done already stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias

from newsletter.delivery.dispatch import Dispatcher, Policy, Tally, recover
from newsletter.delivery.transport import Transport
from newsletter.errors import FetchError, NotFoundError, SourceError, SummaryError
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
    Subscriber,
)
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.ranker import Ranker
from newsletter.sources.source import Source, visit
from newsletter.store import Store
from newsletter.store.batches import batches
from newsletter.subscriptions.signup import address_hash
from newsletter.timetable import cadences_of, window_of

Progress: TypeAlias = Callable[[int], None]
_SUMMARISED = 500  # papers, the newest: about as many as a day has
_PATIENCE = 3
_NEWS = (Announce.NEW, Announce.CROSS)


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

    `failures` counts how often in a row it could not be read.
    """

    source: str
    digest: Digest | None
    error: str = ""
    new: int = 0
    replaced: int = 0
    failures: int = 0


@dataclass(frozen=True)
class Summarised:
    """What came of asking a model for summaries: how many it wrote, and why others are missing."""

    made: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Newsletter:
    """The product, put together by `bootstrap`."""

    store: Store
    ranker: Callable[[], Ranker]
    letterhead: Letterhead
    edited: Edited

    def ingest(
        self, sources: Iterable[Source], *, now: datetime, keep: bool = True, remember: bool = False
    ) -> Iterator[Pulled]:
        """Pull sources one after the other; one that fails stops no other.

        `keep=False` only looks. `remember` keeps how each source did, for those that will be pulled again.
        """
        resting = {one.name: one.retry_at for one in self.store.sources.all() if one.retry_at and one.retry_at > now}
        for source in sources:
            if remember and source.name in resting:
                yield Pulled(source.name, None, f"its server asked us not to come back before {resting[source.name]}")
                continue
            try:
                seen = visit(source, now)
            except SourceError as error:
                retry_at = error.retry_at if isinstance(error, FetchError) else None
                failures = self.store.sources.failed(source.name, str(error), retry_at=retry_at) if remember else 1
                yield Pulled(source.name, None, str(error), failures=failures)
                continue
            digest = seen.digest
            news = replace(digest, records=tuple(one for one in digest.records if one.announce in _NEWS))
            new = self.store.papers.add(news, source=source.name, now=now, keep=keep)
            if remember:  # only now: had the papers been lost, "unchanged" would lose them for good
                self.store.sources.succeeded(source.name, asdict(seen.validators), now=now)
            yield Pulled(source.name, news, new=new, replaced=len(digest.records) - len(news.records))

    def summarise(self, *, now: datetime, progress: Progress | None = None) -> Summarised | None:
        """Have the model that is set write a line about the newest papers that have none; None where none is set.

        Nothing raises and nothing waits for ever: `Writer.seconds` is for all of them, and a server that failed three
        times in a row is left alone. Whatever is missing is asked for the next time.
        """
        writer, made, problems = self.letterhead.writer, 0, []
        if writer is None:
            return None
        newest = self.store.papers.recent(_SUMMARISED, before=now + timedelta(microseconds=1))
        hashes = {writer.text_hash(paper): paper for paper in newest if writer.wants(paper)}
        known = self.store.summaries.load(writer.model, hashes)
        ends, failed = time.monotonic() + writer.seconds, 0
        for name in (name for name in hashes if name not in known):
            left = ends - time.monotonic()
            if left <= 0 or failed == _PATIENCE:
                problems.append("not all summaries were written; the rest is asked for the next time")
                break
            try:
                self.store.summaries.save(writer.model, name, writer.write(hashes[name], timeout=left))
            except SummaryError as error:
                problems.append(str(error))
                failed += 1
            else:
                made, failed = made + 1, 0
            if progress:
                progress(1)
        return Summarised(made, tuple(dict.fromkeys(problems)))

    def issues_due(self, day: date, *, now: datetime, cadence: Cadence | None = None) -> list[Issue]:
        """Give a day's issues, one a cadence; those that are not open yet are only sketched (their key is 0)."""
        there = {issue.cadence: issue for issue in self.store.issues.on(day)}
        due = [cadence] if cadence else cadences_of(day, weekly_on=self.edited.weekly_on)
        return [there.get(each) or self._sketch(each, day, now) for each in due]

    def _sketch(self, cadence: Cadence, day: date, now: datetime) -> Issue:
        previous = self.store.issues.latest(cadence)
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
        active = [
            subscriber for subscriber in self.store.subscribers.active(issue.cadence) if subscriber.key not in done
        ]
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

    def editions(self, issue: Issue, candidates: Candidates | None, subscribers: Sequence[Subscriber]) -> list[Edition]:
        """Pick for each subscriber. Nobody is given a paper that an earlier edition gave them."""
        if candidates is None:
            return [Edition(issue, one, ()) for one in subscribers]
        library = self.library(subscribers)
        before = self.store.issues.already_picked(subscriber.key for subscriber in subscribers)
        return [
            Edition(issue, one, self._pick(candidates, one, library, before.get(one.key, set()))) for one in subscribers
        ]

    def _pick(
        self, candidates: Candidates, subscriber: Subscriber, library: Mapping[str, Paper], before: set[int]
    ) -> tuple[Pick, ...]:
        return self.ranker().pick(
            candidates,
            subscriber.profile,
            library,
            cards=subscriber.papers,
            also=self.edited.also_today,
            exclude=before,
        )

    def library(self, subscribers: Iterable[Subscriber]) -> dict[str, Paper]:
        """Give the papers that subscribers rated, by the names that their profiles use."""
        names = {name for one in subscribers for name in (*one.profile.liked, *one.profile.disliked)}
        keys = self.store.papers.keys(names)
        papers = self.store.papers.by_key(keys.values())
        return {name: papers[key] for name, key in keys.items()}

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
    ) -> Tally:
        """Send what waits of some issues and is due. Raises TransportError where the transport cannot work at all."""
        recover(self.store.deliveries, resend=policy.resend_uncertain)
        ready = [issue for issue in issues if issue.state is IssueState.OPEN]
        letters = StoredLetters(self.store, self.letterhead, ready, now=now)
        dispatcher = Dispatcher(self.store.deliveries, transport, letters, policy, connections=connections)
        return dispatcher.run([issue.key for issue in ready], now=now, limit=limit, progress=progress)

    def preview(self, subscriber: Subscriber, day: date, *, now: datetime) -> tuple[Edition, Message, dict[int, Paper]]:
        """Give what `send` would send to a subscriber (who need not be stored), or did send; nothing is recorded.

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
            edition = self.editions(issue, self.candidates(issue), [subscriber])[0]
        papers = self.store.papers.by_key(pick.paper_key for pick in edition.picks)
        considered = self.store.papers.count(issue.window)
        lines = written(self.store, self.letterhead.writer, papers)
        message = self.letterhead.write(edition, papers, considered=considered, delivery_key=0, now=now, written=lines)
        return edition, message, papers
