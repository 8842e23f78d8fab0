"""What is done again and again while the newsletter runs by itself: one round after another, each by the clock alone.

No round remembers anything that the database does not: what is due is worked out anew, and unique keys make every act
idempotent. So a machine may sleep, a clock may jump, two schedulers may run: every reader has one mail a date.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from newsletter.delivery.brake import Brake
from newsletter.delivery.policy import Policy
from newsletter.delivery.recovery import recover
from newsletter.delivery.tally import Tally
from newsletter.delivery.transport import Transport
from newsletter.model import EVERYBODY, Cadence, Issue, IssueState, Shard, Subscriber
from newsletter.picking import Picking
from newsletter.pipeline import Newsletter
from newsletter.store import Store
from newsletter.timetable import WEEKLY_LATE, Timetable


class Trouble(StrEnum):
    """Why no issue went out by its hour."""

    NO_PAPERS = "no papers"
    NOT_OPENED = "not opened"
    DRAFT = "draft"
    PAUSED = "paused"
    STUCK = "stuck"
    AHEAD = "ahead"


_HELD = {IssueState.DRAFT: Trouble.DRAFT, IssueState.PAUSED: Trouble.PAUSED}
_STUCK = timedelta(hours=1)
_AT_ONCE = 2000  # readers looked at together


@dataclass(frozen=True)
class Rounds:
    """The newsletter with its timetable."""

    newsletter: Newsletter

    @property
    def timetable(self) -> Timetable:
        """When issues open and readers are mailed."""
        return self.newsletter.edited.timetable

    @property
    def store(self) -> Store:
        """What is kept."""
        return self.newsletter.store

    def unopened(self, *, now: datetime) -> bool:
        """Tell whether issues of the last cut-off are still to be opened, or to be ranked for all their readers."""
        opening = self._opening(now)
        ranked = {(day, one.cadence) for day in opening for one in self.store.issues.on(day)}
        ranked -= {(one.day, one.cadence) for one in self._unranked(opening)}
        return any((day, cadence) not in ranked for day, cadences in opening.items() for cadence in cadences)

    def open(self, *, now: datetime) -> list[Issue]:
        """Open the issues of the last cut-off and make their editions, for who is to get one; give those done now."""
        unranked = self.begin(now=now)
        for issue in unranked:
            self.rank(issue, now=now)
            self.store.issues.set_ranked(issue, now=now)
        return unranked

    def begin(self, *, now: datetime) -> list[Issue]:
        """Open the issues of the last cut-off; give those that are still to be ranked.

        Cut-offs that were missed are not made up for: the issue that opens covers what they would have. Only the weekly
        one is, as the next would come in a week. One without papers stays unopened, and is looked at again, unless the
        last one came too late for some of its readers: where papers come once a day and after their hour, they would
        else be too late for them every day.
        """
        opening = self._opening(now)
        for day, cadences in opening.items():
            self.newsletter.open_issues(day, now=now, cadences=cadences, owed=self._owed(cadences))
        unranked = self._unranked(opening)
        for issue in unranked:
            self._withdraw(issue, now=now)
        return unranked

    def rank(self, issue: Issue, *, now: datetime, shard: Shard = EVERYBODY, picking: Picking | None = None) -> int:
        """Make the editions of a shard's readers who are to get an issue, each due at their hour; tell how many."""
        before = self.store.issues.before(issue)
        return self.newsletter.rank(
            issue, now=now, shard=shard, picking=picking, due=lambda reader: self._due(issue, before, reader, now)
        )

    def _opening(self, now: datetime) -> dict[date, Sequence[Cadence]]:
        """Give the cadences that have an issue on the day of the last cut-off, and days whose weekly one was missed."""
        places, latest = self.store.subscribers.hours(), self.store.issues.latest
        today, weekly = self.timetable.day_of(now), latest(Cadence.WEEKLY)
        opening: dict[date, Sequence[Cadence]] = {}
        for back in range(WEEKLY_LATE.days, 0, -1):
            day = today - timedelta(days=back)
            if weekly and weekly.day < day and Cadence.WEEKLY in self.timetable.cadences(day, places):
                opening[day] = [Cadence.WEEKLY]
        # None that has a later one, as where a clock was ahead.
        due = self.timetable.cadences(today, places)
        if cadences := [each for each in due if (last := latest(each)) is None or last.day <= today]:
            opening[today] = cadences
        return opening

    def _owed(self, cadences: Sequence[Cadence]) -> set[Cadence]:
        """Tell the cadences whose last issue came too late for some of those who get them now."""
        latest = {each: self.store.issues.latest(each) for each in cadences}
        places = self.store.subscribers.hours()
        return {cadence for cadence, zone, hour in places if self._missed(latest.get(cadence), zone, hour)}

    def _missed(self, issue: Issue | None, zone: str, hour: int) -> bool:
        """Tell whether an issue opened too late for readers of an hour."""
        table = self.timetable
        return (
            issue is not None
            and table.wanted(issue.cadence, issue.day, zone, hour)
            and not table.in_time(issue.cadence, issue.day, zone, hour, now=issue.window.end)
        )

    def _unranked(self, days: Collection[date]) -> list[Issue]:
        return [issue for issue in self.store.issues.not_ranked() if issue.day in days]

    def _due(self, issue: Issue, before: Issue | None, reader: Subscriber, now: datetime) -> datetime | None:
        """Tell when a reader gets an issue; None where theirs is another, or it would come too late to be of use.

        It is not too late for who missed the one `before` it already: else a machine that is on in the afternoons only
        would never write to who wants their mail in the morning.
        """
        place = reader.timezone, reader.hour
        if not self.timetable.wanted(issue.cadence, issue.day, *place):
            return None
        useful = self.timetable.in_time(issue.cadence, issue.day, *place, now=now) or self._missed(before, *place)
        return self.timetable.due_at(issue.day, *place) if useful else None

    def _withdraw(self, issue: Issue, *, now: datetime) -> None:
        """Take back earlier editions that never left, where they would come together with this one, or far too late.

        Nobody wants two mails at once after the machine was down. The papers are in this issue's edition then.
        """
        why = f"it could not leave in time; what was in it is in the issue of {issue.day}"
        before, beyond = self.store.issues.before(issue), (0, 0)
        while some := self.store.turns.untried(before=issue.day, beyond=beyond, limit=_AT_ONCE):
            beyond = some[-1][:2]
            readers = self.store.subscribers.by_key(key for _, key, _ in some)
            superseded = {
                key
                for _, key, waits_since in some
                if (reader := readers.get(key))
                and reader.cadence is issue.cadence
                and (due := self._due(issue, before, reader, now))
                and (due <= now or waits_since < now - self.timetable.late)
            }
            self.store.turns.withdraw(superseded, before=issue.day, why=why, now=now)

    def deliver(
        self, transport: Transport, policy: Policy, *, now: datetime, connections: int, brake: Brake | None = None
    ) -> Tally:
        """Send what waits and is due, of all issues: what came to its reader's hour, and what is tried again.

        Raises TransportError where the transport cannot work at all.
        """
        recover(self.store.deliveries, resend=policy.resend_uncertain)
        due = self.store.issues.by_key(self.store.turns.due(now=now))
        ready = [issue for issue in due.values() if issue.state is IssueState.OPEN]
        if not ready:
            return Tally()
        return self.newsletter.deliver(ready, transport, policy, now=now, connections=connections, brake=brake)

    def trouble(self, *, now: datetime, after: timedelta) -> Trouble | None:
        """Tell why no issue of the last cut-off went out, so long `after` it; None where one did, or none was to.

        That nothing new comes on a weekend is no trouble.
        """
        day = self.timetable.day_of(now)
        nobody = not self.store.subscribers.hours()
        if nobody or day in self.timetable.blackout or now < self.timetable.opens_at(day) + after:
            return None
        issues = self.store.issues.on(day)
        newest = self.store.issues.newest()
        if not issues and newest and newest.day > day:
            return Trouble.AHEAD if newest.window.end > now else None  # else a person opened it before its cut-off
        if not issues:
            [sketch, *_] = self.newsletter.issues_due(day, now=now)
            if self.store.papers.count(sketch.window):
                return Trouble.NOT_OPENED
            # Before its first issue nobody waits for one.
            return Trouble.NO_PAPERS if newest and day.weekday() < 5 else None
        if held := next((_HELD[issue.state] for issue in issues if issue.state in _HELD), None):
            return held
        due = self.store.turns.due(now=now - _STUCK)
        return Trouble.STUCK if any(issue.key in due for issue in issues) else None

    def follow_readers(self, *, now: datetime) -> None:
        """Let deliveries that still wait go by what their readers have set meanwhile: another hour or zone, a pause."""
        why, above = "the subscriber paused; what was in it comes after", 0
        while paused := self.store.turns.paused(now=now, above=above, limit=_AT_ONCE):
            self.store.turns.withdraw(paused, why=why, now=now)
            above = paused[-1]
        waiting = self.store.turns.waiting_times(now=now)
        issues = self.store.issues.by_key({issue_key for issue_key, *_ in waiting})
        for issue_key, zone, hour, old in waiting:
            new = self.timetable.due_at(issues[issue_key].day, zone, hour)
            if new != old:
                self.store.turns.move(issue_key, timezone=zone, hour=hour, old=old, new=new)
