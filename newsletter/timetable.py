"""Which issues a day has, what they cover, and when each reader is mailed. Pure: days and clocks are arguments.

Everything goes by local dates. A site has a cut-off, a time of its own day at which an issue opens. A reader has an
hour in a time zone of their own, and gets the issue of a day always on the same one of their dates: the first on which
their hour never precedes the cut-off, whatever either's clocks do in that year. So every reader has exactly one issue a
date, at their hour, about a day old at the most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from newsletter.errors import UsageError
from newsletter.model import Cadence, Issue, Subscriber, Window

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INSTANT = timedelta(microseconds=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
WEEKLY_LATE = 3 * _DAY  # how late a weekly issue is of use at least: the next one comes in a week


@dataclass(frozen=True, slots=True)
class Timetable:
    """When issues open and readers are mailed, by the settings.

    `blackout`: days on which no issue opens. `late`: how long after a reader's hour an issue that opens late is still
    made for them; else the next one covers it. `reach`: how far back an edition goes for who missed some.
    """

    timezone: str = "UTC"
    cutoff: time = time(4)
    weekly_on: str = "monday"
    blackout: frozenset[date] = frozenset()
    late: timedelta = timedelta(hours=6)
    reach: timedelta = timedelta(days=60)

    def opens_at(self, day: date) -> datetime:
        """Give the moment at which a day's issues open."""
        return instant(day, self.cutoff, self.timezone)

    def day_of(self, now: datetime) -> date:
        """Give the last day whose cut-off has come."""
        today = now.astimezone(ZoneInfo(self.timezone)).date()
        return today if self.opens_at(today) <= now else today - _DAY

    def date_of(self, day: date, zone: str, hour: int) -> date:
        """Give the date, in their time zone, on which readers of an hour get the issue of a day."""
        return day + timedelta(days=_shift(self.timezone, self.cutoff, zone, hour, day.year))

    def due_at(self, day: date, zone: str, hour: int) -> datetime:
        """Give the moment (UTC) at which readers of an hour get the issue of a day."""
        return instant(self.date_of(day, zone, hour), time(hour), zone)

    def wanted(self, cadence: Cadence, day: date, zone: str, hour: int) -> bool:
        """Tell whether readers of a cadence get an issue of a day, by what date that is for them."""
        return cadence in cadences_of(self.date_of(day, zone, hour), weekly_on=self.weekly_on)

    def cadences(self, day: date, readers: Iterable[tuple[Cadence, str, int]]) -> tuple[Cadence, ...]:
        """Give the cadences that have an issue on a day: its own, and those of readers for whom it is another date.

        `readers` are their cadences, time zones and hours. A blackout has none.
        """
        if day in self.blackout:
            return ()
        due = {cadence for cadence, zone, hour in readers if self.wanted(cadence, day, zone, hour)}
        due.update(cadences_of(day, weekly_on=self.weekly_on))
        return tuple(cadence for cadence in Cadence if cadence in due)

    def in_time(self, cadence: Cadence, day: date, zone: str, hour: int, *, now: datetime) -> bool:
        """Tell whether it is still of use to readers of an hour that an issue of a day is made for them now."""
        late = max(self.late, WEEKLY_LATE) if cadence is Cadence.WEEKLY else self.late
        return self.due_at(day, zone, hour) >= now - late


def instant(day: date, at: time, zone: str) -> datetime:
    """Give the first moment (UTC) at which a clock of a zone shows a time on a day, or has just passed it over.

    So a time that comes twice is the first, and one that does not exist is the moment at which the clocks went forward.
    """
    local = datetime.combine(day, at, tzinfo=ZoneInfo(zone))
    found = local.astimezone(UTC)
    if found.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    return _change(local.replace(fold=1).astimezone(UTC), found, local.tzinfo)


