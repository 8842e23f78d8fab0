"""Days and months of the schedule with a fast clock, through the real store and pipeline: who is mailed when."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from newsletter import bootstrap
from newsletter.config import Database, Schedule, Settings, Site
from newsletter.delivery.policy import Policy
from newsletter.delivery.transport import Session
from newsletter.model import (
    Cadence,
    DeliveryState,
    Digest,
    InterestProfile,
    Message,
    NewSubscriber,
    Outcome,
    Paper,
    PaperRecord,
    Pick,
    Reason,
    ReasonKind,
    Section,
    SubscriberStatus,
)
from newsletter.ranking.ranker import Ranker, Wanted
from newsletter.rounds import Rounds
from newsletter.timetable import instant

# All kinds of clocks: both ends of the date line, half and three quarters of an hour, changes at midnight, by half an
# hour, in the other half of the year, in Ramadan, and none.
ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Moscow", "Europe/Athens", "Atlantic/Azores",
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "America/Adak", "America/Havana", "America/Santiago", "America/Asuncion", "America/Sao_Paulo",
    "America/St_Johns", "America/Caracas", "Africa/Cairo", "Africa/Casablanca", "Africa/Nairobi", "Asia/Beirut",
    "Asia/Jerusalem", "Asia/Tehran", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Asia/Singapore",
    "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland", "Pacific/Chatham",
    "Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Honolulu", "Antarctica/Troll", "Etc/GMT+12",
)  # fmt: skip
CADENCES = (Cadence.DAILY, Cadence.WEEKDAYS, Cadence.WEEKLY)


@dataclass
class Postman:
    """A transport that notes when each message was handed over."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    delivered: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def session(self) -> Iterator[Session]:
        yield self

    def deliver(self, message: Message) -> Outcome:
        self.delivered[message.recipient].append(self.clock())
        return Outcome(DeliveryState.SENT)


class Everything:
    """A ranker for which every paper speaks to everybody: what is measured here is when, not what."""

    def prepare(self, papers: Sequence[Paper], _background: Sequence[Paper]) -> Sequence[Paper]:
        return papers

    def pick_each(
        self, papers: Sequence[Paper], readers: Sequence[Wanted], *_: object, **__: object
    ) -> list[tuple[Pick, ...]]:
        return [self._all_but(papers, one.exclude) for one in readers]

    def _all_but(self, papers: Sequence[Paper], exclude: Collection[int]) -> tuple[Pick, ...]:
        new = [paper.key for paper in papers if paper.key not in exclude]
        reasons = (Reason(ReasonKind.KEYWORD, "protein folding"),)
        return tuple(Pick(key, rank, Section.FOR_YOU, 1.0, reasons) for rank, key in enumerate(new, 1))


