"""The whole story on one page: ingest → open the issues → rank → deliver. And preview, which is the same path.

Every step may be repeated at any time, by any number of processes: papers are merged by identity, issues are unique per
cadence and day, editions and deliveries per issue and subscriber, so what is done already stays as it is.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from newsletter.delivery.brake import Brake
from newsletter.delivery.dispatch import Dispatcher, Letters
from newsletter.delivery.policy import Policy
from newsletter.delivery.recovery import give_up, recover
from newsletter.delivery.tally import Tally
from newsletter.delivery.transport import Transport
from newsletter.errors import FetchError, NotFoundError, SourceError
from newsletter.letters import Common, Letterhead, StoredLetters, written
from newsletter.memory import collect_new, uncollected
from newsletter.model import (
    EVERYBODY,
    Announce,
    Cadence,
    Digest,
    Edition,
    Issue,
    IssueState,
    Message,
    Paper,
    Shard,
    SourceState,
    Subscriber,
)
from newsletter.pickers import WORTH_IT
from newsletter.picking import NO_PAPERS, Edited, Picking
from newsletter.ranking.ranker import Ranker
from newsletter.rendering import Written
from newsletter.sources.politeness import rest_after
from newsletter.store import Store
from newsletter.store.issues import Then
from newsletter.subscriptions.signup import address_hash
from newsletter.timetable import cadences_of, window_of
from newsletter.webhooks import change_state, tell_of

if TYPE_CHECKING:
    from newsletter.returns import Returns
    from newsletter.sources.source import Source

Progress: TypeAlias = Callable[[int], None]
# Who has letters made by other processes, where there are many; those are told the keys of the issues and the time.
Helped: TypeAlias = Callable[[StoredLetters, Sequence[int], datetime], AbstractContextManager[Letters]]
# Picks for list after list of readers, in any order; and who has other processes do so, too, where there are many.
Editions: TypeAlias = Callable[[Iterable[Sequence[Subscriber]]], Iterator[list[Edition]]]
Shared: TypeAlias = Callable[[Picking], AbstractContextManager[Editions]]
_NEWS = (Announce.NEW, Announce.CROSS)


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
class Preview:
    """What a subscriber would get: the edition, its message, its papers by key, of how many it is a choice."""

    edition: Edition
    message: Message
    papers: dict[int, Paper]
    considered: int
    written: Written | None


@dataclass(frozen=True)
class Newsletter:
    """The product, put together by `bootstrap`."""

    store: Store
    ranker: Callable[[], Ranker]
    letterhead: Letterhead
    edited: Edited
    returns: Callable[[], Returns]
    opened: Then | None = None  # what is done in the same transaction when an issue is opened
    builders: Helped | None = None
    pickers: Shared | None = None

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
        from newsletter.sources.source import visit  # noqa: PLC0415  lazy: parsers, which no mail needs

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

    def issues_due(self, day: date, *, now: datetime, cadences: Sequence[Cadence] = ()) -> list[Issue]:
        """Give a day's issues, one a cadence; those that are not open yet are only sketched (their key is 0).

        Where no `cadences` are named they are those that have an issue on such a day.
        """
        there = {issue.cadence: issue for issue in self.store.issues.on(day)}
        due = cadences or cadences_of(day, weekly_on=self.edited.timetable.weekly_on)
        return [there.get(each) or self._sketch(each, day, now) for each in due]

    def _sketch(self, cadence: Cadence, day: date, now: datetime) -> Issue:
        previous = self.store.issues.latest(cadence)
        if previous and previous.day == day:  # another process has just opened it
            return previous
        window = window_of(cadence, day, previous, now=now, timezone=self.edited.timetable.timezone)
        return Issue(0, cadence, day, window, IssueState.DRAFT if self.edited.approval else IssueState.OPEN)

    def last_with_papers(self, cadence: Cadence) -> Issue | None:
        """Give the newest issue of a cadence that has papers of its own: one may open without, for who is owed some."""
        issue = self.store.issues.latest(cadence)
        while issue and not self.store.papers.count(issue.window):
            issue = self.store.issues.before(issue)
        return issue

    def open_issues(
        self, day: date, *, now: datetime, cadences: Sequence[Cadence] = (), owed: Collection[Cadence] = ()
    ) -> list[Issue]:
        """Open a day's issues that there are papers for; those that are open already stay as they are.

        One without papers stays unopened, so that what comes later on the day still finds its way into it; but for
        `owed` cadences, whose last issue some readers did not get: theirs begins with its papers.
        """
        return [
            issue if issue.key else self._open(issue, now)
            for issue in self.issues_due(day, now=now, cadences=cadences)
            if issue.key or issue.cadence in owed or self.store.papers.count(issue.window)
        ]

    def _open(self, sketch: Issue, now: datetime) -> Issue:
        issue = self.store.issues.open(sketch, now=now, then=self.opened)
        if self.store.acts.first(f"opened {issue.key}", now=now):
            tell_of(self.store, "issue.opened", issue, now=now)
        return issue

    def rank(
        self,
        issue: Issue,
        *,
        now: datetime,
        shard: Shard = EVERYBODY,
        picking: Picking | None = None,
        progress: Progress | None = None,
        due: Callable[[Subscriber], datetime | None] | None = None,
    ) -> int:
        """Make the editions of an issue for all of a shard who have none yet, queue their deliveries, tell how many.

        They are to leave at once, or as `due` says for each; it says None of readers who get none of this issue.
        `picking` keeps what is prepared from call to call.
        """
        ranked, times = 0, dict[int, datetime]()
        lists = self._due(self.waiting(issue, shard), due or (lambda _: now), times)
        with self._editions(picking or self.picking(issue)) as editions_of, uncollected():
            for editions in editions_of(lists):
                readers = [one.subscriber for one in editions]
                ids = {one.key: self.letterhead.message_id(issue, one) for one in readers}
                leaving = {one.key: times.pop(one.key) for one in readers}
                self.store.issues.publish(editions, ids, now=now, due=leaving)
                ranked += len(readers)
                if progress:
                    progress(len(readers))
                collect_new()
        return ranked

    @staticmethod
    def _due(
        lists: Iterable[Sequence[Subscriber]],
        due: Callable[[Subscriber], datetime | None],
        times: dict[int, datetime],
    ) -> Iterator[list[Subscriber]]:
        """Give those of each list who get the issue, and note when, by their keys."""
        for everyone in lists:
            found = {one.key: at for one in everyone if (at := due(one))}
            times.update(found)
            if found:
                yield [one for one in everyone if one.key in found]

    def _editions(self, picking: Picking) -> AbstractContextManager[Editions]:
        """Give what picks for readers: here, or with the help of other processes where it is worth it."""
        if self.pickers and len(self.store.subscribers.shards(picking.issue.cadence, WORTH_IT)) > 1:
            return self.pickers(picking)
        return nullcontext(lambda lists: map(picking.editions, lists))

    def waiting(self, issue: Issue, shard: Shard = EVERYBODY) -> Iterator[list[Subscriber]]:
        """Give the subscribers of a shard who are to get an issue, and have no edition of it or of another one of that
        day, some at a time.
        """
        while some := self.store.subscribers.without_edition(issue, shard):
            hashes = {one.key: address_hash(one.email, self.letterhead.secret) for one in some}
            suppressed = self.store.subscribers.suppressed(hashes.values())
            if allowed := [one for one in some if hashes[one.key] not in suppressed]:
                yield allowed
            shard = replace(shard, after=some[-1].key)

    def picking(self, issue: Issue) -> Picking:
        """Give what picks for the readers of an issue; keep it, for it prepares what they share."""
        return Picking(self.store, self.ranker, self.edited, issue)

    def deliver(
        self,
        issues: Sequence[Issue],
        transport: Transport,
        policy: Policy,
        *,
        now: datetime,
        connections: int,
        limit: int | None = None,
        shard: Shard = EVERYBODY,
        progress: Progress | None = None,
        brake: Brake | None = None,
        common: Common | None = None,
    ) -> Tally:
        """Send what waits of some issues and a shard, and is due; give up what has waited for too long.

        `common` keeps what their mails have in common from call to call.
        Issues of which too many messages fail are paused. Raises TransportError where the transport cannot work at all.
        """
        self.recover(policy)
        ready = [issue for issue in issues if issue.state is IssueState.OPEN]
        expired = give_up(self.store.turns, [issue.key for issue in ready], policy.expire_after, now=now)
        keys = [issue.key for issue in ready]
        try:
            with self._letters(ready, now, common) as letters:
                dispatcher = Dispatcher(
                    self.store.deliveries,
                    self.store.allowances,
                    transport,
                    letters,
                    policy,
                    connections=connections,
                    shard=shard,
                )
                with (brake or Brake()).on(dispatcher.halt):
                    tally = dispatcher.run(keys, now=now, limit=limit, progress=progress)
        finally:
            self.returns().refusals(keys, now=now)
        tally.states.update(expired)
        tally.problems += [f"{count} {state}: they waited for too long to be news" for state, count in expired.items()]
        for issue in ready:
            if tally.alarm:
                change_state(self.store, issue, IssueState.PAUSED, now=now)
                tally.paused.append(issue)
            elif tally.states and not self.store.deliveries.any_left(issue.key):
                self._sent(issue, now)
        return tally

    def _letters(
        self, issues: Sequence[Issue], now: datetime, common: Common | None
    ) -> AbstractContextManager[Letters]:
        """Give what makes the messages of some issues: here, or with the help of other processes."""
        letters = StoredLetters(self.store, self.letterhead, issues, now=now, common=common)
        return self.builders(letters, [one.key for one in issues], now) if self.builders else nullcontext(letters)

    def _sent(self, issue: Issue, now: datetime) -> None:
        """Tell once that all mail of an issue has left."""
        if self.store.acts.first(f"sent {issue.key}", now=now):
            tell_of(self.store, "issue.sent", issue, now=now)

    def recover(self, policy: Policy) -> int:
        """Free what dead senders had claimed, and tell how many messages they left in doubt."""
        return recover(self.store.deliveries, resend=policy.resend_uncertain)

    def hasten(self, issues: Sequence[Issue], *, now: datetime) -> None:
        """Let what waits for its reader's hour leave now, because a person says so."""
        self.store.turns.hasten([issue.key for issue in issues], now=now)

    def preview(
        self,
        subscriber: Subscriber,
        day: date,
        *,
        now: datetime,
        library: Mapping[str, Paper] = NO_PAPERS,
        picking: Callable[[Issue], Picking] | None = None,
    ) -> Preview:
        """Give what `send` would send to a subscriber (who need not be stored), or did send; nothing is recorded.

        `library` has what their profile likes and the store does not know, by name. `picking` is asked where
        somebody keeps what was prepared.

        Raises NotFoundError where there are no papers at all.
        """
        if self.store.papers.count() == 0:
            raise NotFoundError("there are no papers yet", hint="`newsletter ingest --file PATH` reads some")
        cadence = Cadence.DAILY if subscriber.cadence is Cadence.PAUSED else subscriber.cadence
        issue = self.issues_due(day, now=now, cadences=(cadence,))[0]
        edition = self.store.issues.editions(issue, [subscriber]).get(subscriber.key)
        if edition is None:
            edition = (picking or self.picking)(issue).editions([subscriber], library)[0]
        papers = self.store.papers.by_key(pick.paper_key for pick in edition.picks)
        considered = self.store.papers.count(edition.window)
        lines = written(self.store, self.letterhead.writer, papers)
        message = self.letterhead.write(edition, papers, considered=considered, delivery_key=0, now=now, written=lines)
        return Preview(edition, message, papers, considered, lines)

    def trial(self, seen: Preview, recipient: str, *, now: datetime) -> Message:
        """Give what was previewed as a test for somebody else (see `Letterhead.test`)."""
        return self.letterhead.test(
            seen.edition,
            seen.papers,
            considered=seen.considered,
            recipient=recipient,
            now=now,
            written=seen.written,
        )
