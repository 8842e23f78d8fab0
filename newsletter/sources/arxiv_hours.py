"""When arXiv's new papers can be read: public at 20:00 in New York, in the feeds and the API from midnight there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_NEW_YORK = ZoneInfo("America/New_York")
_ANNOUNCED, _READY = time(20), time(0, 30)
_HALF_A_YEAR = timedelta(days=182)  # the clocks of two zones need not change together


def too_early(cutoff: time, zone: str, today: date) -> list[time]:
    """Give the hours in New York, of now and of half a year on, at which a cut-off would miss what was announced."""
    there = [datetime.combine(day, cutoff, ZoneInfo(zone)).astimezone(_NEW_YORK).time() for day in _days(today)]
    return [moment for moment in there if moment >= _ANNOUNCED or moment < _READY]


def ready(zone: str, today: date) -> time:
    """Give the first half hour of a zone at which the feeds are ready, in summer and in winter."""
    return max(datetime.combine(day, _READY, _NEW_YORK).astimezone(ZoneInfo(zone)).time() for day in _days(today))


def _days(today: date) -> Iterator[date]:
    yield from (today, today + _HALF_A_YEAR)
