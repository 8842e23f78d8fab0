"""The schedule: whether issues open when there is something in them, and whether days without any were meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from newsletter import bootstrap
from newsletter.checks.check import Check, ok, warning
from newsletter.config import Settings, SourceKind, days_of
from newsletter.config.sections import SourceSettings
from newsletter.model import Cadence
from newsletter.sources import arxiv_hours
from newsletter.timetable import Timetable, cadences_of

NAME = "schedule"
CURE = "correct [schedule] in the settings"
_ARXIV = {SourceKind.ARXIV_API, SourceKind.ARXIV_OAI}
_FAR = timedelta(days=730)
_LONG = 60  # days
_WEEKS = 53


def of_schedule(settings: Settings, *, now: datetime) -> Iterator[Check]:
    """Look at the cut-off beside the hours of the sources, at the days without issues, and at the weekly day."""
    timetable = bootstrap.timetable(settings)
    today = now.astimezone(ZoneInfo(timetable.timezone)).date()
    found = [
        *_cutoff(timetable, settings, today),
        *_blackout(settings.schedule.blackout, today),
        *_weekly(timetable, today),
    ]
    said = f"issues open at {timetable.cutoff:%H:%M} ({timetable.timezone}), weekly ones on {timetable.weekly_on}"
    yield from found or [ok(NAME, said)]


def _cutoff(timetable: Timetable, settings: Settings, today: date) -> Iterator[Check]:
    names = [one.name for one in settings.source if _is_arxiv(one)]
    early = arxiv_hours.too_early(timetable.cutoff, timetable.timezone, today)
    if names and early:
        yield warning(
            f"{NAME}.cutoff",
            f"issues open at {timetable.cutoff:%H:%M} ({timetable.timezone}), which is {early[0]:%H:%M} in New York "
            f"{'all year' if len(early) == 2 else 'for a part of the year'}: what arXiv announces there at 20:00 is "
            f"in its feeds and its API from midnight on, so the papers of {', '.join(names)} come a day late",
            f"set schedule.cutoff to {arxiv_hours.ready(timetable.timezone, today):%H:%M} or later",
        )


def _is_arxiv(source: SourceSettings) -> bool:
    host = urlsplit(source.url or "").hostname or ""
    return source.kind in _ARXIV or f".{host}".endswith(".arxiv.org")


def _blackout(given: tuple[str, ...], today: date) -> Iterator[Check]:
    for written in given:
        days = days_of(written)
        if days[-1] < today:
            said, cure = f"{written} is over", "take it out of schedule.blackout, or mend its year"
        elif days[-1] > today + _FAR:
            said, cure = f"{written} reaches more than two years ahead", "see whether its year is right"
        elif len(days) > _LONG:
            said, cure = f"{written} is {len(days)} days without any issue", "see whether both ends are right"
        elif today in days:
            said = f"no issue opens before {days[-1] + timedelta(days=1)}, by {written}"
            cure = "take it out of schedule.blackout if that is not meant"
        else:
            continue
        yield warning(f"{NAME}.blackout", said, cure)


def _weekly(timetable: Timetable, today: date) -> Iterator[Check]:
    coming = (today + timedelta(days=ahead) for ahead in range(7 * _WEEKS))
    weekly = (day for day in coming if Cadence.WEEKLY in cadences_of(day, weekly_on=timetable.weekly_on))
    lost = [day for day in weekly if day in timetable.blackout]
    if lost:
        yield warning(
            f"{NAME}.weekly_on",
            f"weekly readers get no issue in the weeks of {', '.join(map(str, lost[:5]))}: "
            f"their {timetable.weekly_on} is a day without issues; the next one covers what they miss",
            "move schedule.weekly_on, or the days in schedule.blackout, if that is not meant",
        )
