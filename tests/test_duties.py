"""The duties of `newsletter run`, one by one: what they read, whom they tell, what they drop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter import bootstrap, duties
from newsletter.config import (
    Database,
    DeliverySettings,
    Fetching,
    Ranking,
    Retention,
    Schedule,
    Settings,
    Site,
    Smtp,
    SourceSettings,
    TransportKind,
)
from newsletter.delivery.brake import Brake
from newsletter.duties import Duties
from newsletter.model import (
    Cadence,
    DeliveryState,
    Digest,
    InterestProfile,
    IssueState,
    NewSubscriber,
    PaperRecord,
    SubscriberStatus,
)
from newsletter.store import Store
from tests.cli.desk import AUGUST, parsed
from tests.delivery.servers import HOST, sink

START = datetime(2027, 6, 7, 2, tzinfo=UTC)  # a Monday


class House:
    """An installation, its duties, and a clock that a test sets."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self.folder, self.now = folder, START
        given = {
            "site": Site(secret=SecretStr("a secret for tests"), operator="op@lab.example"),
            "database": Database(url=f"sqlite:///{folder / 'newsletter.db'}"),
            "delivery": DeliverySettings(maildir=folder / "mail"),
            "ranking": Ranking(encoder="wordllama"),
        }
        self.settings = Settings(**{**given, **sections})
        self.store: Store = bootstrap.open_store(self.settings)
        self.brake = Brake()
        self.duties = Duties(self.settings, self.store, self.brake, clock=lambda: self.now)

    def subscribe(self, email: str = "ada@lab.example", **fields: Any) -> None:
        profile = InterestProfile(keywords=("protein folding",))
        new = NewSubscriber(email, profile, status=SubscriberStatus.ACTIVE, **fields)
        self.store.subscribers.replace([new], now=self.now)

    def publish(self, number: int = 1) -> None:
        record = PaperRecord("Protein folding again", "We fold.", arxiv_id=f"2706.{number:05}")
        self.store.papers.add(Digest("Reports", (record,)), source="reports", now=self.now)

    def mails(self) -> list[tuple[str, str]]:
        files = sorted((self.folder / "mail/new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        heads = [parsed(path.read_bytes()) for path in files]
        return [(head["To"].addresses[0].addr_spec, str(head["Subject"])) for head in heads]

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., House]]:
    houses: list[House] = []

    def made(**sections: Any) -> House:
        houses.append(House(tmp_path, **sections))
        return houses[-1]

    yield made
    for house in houses:
        house.store.close()


class TestReading:
    def source(self, house: House) -> list[int]:
        """Count the papers after each round, every ten minutes for an hour."""
        counts = []
        for _ in range(7):
            house.duties.read()
            counts.append(house.store.papers.count())
            house.pass_(minutes=10)
        return counts

    def test_each_source_is_read_at_its_interval(self, make: Callable[..., House], tmp_path: Path) -> None:
        inbox = tmp_path / "inbox.txt"
        inbox.write_bytes(AUGUST.read_bytes())
        house = make(source=(SourceSettings(name="inbox", path=inbox, every=30),))
        house.duties.read()
        [state] = house.store.sources.all()
        assert state.last_success_at == START
        inbox.unlink()  # that it is gone is noticed at the next reading, not before
        failures = []
        for _ in range(4):
            house.pass_(minutes=10)
            house.duties.read()
            failures.append(house.store.sources.all()[0].failures)
        assert failures == [0, 0, 1, 2]  # what failed is read again after ten minutes

    def test_the_operator_is_told_of_a_source_that_fails_again_and_again_once(self, make: Callable[..., House]) -> None:
        house = make(source=(SourceSettings(name="gone", path=Path("/nowhere/gone.txt")),))
        for _ in range(6):
            house.duties.read()
            house.pass_(minutes=10)
        assert house.mails() == [("op@lab.example", "Daily Papers: cannot read gone")]

    def test_before_an_issue_opens_all_are_read(self, make: Callable[..., House], tmp_path: Path) -> None:
        (tmp_path / "inbox.txt").write_bytes(AUGUST.read_bytes())
        house = make(source=(SourceSettings(name="inbox", path=tmp_path / "inbox.txt", every=1440),))
        house.subscribe()
        house.now = START.replace(hour=4)
        house.duties.open()
        assert house.store.papers.count() == 42
        assert house.store.issues.newest() is not None


def test_an_issue_does_not_wait_for_ever_for_sources_that_hang(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duties, "_LONGEST_READING", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=20) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        house = make(
            source=tuple(SourceSettings(name=f"silent-{number}", url=url + str(number)) for number in range(9)),
            fetching=Fetching(allow_private=True, timeout=0.3, read_timeout=0.2, tries=1, per_host_interval=0),
        )
        house.subscribe()
        house.publish()
        house.now = START.replace(hour=4)
        house.duties.open()
    assert house.store.issues.newest() is not None
    assert [one.failures for one in house.store.sources.all()] == [1]


