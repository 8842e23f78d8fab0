"""Which issues a day has, and what they cover. Pure: the day, the clock and what was sent before are arguments."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from newsletter.errors import UsageError
from newsletter.model import Cadence, Issue, Window

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INSTANT = timedelta(microseconds=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


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
