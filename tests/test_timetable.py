"""Which issues a day has, and what they cover."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import UsageError
from newsletter.model import Cadence, InterestProfile, Issue, IssueState, Subscriber, SubscriberStatus, Window
from newsletter.timetable import Timetable, cadences_of, instant, next_day, reaches_to, window_of

MAILED = (Cadence.DAILY, Cadence.WEEKDAYS, Cadence.WEEKLY)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Both sides of the date line, half hours, and zones whose clocks change at midnight or in the other half of the year.
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "America/Havana", "Africa/Cairo",
         "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati", "Etc/GMT+12")  # fmt: skip
MOMENTS = st.integers(0, 4 * 365 * 24 * 60).map(lambda m: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


def issue(cadence: Cadence, day: date, window: Window) -> Issue:
    return Issue(1, cadence, day, window, IssueState.OPEN)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 20), (Cadence.DAILY, Cadence.WEEKDAYS)),
        (date(2026, 11, 21), (Cadence.DAILY,)),
        (date(2026, 11, 22), (Cadence.DAILY,)),
        (date(2026, 11, 23), (Cadence.DAILY, Cadence.WEEKDAYS, Cadence.WEEKLY)),
    ],
)
def test_a_day_has_the_issues_of_its_cadences(day: date, expected: tuple[Cadence, ...]) -> None:
    assert cadences_of(day, weekly_on="monday") == expected


def test_a_weekly_issue_may_come_out_on_a_weekend() -> None:
    assert cadences_of(date(2026, 11, 22), weekly_on="sunday") == (Cadence.DAILY, Cadence.WEEKLY)


@pytest.mark.parametrize("weekly_on", DAYS)
def test_a_week_has_seven_daily_five_weekday_and_one_weekly_issue(weekly_on: str) -> None:
    week = [date(2026, 11, 16) + timedelta(days=ahead) for ahead in range(7)]
    due = [cadence for day in week for cadence in cadences_of(day, weekly_on=weekly_on)]
    assert [due.count(cadence) for cadence in (*MAILED, Cadence.PAUSED)] == [7, 5, 1, 0]
    assert Cadence.WEEKLY in cadences_of(week[DAYS.index(weekly_on)], weekly_on=weekly_on)


@given(st.sampled_from(MAILED), st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(DAYS))
def test_the_next_day_of_a_cadence_is_the_first_one_after(cadence: Cadence, after: date, weekly_on: str) -> None:
    found = next_day(cadence, after, weekly_on=weekly_on)
    between = [after + timedelta(days=ahead) for ahead in range(1, (found - after).days)]
    assert after < found <= after + timedelta(days=7)
    assert cadence in cadences_of(found, weekly_on=weekly_on)
    assert not any(cadence in cadences_of(day, weekly_on=weekly_on) for day in between)


def test_the_first_issue_covers_all_that_is_there() -> None:
    now = datetime(2026, 11, 23, 6, tzinfo=UTC)
    window = window_of(Cadence.DAILY, date(2026, 11, 23), None, now=now, timezone="UTC")
    assert window.start.year == 1970
    assert window.start < now < window.end  # what was first seen at this very moment is in


def test_an_issue_of_a_day_that_is_over_ends_at_its_midnight() -> None:
    now = datetime(2026, 11, 23, 6, tzinfo=UTC)
    window = window_of(Cadence.DAILY, date(2026, 11, 20), None, now=now, timezone="Asia/Kolkata")
    assert window.end == datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


def test_the_day_is_the_one_of_the_time_zone_that_is_set() -> None:
    now = datetime(2026, 11, 23, 22, tzinfo=UTC)
    assert window_of(Cadence.DAILY, date(2026, 11, 24), None, now=now, timezone="Europe/Moscow").end > now
    with pytest.raises(UsageError, match="2026-11-24 is still to come") as caught:
        window_of(Cadence.DAILY, date(2026, 11, 24), None, now=now, timezone="UTC")
    assert "2026-11-23 (UTC)" in caught.value.hint


@pytest.mark.parametrize("behind", [0, 1, 30])
def test_an_issue_of_a_day_that_a_later_one_has_covered_is_refused(behind: int) -> None:
    now = datetime(2026, 11, 23, 6, tzinfo=UTC)
    day = date(2026, 11, 23)
    previous = issue(Cadence.DAILY, day, window_of(Cadence.DAILY, day, None, now=now, timezone="UTC"))
    with pytest.raises(UsageError, match="one of 2026-11-23 is open already"):
        window_of(Cadence.DAILY, day - timedelta(days=behind), previous, now=now, timezone="UTC")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Santiago", date(2026, 9, 6), 23),  # that day has no midnight
        ("America/Santiago", date(2026, 4, 4), 25),  # its last hour comes twice
        ("America/Havana", date(2026, 11, 1), 25),  # it begins twice
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("UTC", date(2026, 3, 29), 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(zone: str, day: date, hours: float) -> None:
    later = datetime(2026, 12, 24, tzinfo=UTC)
    eve = day - timedelta(days=1)
    before = issue(Cadence.DAILY, eve, window_of(Cadence.DAILY, eve, None, now=later, timezone=zone))
    window = window_of(Cadence.DAILY, day, before, now=later, timezone=zone)
    assert window.end - window.start == timedelta(hours=hours)


@given(
    st.sampled_from(MAILED),
    st.lists(st.tuples(MOMENTS, st.integers(0, 20), st.sampled_from(ZONES)), min_size=2, max_size=12),
)
def test_windows_of_a_cadence_touch_never_overlap_and_are_never_empty(
    cadence: Cadence, openings: list[tuple[datetime, int, str]]
) -> None:
    """Whenever issues are opened, how late, and though the zone that is set changes in between."""
    previous: Issue | None = None
    for now, late, zone in sorted(openings):
        day = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=late)
        if previous and previous.day >= day:
            continue
        window = window_of(cadence, day, previous, now=now, timezone=zone)
        assert window.start < window.end
        assert previous is None or window.start == previous.window.end
        previous = issue(cadence, day, window)


@given(st.sampled_from(ZONES), MOMENTS, st.integers(1, 400))
def test_opened_every_day_each_moment_is_in_the_issue_of_its_own_day_or_the_next(
    zone: str, now: datetime, days: int
) -> None:
    local = ZoneInfo(zone)
    day = now.astimezone(local).date() - timedelta(days=days)
    eve = issue(Cadence.DAILY, day, window_of(Cadence.DAILY, day, None, now=now, timezone=zone))
    window = window_of(Cadence.DAILY, day + timedelta(days=1), eve, now=now, timezone=zone)
    middle = datetime.combine(day + timedelta(days=1), time(12), tzinfo=local).astimezone(UTC)
    assert window.end <= now + timedelta(microseconds=1)
    assert window.start <= middle
    assert (middle < window.end) is (middle <= now)


TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))


@given(st.sampled_from(ZONES), st.dates(date(2024, 1, 1), date(2030, 1, 1)), TIMES)
def test_a_time_is_the_first_moment_at_which_the_clock_shows_it_or_has_passed_it_over(
    zone: str, day: date, at: time
) -> None:
    local, wanted = ZoneInfo(zone), datetime.combine(day, at)
    found = instant(day, at, zone)
    assert found.astimezone(local).replace(tzinfo=None) >= wanted
    assert (found - timedelta(seconds=1)).astimezone(local).replace(tzinfo=None) < wanted


@pytest.mark.parametrize(
    ("zone", "day", "at", "expected"),
    [
        ("Europe/Berlin", date(2026, 3, 29), time(2), "2026-03-29T01:00Z"),  # 2:00 does not exist
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:00Z"),
        ("Europe/Berlin", date(2026, 10, 25), time(2), "2026-10-25T00:00Z"),  # comes twice
        ("America/Santiago", date(2026, 9, 6), time(0), "2026-09-06T04:00Z"),  # no midnight
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2), "2026-10-03T15:30Z"),  # half an hour
        ("Antarctica/Troll", date(2026, 3, 29), time(2), "2026-03-29T01:00Z"),  # two hours
    ],
)
def test_hours_that_do_not_exist_or_come_twice(zone: str, day: date, at: time, expected: str) -> None:
    assert instant(day, at, zone) == datetime.fromisoformat(expected)


@given(st.sampled_from(ZONES), TIMES, st.sampled_from(ZONES), st.integers(0, 23), st.integers(2024, 2030))
def test_every_reader_gets_one_issue_a_date_at_their_hour_never_before_it_opens(
    site: str, cutoff: time, zone: str, hour: int, year: int
) -> None:
    timetable = Timetable(timezone=site, cutoff=cutoff)
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366 if year % 4 == 0 else 365)]
    dates = [timetable.date_of(day, zone, hour) for day in days]
    assert dates == [dates[0] + timedelta(days=n) for n in range(len(days))]
    for day, theirs in zip(days, dates, strict=True):
        due = timetable.due_at(day, zone, hour)
        assert due == instant(theirs, time(hour), zone)
        assert timedelta(0) <= due - timetable.opens_at(day) <= timedelta(hours=27)


@given(st.sampled_from(ZONES), TIMES, MOMENTS)
def test_the_day_is_that_of_the_last_cut_off(site: str, cutoff: time, now: datetime) -> None:
    timetable = Timetable(timezone=site, cutoff=cutoff)
    day = timetable.day_of(now)
    assert timetable.opens_at(day) <= now < timetable.opens_at(day + timedelta(days=1))


def test_a_site_at_home_has_its_issue_on_the_day_whatever_its_clocks_do() -> None:
    timetable = Timetable(timezone="Europe/Berlin", cutoff=time(4))
    shifts = {hour: timetable.date_of(date(2026, 3, 29), "Europe/Berlin", hour).day - 29 for hour in range(1, 24)}
    assert shifts == {1: 1, 2: 1, 3: 1, **dict.fromkeys(range(4, 24), 0)}


def test_a_reader_elsewhere_reads_on_the_weekdays_of_their_own() -> None:
    timetable = Timetable()  # at 4:00 UTC it is Monday noon in Auckland, and 7:00 on Tuesday is next
    week = [date(2026, 6, 7) + timedelta(days=n) for n in range(7)]  # from Sunday on
    wanted = [timetable.wanted(Cadence.WEEKDAYS, day, "Pacific/Auckland", 7) for day in week]
    assert wanted == [True, True, True, True, True, False, False]
    reader = (Cadence.WEEKDAYS, "Pacific/Auckland", 7)
    assert timetable.cadences(week[0], [reader]) == (Cadence.DAILY, Cadence.WEEKDAYS)
    assert timetable.cadences(week[0], []) == (Cadence.DAILY,)
    assert Timetable(blackout=frozenset({week[0]})).cadences(week[0], [reader]) == ()


def test_all_zones_of_the_world_have_few_moments() -> None:
    timetable = Timetable()
    due = {timetable.due_at(date(2026, 6, 8), zone, 7) for zone in available_timezones()}
    assert len(due) <= 40


class TestWhereAnEditionBegins:
    DAY = date(2026, 6, 8)  # a Monday
    END = datetime(2026, 6, 8, 4, tzinfo=UTC)

    def begins(self, cadence: Cadence, days: float, *, last: float | None = None, came: float = 0) -> float:
        """Give how many days before its end an edition begins, of an issue that covers so many."""
        window = Window(self.END - timedelta(days=days), self.END)
        reader = Subscriber(1, "id", "ada@lab.example", "", SubscriberStatus.ACTIVE, InterestProfile(), cadence, "UTC",
                            7, 10, "en", self.END - timedelta(days=came))  # fmt: skip
        before = None if last is None else self.END - timedelta(days=last)
        start = reaches_to(issue(cadence, self.DAY, window), reader, before, reach=timedelta(days=60))
        return (self.END - start) / timedelta(days=1)

    def test_with_the_issue_for_who_missed_none(self) -> None:
        assert self.begins(Cadence.DAILY, 1, last=1) == 1
        assert self.begins(Cadence.WEEKLY, 7, last=1) == 7  # was a daily reader until yesterday

    def test_where_the_last_one_ended(self) -> None:
        assert self.begins(Cadence.DAILY, 1, last=12) == 12

    def test_not_too_far_back(self) -> None:
        assert self.begins(Cadence.DAILY, 1, last=200) == 60
        assert self.begins(Cadence.DAILY, 90, last=90) == 90  # but never after the issue does

    def test_for_a_new_reader_as_far_back_as_their_cadence_goes(self) -> None:
        assert self.begins(Cadence.DAILY, 1) == 1
        assert self.begins(Cadence.WEEKLY, 1) == 6.5
        assert self.begins(Cadence.WEEKDAYS, 1) == 2.5
        assert self.begins(Cadence.DAILY, 1, came=3) == pytest.approx(3 + 4 / 24)  # the day on which they came