@pytest.mark.parametrize("hour", [7, 20])
def test_papers_that_come_after_a_readers_hour_are_in_their_next_issue(make: Callable[..., House], hour: int) -> None:
    house = make()
    house.subscribe(hour=hour)
    house.subscribe("bob@lab.example", hour=27 - hour)
    got = []
    for day in range(4):
        for at in (4, 7, 8, 14, 15, 20, 21):
            house.now = START.replace(hour=at) + timedelta(days=day)
            if at == 14:  # too late for who is mailed at 7, by an hour
                house.publish(day)
            house.duties.open()
            house.duties.deliver()
        got.append(sum(recipient == "ada@lab.example" for recipient, _ in house.mails()))
    assert got == ([0, 1, 2, 3] if hour == 7 else [1, 1, 2, 3])


def test_a_machine_that_is_on_in_the_afternoons_writes_to_who_wants_their_mail_in_the_morning(
    make: Callable[..., House],
) -> None:
    house = make()
    house.subscribe(hour=7)
    got = []
    for day in range(4):
        house.now = START.replace(hour=14) + timedelta(days=day)
        house.publish(day)
        for _ in range(3):
            house.duties.open()
            house.duties.deliver()
            house.pass_(hours=1)
        got.append(len(house.mails()))
    assert got == [0, 1, 2, 3]


def test_who_is_mailed_once_a_week_has_the_issue_late_rather_than_a_week_later(make: Callable[..., House]) -> None:
    house = make()
    house.subscribe(cadence=Cadence.WEEKLY, hour=7)
    house.publish()
    house.now = START.replace(hour=20)  # the machine was off until then
    house.duties.open()
    house.duties.deliver()
    assert len(house.mails()) == 1


def test_after_a_clock_was_ahead_sources_are_read_as_before(make: Callable[..., House], tmp_path: Path) -> None:
    (tmp_path / "inbox.txt").write_bytes(AUGUST.read_bytes())
    house = make(source=(SourceSettings(name="inbox", path=tmp_path / "inbox.txt"),))
    house.pass_(days=40)
    house.duties.read()
    house.pass_(days=-40)
    house.duties.read()
    assert house.store.sources.all()[0].last_success_at == START


class TestWatching:
    def test_an_issue_that_waits_for_approval_is_told_once_a_day(self, make: Callable[..., House]) -> None:
        house = make(schedule=Schedule(approval=True))
        house.subscribe()
        for day in range(2):
            house.publish(day)
            house.now = START.replace(hour=4) + timedelta(days=day)
            house.duties.open()
            house.duties.watch()
            assert len(house.mails()) == day  # not before its time
            house.pass_(hours=3)
            for _ in range(3):
                house.duties.watch()
        assert house.mails() == [
            ("op@lab.example", "Daily Papers: no issue of 2027-06-07 went out"),
            ("op@lab.example", "Daily Papers: no issue of 2027-06-08 went out"),
        ]

    def test_messages_that_do_not_leave_are_told(self, make: Callable[..., House]) -> None:
        house = make()
        house.subscribe()
        house.publish()
        house.now = START.replace(hour=5)
        house.duties.open()
        house.now = START.replace(hour=7, minute=30)
        house.duties.watch()
        assert house.mails() == []
        house.now = START.replace(hour=8, minute=30)
        house.duties.watch()
        assert len(house.mails()) == 1

    @pytest.mark.parametrize(("days", "told"), [(1, 1), (5, 0)])
    def test_a_weekday_without_papers_is_told_and_a_weekend_is_not(
        self, make: Callable[..., House], days: int, told: int
    ) -> None:
        house = make()
        house.subscribe()
        house.publish()
        house.now = START.replace(hour=7)
        house.duties.open()
        house.duties.deliver()
        assert house.mails()[0][0] == "ada@lab.example"
        house.duties.watch()
        house.pass_(days=days, hours=1)
        house.duties.open()
        house.duties.watch()
        assert len(house.mails()) == 1 + told

    def test_an_issue_of_a_day_to_come_is_told(self, make: Callable[..., House]) -> None:
        house = make()
        house.subscribe()
        house.publish()
        house.now = START.replace(hour=5) + timedelta(days=40)
        house.duties.open()
        house.now = START.replace(hour=8)
        for _ in range(2):
            house.duties.watch()
        assert house.mails() == [("op@lab.example", "Daily Papers: no issue of 2027-06-07 went out")]
        [mail] = (house.folder / "mail/new").iterdir()
        assert "the clock of this machine was ahead" in " ".join(mail.read_text().replace("=\n", "").split())

    def test_an_issue_that_a_person_opened_early_is_no_trouble(self, make: Callable[..., House]) -> None:
        house = make()
        house.subscribe()
        house.publish()
        house.duties._newsletter.open_issues(START.date(), now=START)
        house.pass_(minutes=1)
        house.duties.watch()
        assert house.mails() == []

    def test_of_issues_that_are_paused_only_those_of_which_too_much_failed_are_told(
        self, make: Callable[..., House]
    ) -> None:
        with sink() as server:
            house = make(
                delivery=DeliverySettings(transport=TransportKind.SMTP), smtp=Smtp(host=HOST, port=server.port)
            )
            for number in range(60):
                house.subscribe(f"reader{number}@lab.example")
            for day in range(2):
                house.publish(day)
                house.now = START.replace(hour=7) + timedelta(days=day)
                house.duties.open()
                if day == 0:  # by a person, for a reason of their own
                    house.store.issues.set_state(house.store.issues.all()[0], IssueState.PAUSED)
            server.mailbox.answer("RCPT", *["554 5.7.1 your address is blocked"] * 50)
            house.duties.deliver()
            told = [parsed(one.content) for one in server.received if one.recipient == "op@lab.example"]
        assert ["2027-06-08" in part.get_content() for mail in told for part in mail.iter_parts()] == [True, True]

    def test_before_the_first_issue_and_without_readers_nobody_waits(self, make: Callable[..., House]) -> None:
        house = make()
        house.pass_(hours=8)
        house.duties.watch()
        house.subscribe()
        house.duties.watch()
        assert house.mails() == []


