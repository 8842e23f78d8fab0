"""What `newsletter run` does again and again, by the settings. `schedule` says when; each duty may be done at any time.

What goes wrong is logged, and told to the operator where a person has to act. Nothing here stops the others.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from newsletter import bootstrap, logs, memory
from newsletter.delivery.brake import Brake
from newsletter.delivery.tally import Tally
from newsletter.model import DeliveryState
from newsletter.notices import failing_sources, no_issue, paused_issues
from newsletter.pipeline import Newsletter, Pulled
from newsletter.rounds import Rounds

if TYPE_CHECKING:
    from newsletter.config import Settings, SourceSettings
    from newsletter.rendering import AlertView
    from newsletter.sources.politeness import HostPacer
    from newsletter.store import Store

_LOG = logs.of("schedule")
_RETRIED = timedelta(minutes=10)  # a source that failed is not read again any sooner
_LONGEST_READING = 1800.0  # seconds that an issue waits for its sources


class Duties:
    """The duties of one process. `clock` is the newsletter's own; `brake` ends them soon, in good order."""

    def __init__(self, settings: Settings, store: Store, brake: Brake, *, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._store = store
        self._brake = brake
        self._clock = clock
        self._reading = threading.Lock()
        self._read: dict[str, datetime] = {}  # when a source was tried last, by its name

    @cached_property
    def _newsletter(self) -> Newsletter:
        return bootstrap.newsletter(self._settings, self._store)

    @cached_property
    def _rounds(self) -> Rounds:
        return Rounds(self._newsletter)

    @cached_property
    def _pacer(self) -> HostPacer:
        from newsletter.sources.politeness import HostPacer  # noqa: PLC0415

        return HostPacer(self._settings.fetching.per_host_interval)

    def read(self) -> None:
        """Read the sources whose time has come."""
        with self._reading:
            self._ingest([one for one in self._settings.source if self._is_due(one)])

    def open(self) -> None:
        """Open the issues of the last cut-off, once all sources were read for them, and make the editions."""
        now = self._clock()
        if not self._rounds.unopened(now=now):
            return
        day = self._rounds.timetable.day_of(now)
        if self._store.acts.first(f"read for {day}", now=now):
            self._read_for_issue()
        opened = self._rounds.open(now=self._clock())
        if opened:
            self._let_go_of_the_model()
        for issue in opened:
            counts = self._store.deliveries.counts([issue.key])
            logs.event(_LOG, "issue opened", day=str(issue.day), cadence=str(issue.cadence), state=str(issue.state),
                       editions=sum(counts.values()), without_papers=counts.get(DeliveryState.SKIPPED, 0))  # fmt: skip

    def _read_for_issue(self) -> None:
        """Read all sources, for half an hour at the most: hundreds that hang, a minute each, are not waited for."""
        ends = time.monotonic() + _LONGEST_READING
        if not self._reading.acquire(timeout=_LONGEST_READING):
            return
        try:
            self._ingest(self._settings.source, ends=ends)
        finally:
            self._reading.release()

    def deliver(self) -> None:
        """Send what is due: new, deferred, or left in doubt by a sender that died."""
        tally = self._rounds.deliver(
            bootstrap.transport(self._settings),
            bootstrap.policy(self._settings),
            now=self._clock(),
            connections=self._settings.smtp.connections,
            brake=self._brake,
        )
        if tally.states:
            logs.event(_LOG, "delivered", **{str(state): count for state, count in tally.states.items()})
        self.alarmed(tally)

    def follow(self) -> None:
        """Let what waits go by what its readers have set meanwhile."""
        self._rounds.follow_readers(now=self._clock())

    def take_returns(self) -> None:
        """Take in the mail that came back to the mailbox that is set."""
        from newsletter.delivery import accounts  # noqa: PLC0415

        if not self._settings.returns.mailbox:
            return
        returns, taken = bootstrap.returns(self._settings, self._store), 0
        with accounts.opened(bootstrap.account(self._settings), deleting=True) as letters:
            for letter in letters:
                if self._brake.pulled:
                    break
                stored = returns.take(letter.data, now=self._clock()).stored
                (letter.delete if stored else letter.leave)()
                taken += stored
        if taken:
            logs.event(_LOG, "bounces taken in", count=taken)

    def write_again(self) -> None:
        """Send the single mails that are to be tried again."""
        bootstrap.outbox(self._settings, self._store).send_due(now=self._clock(), stop=lambda: self._brake.pulled)

    def watch(self) -> None:
        """Tell the operator, once a day, that no issue went out by its hour."""
        now = self._clock()
        trouble = self._rounds.trouble(now=now, after=timedelta(hours=self._settings.schedule.alert_after))
        if trouble is None:
            return
        day = self._rounds.timetable.day_of(now)
        if self._store.acts.first(f"alert of {day}", now=now):
            logs.event(_LOG, "no issue went out", level=logging.ERROR, day=str(day), why=str(trouble))
            failing = [f"{one.name}: {one.last_error}" for one in self._store.sources.all() if one.last_error]
            self._tell(no_issue(day, trouble, "; ".join(failing), self._newsletter.letterhead))

    def tidy(self) -> None:
        """Drop what need not be kept any longer, once a day."""
        now = self._clock()
        if self._store.acts.first(f"tidied on {now.date()}", now=now):
            dropped = self._store.trimming.trim(bootstrap.retention(self._settings), now=now)
            logs.event(_LOG, "tidied up", **{name: count for name, count in dropped.items() if count})

    def _let_go_of_the_model(self) -> None:
        """Give back what encoder and ranking took, some 150 MB; loading it for the next issue costs half a second."""
        for name in ("_rounds", "_newsletter"):
            self.__dict__.pop(name, None)
        memory.give_back()

    def _is_due(self, source: SourceSettings) -> bool:
        now, tried = self._clock(), self._read.get(source.name)
        # What a list of feeds or a pattern of files stands for is called `name: …`.
        theirs = (one for one in self._store.sources.all() if one.name.partition(": ")[0] == source.name)
        done = [one.last_success_at for one in theirs]
        last = max((moment for moment in done if moment), default=None)
        every = timedelta(minutes=source.every or self._settings.schedule.ingest_every)
        if tried and (last is None or last < tried):  # it failed, or gave nothing to remember
            return not tried <= now < tried + min(every, _RETRIED)
        return last is None or not last <= now < last + every  # before: the clock was ahead then

    def _ingest(self, wanted: Sequence[SourceSettings], *, ends: float = math.inf) -> None:
        """Read sources one after the other; none is begun when the clock of `time.monotonic` is at `ends`."""
        if not wanted:
            return
        now = self._clock()
        self._read.update((one.name, now) for one in wanted)
        names = [one.name for one in wanted]
        sources = bootstrap.sources(self._settings, self._store, names, pacer=self._pacer)
        pulled: list[Pulled] = []
        for one in self._newsletter.ingest(sources, now=now, remember=True):
            _tell_of(one)
            pulled.append(one)
            if self._brake.pulled:
                return
            if time.monotonic() >= ends:
                logs.event(_LOG, "sources take too long", level=logging.WARNING, read=len(pulled))
                break
        self._summarise()
        failing = [one for one in pulled if one.failures == self._settings.fetching.tell_after]
        if failing:
            self._tell(failing_sources(failing, self._newsletter.letterhead))

    def _summarise(self) -> None:
        from newsletter.summaries import summarise  # noqa: PLC0415

        made = summarise(self._store, self._newsletter.letterhead.writer, now=self._clock())
        for problem in made.problems if made else ():
            logs.event(_LOG, "no summaries", level=logging.WARNING, error=problem)

    def alarmed(self, tally: Tally) -> None:
        """Tell the operator, where issues were paused because too many messages failed."""
        if tally.alarm is None:
            return
        names = ", ".join(f"{issue.cadence} issue of {issue.day}" for issue in tally.paused)
        logs.event(_LOG, "issue paused", level=logging.ERROR, issue=names, why=str(tally.alarm))
        self._tell(paused_issues(tally.paused, tally.alarm, tally.problems, self._newsletter.letterhead))

    def _tell(self, alert: AlertView) -> None:
        operator = self._settings.site.operator
        if not operator:
            return
        notice = self._newsletter.letterhead.notice(alert, recipient=operator, now=self._clock())
        if problem := bootstrap.outbox(self._settings, self._store).post(notice, now=self._clock()).problem:
            logs.event(_LOG, "the operator could not be told", level=logging.ERROR, error=problem)


def _tell_of(one: Pulled) -> None:
    if one.resting:
        logs.event(_LOG, "source resting", source=one.source)
    elif one.error:
        logs.event(_LOG, "source failed", level=logging.WARNING, source=one.source, error=one.error)
    elif one.new:
        logs.event(_LOG, "papers", source=one.source, new=one.new)
