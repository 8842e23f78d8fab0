"""Editions picked by other processes: the same picks, and nothing lost or left behind whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from newsletter import bootstrap, pipeline
from newsletter.bootstrap.product import pickers as pickers_of
from newsletter.config import Database, Ranking, Settings, Site
from newsletter.model import (
    Cadence,
    DeliveryState,
    Digest,
    Edition,
    InterestProfile,
    Issue,
    NewSubscriber,
    PaperRecord,
    Subscriber,
    SubscriberStatus,
)
from newsletter.pickers import Pickers
from newsletter.picking import Picking
from newsletter.pipeline import Newsletter
from newsletter.store import Store
from tests.processes import ends, lives

NOW = datetime(2026, 8, 17, 6, tzinfo=UTC)
SUBJECTS = ("dunes", "glaciers", "estuaries", "volcanoes")
READERS, TOGETHER = 60, 10


class House:
    """An installation with an issue that is to be ranked."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.newsletter: Newsletter = bootstrap.newsletter(settings, store)
        papers = tuple(
            PaperRecord(f"How {subject} move, part {n}", f"We measure them for {n} years.", arxiv_id=f"2608.{k}{n}000")
            for k, subject in enumerate(SUBJECTS)
            for n in range(9)
        )
        store.papers.add(Digest("Reports", papers), source="reports", now=NOW - timedelta(hours=1))
        for n in range(READERS):
            profile = InterestProfile(keywords=(SUBJECTS[n % 4],), liked=(f"arxiv:2608.{n % 4}{n % 9}000",))
            reader = NewSubscriber(f"reader{n}@lab.example", profile, status=SubscriberStatus.ACTIVE)
            store.subscribers.add(reader, now=NOW - timedelta(days=1))
        [self.issue] = self.newsletter.open_issues(NOW.date(), now=NOW, cadences=[Cadence.DAILY])
        self.picking: Picking = self.newsletter.picking(self.issue)

    def lists(self) -> list[list[Subscriber]]:
        """Give all readers, some at a time."""
        [everyone] = self.newsletter.waiting(self.issue)
        return [everyone[at : at + TOGETHER] for at in range(0, READERS, TOGETHER)]

    @contextmanager
    def ready(self, count: int = 1) -> Iterator[Pickers]:
        """Give pickers that have prepared the issue."""
        with Pickers(self.settings, count, self.picking) as pickers:
            list(pickers(self.lists()[:1]))
            for one in pickers.started:
                assert one.begun
                one.begun.result(60)
            yield pickers


class Counted(Picking):
    """Counts the readers that are picked for here."""

    here = 0

    def editions(self, subscribers: Sequence[Subscriber], *more: object) -> list[Edition]:
        self.here += len(subscribers)
        return super().editions(subscribers)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        site=Site(secret=SecretStr("a secret for tests")),
        database=Database(url=f"sqlite:///{tmp_path / 'newsletter.db'}"),
        ranking=Ranking(encoder="wordllama"),
    )


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    with bootstrap.open_store(settings) as store:
        yield House(settings, store)


def told(made: Iterator[list[Edition]]) -> list[object]:
    """Give what readers are told, by their keys. The last digit of a score depends on who is ranked together."""
    everyone = sorted((edition for some in made for edition in some), key=lambda one: one.subscriber.key)
    return [
        (one.issue, one.subscriber, one.since, *((each.paper_key, each.section, each.reasons) for each in one.picks))
        for one in everyone
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_pickers_pick_what_would_be_picked_here(house: House, count: int) -> None:
    with house.ready(count) as pickers:
        pickers._picking = counted = Counted(house.store, house.newsletter.ranker, house.newsletter.edited, house.issue)
        there = told(pickers(house.lists()))
    assert there == told(map(house.picking.editions, house.lists()))
    assert counted.here < READERS == len(there)


def test_what_a_picker_had_in_hand_when_it_was_killed_is_picked_here(house: House) -> None:
    expected = told(map(house.picking.editions, house.lists()))
    with house.ready(2) as pickers:
        os.kill(pickers.started[0].pid, signal.SIGSTOP)  # it takes what it is sent, and does nothing
        made = pickers(house.lists())
        first = next(made)
        os.kill(pickers.started[0].pid, signal.SIGKILL)
        assert told(iter([first, *made])) == expected
        os.kill(pickers.started[1].pid, signal.SIGKILL)
        assert told(pickers(house.lists())) == expected


def test_where_no_process_can_be_started_all_is_picked_here(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with Pickers(house.settings, 2, house.picking) as pickers:
        assert len(told(pickers(house.lists()))) == READERS
        assert pickers.started == []


def test_where_there_is_nobody_to_pick_for_no_process_is_started(house: House) -> None:
    with Pickers(house.settings, 2, house.picking) as pickers:
        assert list(pickers([])) == []
        assert pickers.started == []


def test_a_large_issue_is_ranked_with_pickers(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Issue] = []

    @contextmanager
    def shared(picking: Picking) -> Iterator[Pickers]:
        asked.append(picking.issue)
        with house.ready() as pickers:
            yield pickers

    newsletter = replace(house.newsletter, pickers=shared)
    monkeypatch.setattr(pipeline, "WORTH_IT", READERS + 1)
    progress: list[int] = []
    later = NOW + timedelta(hours=2)
    due = {0: None, 1: NOW, 2: later}  # by the last digit of a key
    some = newsletter.rank(house.issue, now=NOW, due=lambda one: due[one.key % 3], progress=progress.append)
    assert (asked, some, sum(progress)) == ([], 40, 40)
    monkeypatch.setattr(pipeline, "WORTH_IT", READERS)
    assert newsletter.rank(house.issue, now=NOW) == READERS - 40
    assert asked == [house.issue]
    assert house.store.deliveries.counts([house.issue.key]) == {DeliveryState.QUEUED: READERS}
    lease = timedelta(minutes=5)
    claimed = house.store.deliveries.claim([house.issue.key], owner="me", due=NOW, now=NOW, lease=lease, limit=READERS)
    assert len(claimed) == 40


def test_pickers_end_with_the_program_however_it_ends() -> None:
    program = "import time\nfrom newsletter.pickers import Picker\nprint(Picker().pid, flush=True)\ntime.sleep(600)\n"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        picker = int(process.stdout.readline())
        assert lives(picker)
        process.kill()
    assert ends(picker)


@pytest.mark.parametrize(("count", "url", "some"), [(0, "", False), (2, "", True), (2, "sqlite://", False)])
def test_the_settings_say_whether_there_are_pickers(settings: Settings, count: int, url: str, some: bool) -> None:
    changed = settings.model_copy(
        update={
            "ranking": settings.ranking.model_copy(update={"pickers": count}),
            "database": Database(url=url or settings.database.url),
        }
    )
    assert (pickers_of(changed) is not None) == some