class TestTidying:
    def test_what_is_past_its_time_goes_and_the_rest_stays(self, make: Callable[..., House]) -> None:
        house = make(retention=Retention(papers=8, editions=5), schedule=Schedule(reach=2))
        house.subscribe()
        for day in range(12):
            house.now = START + timedelta(days=day)
            house.publish(day)
            house.now = START.replace(hour=7) + timedelta(days=day)
            house.duties.open()
            house.duties.deliver()
        [ada] = house.store.subscribers.all()
        assert len(house.store.issues.of_subscriber(ada.key)) == 12
        house.duties.tidy()
        assert len(house.store.issues.of_subscriber(ada.key)) == 6
        assert {one.state for one in house.store.deliveries.of_subscriber(ada.key)} == {DeliveryState.SENT}
        assert len(house.store.deliveries.of_subscriber(ada.key)) == 6
        assert house.store.papers.count() == 8
        shown = {pick.paper_key for _, picks in house.store.issues.of_subscriber(ada.key) for pick in picks}
        assert shown <= house.store.papers.by_key(shown).keys()
        assert len(house.store.issues.all()) > 12  # that there was an issue is remembered

    def test_papers_that_readers_named_or_answered_to_stay(self, make: Callable[..., House]) -> None:
        house = make(retention=Retention(papers=1, editions=1), schedule=Schedule(reach=1))
        for number in range(3):
            house.publish(number)
        house.subscribe()
        house.store.subscribers.like("ada@lab.example", ["arxiv:2706.00001"], now=house.now)
        house.pass_(days=400)
        house.duties.tidy()
        assert [paper.arxiv_id for some in house.store.papers.every() for paper in some] == ["2706.00001"]

    def test_consents_go_after_the_subscription_ended_only(self, make: Callable[..., House]) -> None:
        house = make(retention=Retention(consents=30))
        house.subscribe()
        [ada] = house.store.subscribers.all()
        house.store.consents.record(ada.public_id, wording="Yes, please.", origin_hash="x", now=house.now)
        house.pass_(days=40)
        house.duties.tidy()
        assert len(house.store.consents.of_subscriber(ada.key)) == 1
        house.store.choices.leave(ada.public_id)
        house.pass_(days=1)
        house.duties.tidy()
        assert house.store.consents.of_subscriber(ada.key) == []

    def test_zero_keeps_things_for_ever(self, make: Callable[..., House]) -> None:
        house = make(retention=Retention(papers=0, editions=0, consents=0))
        house.publish()
        house.pass_(days=4000)
        house.duties.tidy()
        assert house.store.papers.count() == 1


def test_a_pulled_brake_leaves_what_waits(make: Callable[..., House]) -> None:
    house = make(delivery=DeliverySettings(transport=TransportKind.NULL))
    house.subscribe()
    house.publish()
    house.now = START.replace(hour=7)
    house.duties.open()
    house.brake.pull()
    house.duties.deliver()
    [ada] = house.store.subscribers.all()
    assert [one.state for one in house.store.deliveries.of_subscriber(ada.key)] == [DeliveryState.QUEUED]


def test_an_issue_that_is_approved_after_the_hour_leaves_at_once(make: Callable[..., House]) -> None:
    house = make(schedule=Schedule(approval=True))
    house.subscribe()
    house.publish()
    house.now = START.replace(hour=9)
    house.duties.open()
    house.duties.deliver()
    assert house.mails() == []
    for issue in house.store.issues.all():
        house.store.issues.set_state(issue, IssueState.OPEN)
    house.duties.deliver()
    assert [to for to, _ in house.mails()] == ["ada@lab.example"]
