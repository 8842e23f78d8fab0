"""Messages made by other processes: the same bytes, and nothing lost or left behind whoever dies."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from newsletter import bootstrap, builders
from newsletter.bootstrap.product import builders as builders_of
from newsletter.builders import Builders
from newsletter.config import Database, DeliverySettings, Ranking, Rendering, Settings, Site
from newsletter.delivery.maildir import MaildirTransport
from newsletter.delivery.policy import Policy
from newsletter.errors import TemplateError
from newsletter.letters import StoredLetters
from newsletter.model import (
    Cadence,
    Delivery,
    DeliveryState,
    Digest,
    Edition,
    InterestProfile,
    Message,
    NewSubscriber,
    Outcome,
    PaperRecord,
    Pick,
    Reason,
    ReasonKind,
    Section,
    SubscriberStatus,
)
from newsletter.pipeline import Newsletter
from newsletter.store import Store
from tests.processes import ends, lives

NOW = datetime(2026, 8, 17, 6, tzinfo=UTC)
READERS = 150


class House:
    """An installation with an issue that is to be sent."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.newsletter: Newsletter = bootstrap.newsletter(settings, store)
        papers = tuple(
            PaperRecord(f"Sand, report {n}", "We study dunes of sand.", arxiv_id=f"2608.{n:05}") for n in range(9)
        )
        store.papers.add(Digest("Reports", papers), source="reports", now=NOW - timedelta(hours=1))
        for n in range(READERS):
            reader = NewSubscriber(f"reader{n}@lab.example", InterestProfile(), status=SubscriberStatus.ACTIVE)
            store.subscribers.add(reader, now=NOW - timedelta(days=1))
        [self.issue] = self.newsletter.open_issues(NOW.date(), now=NOW, cadences=[Cadence.DAILY])
        self._publish()
        self.letters = StoredLetters(store, self.newsletter.letterhead, [self.issue], now=NOW)

    def _publish(self) -> None:
        keys = list(self.store.papers.keys([f"arxiv:2608.{n:05}" for n in range(9)]).values())
        reasons = (Reason(ReasonKind.KEYWORD, "dunes"),)
        for readers in self.newsletter.waiting(self.issue):
            made = [
                Edition(
                    self.issue,
                    reader,
                    tuple(Pick(keys[(reader.key + n) % 9], n + 1, Section.FOR_YOU, 1.0, reasons) for n in range(3)),
                )
                for reader in readers
            ]
            ids = {
                one.subscriber.key: self.newsletter.letterhead.message_id(self.issue, one.subscriber) for one in made
            }
            self.store.issues.publish(made, ids, now=NOW)

    def claim(self) -> list[Delivery]:
        return self.store.deliveries.claim(
            [self.issue.key], owner="me", due=NOW, now=NOW, lease=timedelta(minutes=5), limit=READERS
        )

    @contextmanager
    def ready(self, count: int = 1) -> Iterator[Builders]:
        """Give letters with builders that have started."""
        with Builders(self.settings, count, self.letters, [self.issue.key], NOW) as helped:
            helped([])
            for builder in helped.started:
                assert builder.started.wait(60)
            yield helped


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(builders, "_WORTH_IT", -1)
    return Settings(
        site=Site(secret=SecretStr("a secret for tests")),
        database=Database(url=f"sqlite:///{tmp_path / 'newsletter.db'}"),
        delivery=DeliverySettings(maildir=tmp_path / "mail"),
        ranking=Ranking(encoder="wordllama"),
        rendering=Rendering(templates=tmp_path / "templates"),
    )


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    with bootstrap.open_store(settings) as store:
        yield House(settings, store)


def made(letters: Mapping[int, Callable[[], Message | Outcome] | Outcome]) -> dict[int, Message | Outcome]:
    return {key: letter if isinstance(letter, Outcome) else letter() for key, letter in letters.items()}


def elsewhere(some: Mapping[int, Message | Outcome]) -> int:
    """How many messages another process made: those come without what only previews show."""
    return sum(isinstance(one, Message) and not one.html for one in some.values())


def sent_bytes(some: Mapping[int, Message | Outcome]) -> dict[int, tuple[object, ...]]:
    return {
        key: (one.recipient, one.envelope_sender, one.message_id, one.data, one.sound)
        for key, one in some.items()
        if isinstance(one, Message)
    }