def _change(before: datetime, after: datetime, zone: tzinfo | None) -> datetime:
    """Give the moment between two at which a zone's clocks went forward, to the second."""
    old, second = before.astimezone(zone).utcoffset(), timedelta(seconds=1)
    while after - before > second:
        middle = before + (after - before) // second // 2 * second
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == old else (before, middle)
    return after


@lru_cache(maxsize=100_000)
def _shift(site: str, cutoff: time, zone: str, hour: int, year: int) -> int:
    """Tell how many dates after the day of an issue its readers' date is; -2 to 2.

    The least for which, on every day of the year, their hour does not precede the cut-off.
    """
    first, opening = date(year, 1, 1), _openings(site, cutoff, year)
    hours = [instant(first + (n - 2) * _DAY, time(hour), zone) for n in range(len(opening) + 4)]
    for shift in range(-2, 2):
        if all(hours[n + 2 + shift] >= opens for n, opens in enumerate(opening)):
            return shift
    return 2


@lru_cache(maxsize=64)
def _openings(site: str, cutoff: time, year: int) -> tuple[datetime, ...]:
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    return tuple(instant(date(year, 1, 1) + n * _DAY, cutoff, site) for n in range(days))


def cadences_of(day: date, *, weekly_on: str) -> tuple[Cadence, ...]:
    """Give the cadences that have an issue on a day."""
    name = _WEEKDAYS[day.weekday()]
    weekday = (Cadence.WEEKDAYS,) if day.weekday() < 5 else ()
    weekly = (Cadence.WEEKLY,) if name == weekly_on else ()
    return (Cadence.DAILY, *weekday, *weekly)


def next_day(cadence: Cadence, after: date, *, weekly_on: str) -> date:
    """Give the next day after a given one on which a cadence has an issue."""
    days = (after + timedelta(days=ahead) for ahead in range(1, 8))
    return next(day for day in days if cadence in cadences_of(day, weekly_on=weekly_on))


def window_of(cadence: Cadence, day: date, previous: Issue | None, *, now: datetime, timezone: str) -> Window:
    """Give what a new issue covers: everything first seen since the cadence's previous issue, up to now.

    Windows of a cadence touch and never overlap, so no paper is missed and none comes twice. The first issue covers all
    that is there. Raises UsageError for a day in the future, and for one that a later issue has covered already.
    """
    today = now.astimezone(ZoneInfo(timezone)).date()
    if day > today:
        raise UsageError(
            f"{day} is still to come", hint=f"today is {today} ({timezone}); issues are of days that began"
        )
    if previous is not None and previous.day >= day:
        raise UsageError(
            f"there is no {cadence} issue of {day}, and one of {previous.day} is open already",
            hint="issues are opened in order; `newsletter issue list` shows those there are",
        )
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    start = previous.window.end if previous else _BEGINNING
    # The end is excluded: a paper that was first seen at this very moment still belongs in. A window is never empty
    # (it could be on the day that `timezone` was changed), or the next one would start where this one does.
    return Window(start, max(start + _INSTANT, min(now + _INSTANT, midnight)))


def reaches_to(issue: Issue, reader: Subscriber, last: datetime | None, *, reach: timedelta) -> datetime:
    """Give where a reader's edition of an issue begins: where their last one ended (`last`), so that nothing is missed.

    After a pause, a holiday or a change of cadence that is before the issue's own window; `reach` is the most. Who had
    none yet gets all since they came, and what their cadence usually covers.
    """
    start, end = issue.window.start, issue.window.end
    # To the day: few such windows, for each is prepared for ranking once.
    came = reader.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = min(start, last or min(came, end - _usual(issue)))
    return start if begins == start else min(start, max(begins, end - reach))


def _usual(issue: Issue) -> timedelta:
    """Give what an issue covers where none fell out, or a little less, as issues do not open on the dot."""
    if issue.cadence is Cadence.WEEKLY:
        return 6.5 * _DAY
    return (2.5 if issue.cadence is Cadence.WEEKDAYS and issue.day.weekday() == 0 else 0.5) * _DAY