class World:
    """An installation, and a clock that jumps from one moment at which there may be something to do to the next."""

    def __init__(self, folder: Path, start: datetime, **schedule: object) -> None:
        self.settings = Settings(
            site=Site(secret=SecretStr("a secret for tests")),
            database=Database(url=f"sqlite:///{folder / 'newsletter.db'}"),
            schedule=Schedule.model_validate(schedule),
        )
        self.store = bootstrap.open_store(self.settings)
        product = bootstrap.newsletter(self.settings, self.store)
        self.rounds = Rounds(replace(product, ranker=lambda: cast(Ranker, Everything())))
        self.now = start
        self.postman = Postman(lambda: self.now)
        self.papers = 0

    def publish(self, count: int = 1) -> None:
        records = [
            PaperRecord(f"Protein folding, report {self.papers + n}", "We fold.", arxiv_id=f"2608.{self.papers + n:05}")
            for n in range(count)
        ]
        self.papers += count
        self.store.papers.add(Digest("Reports", tuple(records)), source="reports", now=self.now)

    def subscribe(self, email: str, zone: str, hour: int = 7, cadence: Cadence = Cadence.DAILY) -> None:
        profile = InterestProfile(keywords=("protein folding",))
        new = NewSubscriber(email, profile, cadence=cadence, timezone=zone, hour=hour, papers=20,
                            status=SubscriberStatus.ACTIVE)  # fmt: skip
        self.store.subscribers.replace([new], now=self.now)

    def tick(self) -> None:
        self.rounds.open(now=self.now)
        self.rounds.follow_readers(now=self.now)
        self.rounds.deliver(self.postman, Policy(), now=self.now, connections=1)

    def run(self, until: datetime, *, every: timedelta = timedelta(minutes=30)) -> None:
        """Let time pass with a machine that is on."""
        while self.now < until:
            self.tick()
            self.now += every
        self.now = until

    def local(self, email: str, zone: str) -> list[datetime]:
        return [moment.astimezone(ZoneInfo(zone)) for moment in self.postman.delivered[email]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def made(start: datetime, **schedule: object) -> World:
        (folder := tmp_path / str(len(worlds))).mkdir()
        worlds.append(World(folder, start, **schedule))
        return worlds[-1]

    yield made
    for world in worlds:
        world.store.close()


def dates(first: date, days: int, cadence: Cadence) -> list[date]:
    every = [first + timedelta(days=n) for n in range(days)]
    return [
        day
        for day in every
        if cadence is Cadence.DAILY
        or (cadence is Cadence.WEEKDAYS and day.weekday() < 5)
        or (cadence is Cadence.WEEKLY and day.weekday() == 0)
    ]


def check(
    world: World, email: str, reader: tuple[str, int, Cadence], days: tuple[date, date], every: timedelta
) -> None:
    """One mail on each of the reader's own dates, and each within the tick at which their clock shows the hour."""
    zone, hour, cadence = reader
    got = world.local(email, zone)
    counted = Counter(moment.date() for moment in got if days[0] <= moment.date() <= days[1])
    assert counted == Counter(dates(days[0], (days[1] - days[0]).days + 1, cadence)), (zone, hour, cadence)
    for moment in got:
        late = moment.astimezone(UTC) - instant(moment.date(), time(hour), zone)
        assert timedelta(0) <= late < every, (zone, hour, moment)


def lived(world: World, days: int, every: timedelta = timedelta(minutes=30)) -> None:
    """Papers every day at 02:00 UTC."""
    for _ in range(days):
        world.publish()
        world.run(world.now + timedelta(days=1), every=every)


def simulate(make: Callable[..., World], start: date, days: int, zones: tuple[str, ...], *, every: timedelta) -> None:
    world = make(datetime.combine(start, time(2), tzinfo=UTC))
    cadences = (Cadence.DAILY, *CADENCES)
    readers = {f"{n}@lab.example": (zone, n * 5 % 24, cadences[n % len(cadences)]) for n, zone in enumerate(zones)}
    for email, (zone, hour, cadence) in readers.items():
        world.subscribe(email, zone, hour, cadence)
    lived(world, days, every)
    for email, reader in readers.items():
        check(world, email, reader, (start + timedelta(days=3), start + timedelta(days=days - 2)), every)


@pytest.mark.parametrize(
    ("start", "zones"),
    [
        (date(2027, 10, 23), ("Europe/Berlin", "America/New_York", "Africa/Cairo", "Pacific/Kiritimati")),
        (date(2028, 2, 25), ("UTC", "Asia/Kathmandu", "America/Adak", "Asia/Beirut")),
        (date(2027, 12, 26), ("Australia/Lord_Howe", "America/Santiago", "Etc/GMT+12", "Antarctica/Troll")),
    ],
    ids=["autumn", "leap day", "new year"],
)
def test_every_reader_has_one_mail_a_date_at_their_hour(
    make: Callable[..., World], start: date, zones: tuple[str, ...]
) -> None:
    simulate(make, start, 12, zones + zones[1:], every=timedelta(minutes=30))


class TestTheMachine:
    START = datetime(2027, 6, 7, 2, tzinfo=UTC)  # a Monday

    def world(self, make: Callable[..., World], **schedule: object) -> World:
        world = make(self.START, **schedule)
        world.subscribe("ada@lab.example", "Europe/Berlin")
        return world

    def mails(self, world: World) -> list[str]:
        return [f"{moment:%d %H:%M}" for moment in world.postman.delivered["ada@lab.example"]]

    def at(self, world: World, day: int, hour: int, minute: int = 0) -> None:
        world.now = datetime(2027, 6, day, hour, minute, tzinfo=UTC)

    def papers_of_the_last(self, world: World) -> int:
        with world.store._database.reading() as connection:
            picks = connection.exec_driver_sql("SELECT picks FROM editions ORDER BY issue_key DESC LIMIT 1").scalar()
        return len(json.loads(str(picks)))

    def test_is_off_at_the_hour_one_late_issue(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        lived(world, 2)
        world.publish()
        self.at(world, 9, 9, 30)
        world.run(self.START + timedelta(days=3))
        lived(world, 1)
        assert self.mails(world) == ["07 05:00", "08 05:00", "09 09:30", "10 05:00"]

    def test_goes_off_between_the_cut_off_and_the_hour(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        world.publish()
        self.at(world, 7, 4, 15)
        world.tick()
        assert self.mails(world) == []
        self.at(world, 7, 11, 30)
        world.run(self.START + timedelta(days=1))
        assert self.mails(world) == ["07 11:30"]

    def test_is_off_for_days_and_then_sends_no_flood(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        world.publish()
        world.tick()
        self.at(world, 7, 4, 15)
        world.tick()  # made, and then the power goes
        for day in (8, 9, 10):
            self.at(world, day, 2)
            world.publish()
        self.at(world, 10, 8)
        world.run(self.START + timedelta(days=4))
        assert self.mails(world) == ["10 08:00"]
        assert self.papers_of_the_last(world) == 4  # with those of the edition that never left
        world.publish()
        world.run(self.START + timedelta(days=5))
        assert self.mails(world) == ["10 08:00", "11 05:00"]
        assert self.papers_of_the_last(world) == 1

    def test_comes_back_too_late_for_today(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        world.publish()
        self.at(world, 7, 20)
        world.run(datetime(2027, 6, 8, 2, tzinfo=UTC))
        assert self.mails(world) == []
        world.publish()
        world.run(self.START + timedelta(days=2))
        assert self.mails(world) == ["08 05:00"]
        assert self.papers_of_the_last(world) == 2

    @pytest.mark.parametrize(
        ("back", "mails"), [(15, ["07 05:00", "15 12:00", "21 05:00"]), (18, ["07 05:00", "21 05:00"])]
    )
    def test_is_off_on_the_day_of_the_weekly_issue(
        self, make: Callable[..., World], back: int, mails: list[str]
    ) -> None:
        world = make(self.START)
        world.subscribe("ada@lab.example", "Europe/Berlin", cadence=Cadence.WEEKLY)
        lived(world, 6)
        self.at(world, back, 12)
        world.run(self.START + timedelta(days=13))
        assert self.mails(world) == mails[:-1]
        lived(world, 2)
        assert self.mails(world) == mails

    def test_has_a_clock_that_goes_back_and_forth(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        lived(world, 2)
        world.publish()
        self.at(world, 8, 4)  # a day back
        world.run(datetime(2027, 6, 9, 2, tzinfo=UTC))
        lived(world, 1)
        world.publish()
        self.at(world, 11, 6)  # a day ahead
        world.tick()
        self.at(world, 10, 6)  # and back again
        world.run(datetime(2027, 6, 12, 2, tzinfo=UTC))
        assert self.mails(world) == ["07 05:00", "08 05:00", "09 05:00", "11 06:00"]
        lived(world, 1)
        assert self.mails(world)[4:] == ["12 05:00"]

    def test_has_no_papers_on_quiet_days(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        lived(world, 1)
        world.run(self.START + timedelta(days=3))
        world.publish()
        world.run(self.START + timedelta(days=4))
        assert self.mails(world) == ["07 05:00", "10 05:00"]

    def test_keeps_the_days_on_which_nothing_is_to_come_out(self, make: Callable[..., World]) -> None:
        world = self.world(make, blackout=["2027-06-08/2027-06-09", "2027-06-11"])
        lived(world, 5)
        assert self.mails(world) == ["07 05:00", "10 05:00"]
        lived(world, 1)
        assert self.papers_of_the_last(world) == 2


class TestAReader:
    def world(self, make: Callable[..., World]) -> World:
        world = make(datetime(2027, 6, 7, 2, tzinfo=UTC))
        world.subscribe("ada@lab.example", "Europe/Berlin")
        return world

    def moved(self, world: World, zone: str, *, at: tuple[int, float], hour: int = 7) -> list[str]:
        """Live four days in which Ada moves; give the issues that she got, by their dates."""
        hourly = timedelta(hours=1)
        for day in range(7, 11):
            world.publish()
            if day == at[0]:
                world.run(datetime(2027, 6, day, tzinfo=UTC) + timedelta(hours=at[1]), every=hourly)
                world.subscribe("ada@lab.example", zone, hour)
            world.run(datetime(2027, 6, day + 1, 2, tzinfo=UTC), every=hourly)
        world.run(datetime(2027, 6, 11, 23, tzinfo=UTC), every=hourly)
        with world.store._database.reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT day FROM issues JOIN deliveries ON issue_key = issues.key WHERE deliveries.state = 'sent'"
            ).all()
        return sorted(str(row[0]) for row in rows)

    @pytest.mark.parametrize("by_follow", [True, False])
    def test_who_pauses_gets_nothing_that_is_made_already_and_catches_up_after(
        self, make: Callable[..., World], by_follow: bool
    ) -> None:
        world = self.world(make)
        lived(world, 1)
        world.publish()
        world.run(datetime(2027, 6, 8, 4, 30, tzinfo=UTC))  # the cut-off was at 4, her hour is at 5
        ada = world.store.subscribers.get("ada@lab.example")
        [waits] = [one for one in world.store.deliveries.of_subscriber(ada.key) if one.state is DeliveryState.QUEUED]
        world.store.choices.pause(ada.public_id, datetime(2027, 6, 10, 12, tzinfo=UTC))
        if by_follow:
            world.tick()
        else:  # nobody looked in time, and it is asked again when the mail is to go
            world.now = datetime(2027, 6, 8, 5, tzinfo=UTC)
            world.rounds.deliver(world.postman, Policy(), now=world.now, connections=1)
        after = {one.key: one for one in world.store.deliveries.of_subscriber(ada.key)}[waits.key]
        assert after.state is DeliveryState.SKIPPED
        assert "paused" in after.response
        world.run(datetime(2027, 6, 9, 2, tzinfo=UTC))
        lived(world, 4)
        got = [f"{moment:%d %H:%M}" for moment in world.postman.delivered["ada@lab.example"]]
        assert got == ["07 05:00", "11 05:00", "12 05:00"]
        had = world.store.issues.of_subscriber(ada.key)
        [caught_up] = [picks for issue, picks in had if issue.day == date(2027, 6, 11)]
        assert len(caught_up) == (4 if by_follow else 3)

    @pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "Pacific/Kiritimati", "Etc/GMT+12"])
    @pytest.mark.parametrize("at", [3, 4.5, 20])
    def test_who_moves_in_mid_day_has_every_issue_once(self, make: Callable[..., World], zone: str, at: float) -> None:
        world = self.world(make)
        days = self.moved(world, zone, at=(8, at))
        assert days == ["2027-06-07", "2027-06-08", "2027-06-09", "2027-06-10"]
        got = world.local("ada@lab.example", zone)
        assert max(Counter(moment.date() for moment in got).values()) == 1

    def test_who_chooses_another_hour_before_theirs_has_it_at_that(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        self.moved(world, "Europe/Berlin", at=(8, 4.5), hour=19)
        hours = [f"{moment:%d %H}" for moment in world.local("ada@lab.example", "Europe/Berlin")]
        assert hours == ["07 07", "08 19", "09 19", "10 19"]

    def test_who_paused_has_all_of_the_gap_in_one_edition(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        lived(world, 1)
        world.subscribe("ada@lab.example", "Europe/Berlin", cadence=Cadence.PAUSED)
        lived(world, 5)
        world.subscribe("ada@lab.example", "Europe/Berlin")
        lived(world, 1)
        assert [f"{moment:%d %H}" for moment in world.postman.delivered["ada@lab.example"]] == ["07 05", "13 05"]
        assert TestTheMachine().papers_of_the_last(world) == 6

    def test_who_pauses_between_the_cut_off_and_the_hour_gets_none(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        world.publish()
        world.run(datetime(2027, 6, 7, 4, 30, tzinfo=UTC))
        world.subscribe("ada@lab.example", "Europe/Berlin", cadence=Cadence.PAUSED)
        world.run(datetime(2027, 6, 8, 2, tzinfo=UTC))
        assert world.postman.delivered == {}

    def test_who_changes_their_cadence_has_no_two_on_one_day(self, make: Callable[..., World]) -> None:
        world = self.world(make)
        world.publish()
        world.run(datetime(2027, 6, 7, 4, 30, tzinfo=UTC))
        world.subscribe("ada@lab.example", "Europe/Berlin", cadence=Cadence.WEEKLY)
        lived(world, 8)
        assert [f"{moment:%d}" for moment in world.postman.delivered["ada@lab.example"]] == ["07", "14"]


@pytest.mark.simulation
def test_over_four_hundred_days_readers_of_forty_zones_have_one_mail_a_date_at_their_hour(
    make: Callable[..., World],
) -> None:
    simulate(make, date(2027, 12, 1), 400, ZONES, every=timedelta(hours=1))