@pytest.mark.parametrize("count", [1, 2])
def test_a_builder_makes_the_very_bytes_that_would_be_made_here(house: House, count: int) -> None:
    claimed = house.claim()
    with house.ready(count) as letters:
        there = made(letters(claimed))
    assert elsewhere(there) == READERS
    assert sent_bytes(there) == sent_bytes(made(house.letters(claimed)))


def test_what_becomes_of_a_delivery_without_a_message_is_said(house: House) -> None:
    claimed = house.claim()
    leaving = house.store.subscribers.by_key([claimed[0].subscriber_key])[claimed[0].subscriber_key]
    house.store.subscribers.forget(leaving.email, address_hash="hash", now=NOW)
    with house.ready() as letters:
        there = made(letters(claimed))
    assert there[claimed[0].key] == Outcome(DeliveryState.SKIPPED, "the subscriber was forgotten")
    assert elsewhere(there) == READERS - 1


def test_an_error_in_a_template_is_met_here(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "email" / "daily"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("{{ no_such_thing }}")
    claimed = house.claim()
    with house.ready() as letters, pytest.raises(TemplateError, match=r"subject\.txt, line 1"):
        made(letters(claimed))


def test_what_a_builder_had_in_hand_when_it_was_killed_is_made_here(house: House) -> None:
    claimed = house.claim()
    with house.ready(2) as letters:
        promised = letters(claimed)
        os.kill(letters.started[0].pid, signal.SIGKILL)
        there = made(promised)
        os.kill(letters.started[1].pid, signal.SIGKILL)
        later = made(letters(claimed))
    assert sent_bytes(there) == sent_bytes(later) == sent_bytes(made(house.letters(claimed)))
    assert elsewhere(later) == 0


def test_a_small_issue_starts_no_process(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builders, "_WORTH_IT", READERS)
    with Builders(house.settings, 2, house.letters, [house.issue.key], NOW) as letters:
        made(letters(house.claim()))
        assert letters.started == []


def test_all_that_builders_make_is_sent_once(house: House, tmp_path: Path) -> None:
    @contextmanager
    def helped(_: StoredLetters, keys: Sequence[int], now: datetime) -> Iterator[Builders]:
        assert (list(keys), now) == ([house.issue.key], NOW)
        with house.ready() as letters:
            yield letters

    folder = tmp_path / "mail"
    newsletter = replace(house.newsletter, builders=helped)
    tally = newsletter.deliver([house.issue], MaildirTransport(folder), Policy(), now=NOW, connections=3)
    assert tally.states == {DeliveryState.SENT: READERS}
    assert len(list((folder / "new").iterdir())) == READERS


def test_builders_end_with_the_program_however_it_ends(house: House) -> None:
    program = (
        "import pickle, sys, time\n"
        "from newsletter import builders\n"
        "settings, key, now = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "builders._WORTH_IT = -1\n"
        "letters = builders.Builders(settings, 1, None, [key], now)\n"
        "letters.started = [builders.Builder(letters._task)]\n"
        "letters.started[0].started.wait(60)\n"
        "print(letters.started[0].pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    told = pickle.dumps((house.settings, house.issue.key, NOW)).hex()
    with subprocess.Popen([sys.executable, "-c", program, told], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        builder = int(process.stdout.readline())
        assert lives(builder)
        process.kill()
    assert ends(builder)


@pytest.mark.parametrize(("builders_set", "url", "some"), [(0, "", False), (2, "", True), (2, "sqlite://", False)])
def test_the_settings_say_whether_there_are_builders(
    settings: Settings, builders_set: int, url: str, some: bool
) -> None:
    changed = settings.model_copy(
        update={
            "delivery": settings.delivery.model_copy(update={"builders": builders_set}),
            "database": Database(url=url or settings.database.url),
        }
    )
    assert (builders_of(changed) is not None) == some


def test_where_no_process_can_be_started_messages_are_made_here(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    claimed = house.claim()
    with Builders(house.settings, 2, house.letters, [house.issue.key], NOW) as letters:
        there = made(letters(claimed))
        assert letters.started == []
    assert sent_bytes(there) == sent_bytes(made(house.letters(claimed)))
