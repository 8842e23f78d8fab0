"""Single mails and servers that rest, know nobody yet, refuse for good, or die in the middle."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from newsletter.config import Smtp
from newsletter.delivery.smtp import SmtpTransport
from newsletter.model import DeliveryState
from newsletter.outbox import Outbox
from newsletter.store import Store
from tests.delivery.messages import message
from tests.delivery.servers import HOST, Act, Script, Sink, sink
from tests.store.rows import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store("sqlite://") as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[Sink]:
    with sink() as one:
        yield one


def outbox(store: Store, port: int) -> Outbox:
    return Outbox(store, SmtpTransport(Smtp(host=HOST, port=port), waits=()))


def test_a_mail_that_leaves_at_once_is_not_kept(store: Store, server: Sink) -> None:
    assert outbox(store, server.port).post(message(), now=NOW).problem == ""
    assert store.outbox.waiting().count == 0
    assert len(server.received) == 1


def test_a_server_that_knows_us_only_after_a_while_gets_the_same_mail_again(store: Store, server: Sink) -> None:
    server.mailbox.answer("RCPT", "450 4.2.0 greylisted", "450 4.2.0 greylisted")
    box = outbox(store, server.port)
    assert box.post(message(), now=NOW).problem == "450 4.2.0 greylisted"
    for minutes, arrived in ((0, 0), (1, 0), (3, 0), (4, 1), (100, 1)):
        box.send_due(now=NOW + minutes * MINUTE)
        assert len(server.received) == arrived, minutes
    assert b"Message-ID: <1@newsletter.test>" in server.received[0].content
    assert store.outbox.waiting().count == 0


def test_what_waited_while_the_server_was_away_leaves_over_one_connection(store: Store, server: Sink) -> None:
    away = outbox(store, 1)
    for number in range(3):
        assert "cannot connect" in away.post(message(number=number), now=NOW).problem
    away.send_due(now=NOW + 2 * MINUTE)
    waiting = store.outbox.waiting()
    assert (waiting.count, waiting.since) == (3, NOW)
    assert "cannot connect" in waiting.response
    outbox(store, server.port).send_due(now=NOW + timedelta(hours=1))
    assert sorted(one.content for one in server.received) == sorted(message(number=n).data for n in range(3))
    assert len(server.mailbox.connections) == 1


def test_one_that_is_refused_for_good_is_given_up_and_holds_up_nobody(
    store: Store, server: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    box = outbox(store, server.port)
    server.mailbox.answer("RCPT", *["451 4.3.0 try later"] * 2, "550 5.1.1 no such user")
    box.post(message(number=1), now=NOW)
    box.post(message(number=2), now=NOW)
    box.send_due(now=NOW + MINUTE)
    assert [one.content for one in server.received] == [message(number=2).data]
    assert store.outbox.waiting().count == 0
    grave = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert grave == ["mail given up"]


def test_it_is_tried_for_most_of_a_day_and_then_given_up(store: Store) -> None:
    box = outbox(store, 1)
    box.post(message(), now=NOW)
    tried = []
    for minute in range(2 * 24 * 60):
        before = store.outbox.waiting().count
        box.send_due(now=NOW + minute * MINUTE)
        if before and not store.outbox.waiting().count:
            tried.append(minute)
    assert [round(minute / 60) for minute in tried] == [18]


def test_where_the_answer_is_lost_it_is_sent_again_under_the_same_name(store: Store, server: Sink) -> None:
    with Script(**{".": Act.HANG_UP}) as dying:
        outcome = outbox(store, dying.port).post(message(), now=NOW)
    assert outcome.state is DeliveryState.UNCERTAIN
    outbox(store, server.port).send_due(now=NOW + MINUTE)
    assert [one.content for one in server.received] == [message().data]


def test_a_mail_whose_sender_was_killed_is_found_by_the_next(store: Store, server: Sink) -> None:
    store.outbox.add(message(), now=NOW, lease=15 * MINUTE)  # and nobody is there any more to send it
    box = outbox(store, server.port)
    box.send_due(now=NOW + 14 * MINUTE)
    assert server.received == []
    box.send_due(now=NOW + 15 * MINUTE)
    assert len(server.received) == 1


def test_who_is_told_to_stop_begins_no_other(store: Store, server: Sink) -> None:
    for number in range(3):
        store.outbox.put_off(store.outbox.add(message(number=number), now=NOW, lease=MINUTE).key, "", until=NOW)
    outbox(store, server.port).send_due(now=NOW, stop=lambda: True)
    assert len(server.received) == 1
    assert store.outbox.waiting().count == 2
