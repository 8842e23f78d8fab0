"""The queue worked off: real rows, real transports, and real processes that die in the middle."""

from __future__ import annotations

import asyncio
import email
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope, Session

from newsletter.config import Smtp
from newsletter.delivery import dispatch
from newsletter.delivery.dispatch import CLAIM, LEASE, Dispatcher
from newsletter.delivery.maildir import MaildirTransport
from newsletter.delivery.policy import Policy, Quota
from newsletter.delivery.recovery import give_up, owner_name, recover
from newsletter.delivery.smtp import SmtpTransport
from newsletter.delivery.tally import Tally
from newsletter.delivery.transport import Transport
from newsletter.errors import TemplateError, TransportError
from newsletter.model import Delivery, DeliveryState, Issue, IssueState, Message, Outcome, SubscriberStatus
from newsletter.store import Store
from newsletter.store.schema import deliveries
from tests.delivery.servers import HOST, Act, Script, Sink, sink
from tests.store.letters import PlainLetters
from tests.store.rows import MINUTE, NOW, edition, message_ids, new_subscriber, queued

S = DeliveryState
CONNECTIONS = 3
SENDER = """
import signal
import sys
from pathlib import Path
from newsletter.config import Smtp
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.maildir import MaildirTransport
from newsletter.delivery.policy import Policy
from newsletter.delivery.smtp import SmtpTransport
from newsletter.store import Store
from tests.store.letters import PlainLetters
from tests.store.rows import NOW

# Long lines: whoever does not read them holds us up, so that we never get far ahead of the test.
ONE_MORE = "one more".ljust(4000) + "\\n"
url, where, issue, connections = sys.argv[1:]

def said(line):
    sys.stdout.write(line)
    sys.stdout.flush()

def stop(*_):
    said("stopping\\n")
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, stop)
smtp = Smtp(host="127.0.0.1", port=int(where), timeout=60) if where.isdecimal() else None
with Store(url) as store:
    transport = SmtpTransport(smtp, waits=()) if smtp else MaildirTransport(Path(where))
    letters, policy = PlainLetters(store), Policy()
    dispatcher = Dispatcher(
        store.deliveries, store.allowances, transport, letters, policy, connections=int(connections)
    )
    try:
        dispatcher.run([int(issue)], now=NOW, limit=None, progress=lambda _: said(ONE_MORE))
    except KeyboardInterrupt:
        said("interrupted\\n")
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'newsletter.db'}"
    given: str = request.getfixturevalue("postgresql_url")
    return given


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        yield opened


def smtp(port: int) -> SmtpTransport:
    return SmtpTransport(Smtp(host=HOST, port=port, timeout=20), waits=())


def send(
    store: Store,
    issue: Issue,
    transport: Transport,
    *,
    now: datetime = NOW,
    limit: int | None = None,
    policy: Policy = Policy(),  # noqa: B008  frozen
    connections: int = CONNECTIONS,
) -> Tally:
    dispatcher = Dispatcher(
        store.deliveries, store.allowances, transport, PlainLetters(store), policy, connections=connections
    )
    return dispatcher.run([issue.key], now=now, limit=limit, progress=None)


def rows(store: Store, issue: Issue) -> list[Delivery]:
    return store.deliveries.page(9999, above=0, issue_keys=[issue.key])


def states(store: Store, issue: Issue) -> list[S]:
    return [row.state for row in rows(store, issue)]


def arrived(folder: Path) -> Counter[str]:
    """Give the Message-IDs in a Maildir."""
    return Counter(str(email.message_from_bytes(file.read_bytes())["Message-ID"]) for file in folder.glob("new/*"))


def taken(server: Sink) -> Counter[str]:
    """Give the Message-IDs that a server took."""
    return Counter(str(email.message_from_bytes(mail.content)["Message-ID"]) for mail in server.received)


def once(store: Store, issue: Issue) -> Counter[str]:
    return Counter(row.message_id for row in rows(store, issue))


@pytest.mark.parametrize("connections", [1, 3, 50])
def test_everyone_gets_the_message_once_and_a_second_run_sends_nothing(
    store: Store, tmp_path: Path, connections: int
) -> None:
    issue, _ = queued(store, 40)
    transport = MaildirTransport(tmp_path / "mail")
    tally = send(store, issue, transport, connections=connections)
    assert tally.states == {S.SENT: 40}
    assert tally.problems == []
    assert send(store, issue, transport, connections=connections, now=NOW + timedelta(days=9)).states == {}
    assert arrived(tmp_path / "mail") == once(store, issue)
    assert {(row.state, row.attempts) for row in rows(store, issue)} == {(S.SENT, 1)}
    assert all(row.response.startswith("written as new/") for row in rows(store, issue))
    assert store.deliveries.owners() == []


def test_over_smtp_everyone_gets_the_message_once_over_few_connections(store: Store, smtp_sink: Sink) -> None:
    issue, _ = queued(store, 20)
    send(store, issue, smtp(smtp_sink.port))
    assert taken(smtp_sink) == once(store, issue)
    assert Counter(mail.recipient for mail in smtp_sink.received) == Counter(f"p{n}@example.test" for n in range(1, 21))
    assert len(smtp_sink.mailbox.connections) <= CONNECTIONS


def test_senders_that_work_at_once_send_no_message_twice(store: Store, url: str, tmp_path: Path) -> None:
    issue, _ = queued(store, 60)

    def work(_: int) -> int:
        with Store(url) as own:
            return send(own, issue, MaildirTransport(tmp_path / "mail")).states[S.SENT]

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == 60
    assert arrived(tmp_path / "mail") == once(store, issue)


@pytest.mark.parametrize(
    ("policy", "most"),
    [
        (Policy(quotas=(Quota(20, timedelta(hours=1)),)), 20),
        (Policy(per_domain=Quota(20, timedelta(hours=1))), 20),  # all readers here are of one domain
    ],
    ids=["hour", "domain"],
)
def test_senders_that_work_at_once_keep_to_a_limit_together(
    store: Store, url: str, tmp_path: Path, policy: Policy, most: int
) -> None:
    """Each takes a few turns at a time; one that ends may lose some, so that a few less are sent, and never more."""
    issue, _ = queued(store, 60)

    def work(_: int) -> int:
        with Store(url) as own:
            return send(own, issue, MaildirTransport(tmp_path / "mail"), policy=policy).states[S.SENT]

    with ThreadPoolExecutor(3) as pool:
        sent = sum(pool.map(work, range(3)))
    assert most - 3 <= sent <= most
    assert len(arrived(tmp_path / "mail")) == sent


def test_senders_that_work_at_once_keep_to_the_second_together(store: Store, url: str, tmp_path: Path) -> None:
    issue, _ = queued(store, 50)
    began = time.monotonic()

    def work(_: int) -> int:
        with Store(url) as own:
            return send(own, issue, MaildirTransport(tmp_path / "mail"), policy=Policy(per_second=20)).states[S.SENT]

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == 50
    assert time.monotonic() - began >= 2.0  # 20 at once, 20 a second later, and the rest


def test_a_limit_sends_so_many_and_the_rest_waits(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 40)
    transport = MaildirTransport(tmp_path / "mail")
    assert send(store, issue, transport, limit=29, connections=1).states == {S.SENT: 29}
    assert states(store, issue) == [S.SENT] * 29 + [S.QUEUED] * 11
    assert send(store, issue, transport, limit=0).states == {}
    assert send(store, issue, transport, limit=99).states == {S.SENT: 11}


def test_only_the_issues_that_are_named_are_sent(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 2)
    other, _ = queued(store, 2, issue.day + timedelta(days=1))
    send(store, other, MaildirTransport(tmp_path / "mail"))
    assert states(store, issue) == [S.QUEUED] * 2
    assert states(store, other) == [S.SENT] * 2


def test_who_left_is_skipped(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 3)
    left = new_subscriber("p2@example.test", status=SubscriberStatus.UNSUBSCRIBED)
    store.subscribers.replace([left], now=NOW)
    tally = send(store, issue, MaildirTransport(tmp_path / "mail"))
    assert tally.states == {S.SENT: 2, S.SKIPPED: 1}
    skipped = rows(store, issue)[1]
    assert (skipped.state, skipped.attempts, skipped.response) == (S.SKIPPED, 0, "the subscriber left")
    assert sum(arrived(tmp_path / "mail").values()) == 2


def test_a_message_that_cannot_be_made_fails_alone(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 5)
    store.subscribers.replace([new_subscriber("p3@example.test", name="broken")], now=NOW)
    tally = send(store, issue, MaildirTransport(tmp_path / "mail"), connections=1)
    assert states(store, issue) == [S.SENT, S.SENT, S.FAILED, S.SENT, S.SENT]
    assert rows(store, issue)[2].attempts == 0
    assert tally.problems == ["failed: no message can be made for p3@example.test"]


def test_a_recipient_who_is_refused_costs_nobody_else_the_message(store: Store, smtp_sink: Sink) -> None:
    issue, _ = queued(store, 3)
    smtp_sink.mailbox.answer("RCPT", "550 5.1.1 no such user")
    tally = send(store, issue, smtp(smtp_sink.port), connections=1)
    assert states(store, issue) == [S.BOUNCED, S.SENT, S.SENT]
    assert tally.problems == ["bounced: 550 5.1.1 no such user"]
    assert send(store, issue, smtp(smtp_sink.port), now=NOW + timedelta(days=9)).states == {}


def test_where_there_is_no_server_all_rows_wait_as_before(store: Store, tmp_path: Path) -> None:
    issue, before = queued(store, 30)
    with socket.socket() as unused:
        unused.bind((HOST, 0))  # taken, and not listening
        with pytest.raises(TransportError, match="cannot connect"):
            send(store, issue, smtp(unused.getsockname()[1]))
    assert rows(store, issue) == before
    assert store.deliveries.owners() == []
    assert send(store, issue, MaildirTransport(tmp_path / "mail")).states == {S.SENT: 30}


def test_a_server_that_stops_taking_mail_stops_the_run_and_it_counts_as_no_attempt(store: Store) -> None:
    issue, _ = queued(store, 12)
    with Script(MAIL=["250 OK", "530 5.7.0 log in first", "530 5.7.0 log in first"]) as server:
        for _ in range(2):
            with pytest.raises(TransportError, match="takes no mail from us: 530"):
                send(store, issue, smtp(server.port), connections=1)
            assert states(store, issue) == [S.SENT, S.DEFERRED, *[S.QUEUED] * 10]
            assert [row.attempts for row in rows(store, issue)] == [1, *[0] * 11]
            assert store.deliveries.owners() == []
        assert send(store, issue, smtp(server.port), connections=1).states == {S.SENT: 11}
        assert len(server.texts) == 12


def test_a_template_that_is_broken_stops_the_run_and_loses_nothing(store: Store, tmp_path: Path) -> None:
    issue, before = queued(store, 5)

    def letters(claimed: Sequence[Delivery]) -> dict[int, Callable[[], Message] | Outcome]:
        def broken() -> Message:
            raise TemplateError("body.mjml does not compile")

        return dict.fromkeys([row.key for row in claimed], broken)

    transport = MaildirTransport(tmp_path / "mail")
    dispatcher = Dispatcher(
        store.deliveries,
        store.allowances,
        transport,
        letters,
        Policy(),
        connections=CONNECTIONS,
    )
    with pytest.raises(TemplateError):
        dispatcher.run([issue.key], now=NOW, limit=None, progress=None)
    assert rows(store, issue) == before
    assert store.deliveries.owners() == []


def test_what_is_deferred_is_tried_again_when_it_is_due_and_not_before(store: Store, smtp_sink: Sink) -> None:
    issue, _ = queued(store, 2)
    smtp_sink.mailbox.answer("RCPT", "450 4.2.0 greylisted")
    first = send(store, issue, smtp(smtp_sink.port), connections=1)
    assert first.states == {S.DEFERRED: 1, S.SENT: 1}
    assert first.problems == ["deferred: 450 4.2.0 greylisted"]
    assert send(store, issue, smtp(smtp_sink.port), now=NOW + 3 * MINUTE).states == {}
    assert send(store, issue, smtp(smtp_sink.port), now=NOW + 7 * MINUTE).states == {S.SENT: 1}
    assert [row.attempts for row in rows(store, issue)] == [2, 1]
    assert taken(smtp_sink) == once(store, issue)


def test_when_all_attempts_are_used_up_a_message_has_failed(store: Store, smtp_sink: Sink) -> None:
    issue, _ = queued(store, 1)
    smtp_sink.mailbox.answer("RCPT", *["450 4.2.0 full"] * 3)
    policy = Policy(attempts=3)
    for attempt, expected in enumerate((S.DEFERRED, S.DEFERRED, S.FAILED), 1):
        tally = send(store, issue, smtp(smtp_sink.port), policy=policy, now=NOW + attempt * timedelta(days=1))
        assert tally.states == {expected: 1}
    [row] = rows(store, issue)
    assert (row.state, row.attempts, row.response) == (S.FAILED, 3, "450 4.2.0 full")
    assert send(store, issue, smtp(smtp_sink.port), policy=policy, now=NOW + timedelta(days=9)).states == {}
    assert smtp_sink.received == []


@pytest.mark.parametrize("resend", [False, True])
def test_a_message_in_doubt_is_sent_again_only_by_policy(store: Store, resend: bool) -> None:
    issue, _ = queued(store, 1)
    policy = Policy(resend_uncertain=resend)
    with Script(**{".": Act.HANG_UP}) as server:
        assert send(store, issue, smtp(server.port), policy=policy).states == {S.UNCERTAIN: 1}
        assert send(store, issue, smtp(server.port), policy=policy).states == {}
        later = send(store, issue, smtp(server.port), policy=policy, now=NOW + timedelta(days=1))
        assert later.states == ({S.SENT: 1} if resend else {})
        assert states(store, issue) == [S.SENT if resend else S.UNCERTAIN]
        assert len(server.texts) == 1 + resend
        assert len(set(server.texts)) == 1  # the same Message-ID, by which a reader's program can tell


def test_what_somebody_else_has_taken_over_is_not_sent(store: Store, tmp_path: Path) -> None:
    """The lease ran out while the message was made, and another sender claimed it."""
    issue, _ = queued(store, 1)
    plain = PlainLetters(store)

    def letters(claimed: Sequence[Delivery]) -> dict[int, Callable[[], Message] | Outcome]:
        late = datetime.now(UTC) + 2 * LEASE
        store.deliveries.claim([issue.key], owner="somebody else", due=NOW, now=late, lease=LEASE, limit=9)
        return plain(claimed)

    transport = MaildirTransport(tmp_path / "mail")
    dispatcher = Dispatcher(
        store.deliveries,
        store.allowances,
        transport,
        letters,
        Policy(),
        connections=1,
    )
    assert dispatcher.run([issue.key], now=NOW, limit=None, progress=None).states == {}
    assert not arrived(tmp_path / "mail")
    assert store.deliveries.owners() == ["somebody else"]


def test_no_more_than_so_many_a_second_are_sent(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 25)
    began = time.monotonic()
    send(store, issue, MaildirTransport(tmp_path / "mail"), policy=Policy(per_second=20))
    assert time.monotonic() - began >= 1.0
    assert arrived(tmp_path / "mail") == once(store, issue)


def test_no_more_than_so_many_go_to_one_domain_and_the_run_waits_for_the_rest(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 11)
    began = time.monotonic()
    policy = Policy(per_domain=Quota(4, timedelta(seconds=0.5)))
    assert send(store, issue, MaildirTransport(tmp_path / "mail"), policy=policy).states == {S.SENT: 11}
    assert time.monotonic() - began >= 1.0
    assert {row.attempts for row in rows(store, issue)} == {1}
    assert arrived(tmp_path / "mail") == once(store, issue)


def test_a_quota_of_all_senders_ends_the_run_and_the_rest_waits(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 30)
    transport, hour = MaildirTransport(tmp_path / "mail"), Quota(20, timedelta(hours=1))
    assert send(store, issue, transport, limit=5, policy=Policy(quotas=(hour,))).states == {S.SENT: 5}
    tally = send(store, issue, transport, policy=Policy(quotas=(Quota(1000, timedelta(days=1)), hour)))
    assert (tally.states, tally.held) == ({S.SENT: 15}, hour)
    again = send(store, issue, transport, policy=Policy(quotas=(hour,)))
    assert (again.states, again.held) == ({}, hour)
    assert send(store, issue, transport).states == {S.SENT: 10}


def test_a_domain_that_wants_to_be_left_alone_is_and_the_others_get_their_mail(store: Store, smtp_sink: Sink) -> None:
    issue, _ = queued(store, 10)
    elsewhere = [new_subscriber(f"q{n}@elsewhere.test") for n in range(3)]
    store.subscribers.replace(elsewhere, now=NOW)
    everyone = {one.email: one for one in store.subscribers.all()}
    editions = [edition(issue, everyone[one.email], 1) for one in elsewhere]
    store.issues.publish(editions, message_ids(editions), now=NOW)
    smtp_sink.mailbox.answer("RCPT", *["451 4.7.1 too much mail from you"] * 3)
    assert send(store, issue, smtp(smtp_sink.port), connections=1).states == {S.DEFERRED: 3, S.SENT: 3}
    assert {mail.recipient for mail in smtp_sink.received} == {one.email for one in elsewhere}
    # Those that were put off were no attempts, and are due when the domain has rested.
    assert [(row.state, row.attempts) for row in rows(store, issue)[3:10]] == [(S.QUEUED, 0)] * 7
    assert send(store, issue, smtp(smtp_sink.port), now=NOW + 3 * MINUTE).states == {S.SENT: 7}
    assert store.deliveries.owners() == []


def test_when_too_many_messages_fail_the_run_is_broken_off(store: Store, smtp_sink: Sink) -> None:
    issue, _ = queued(store, 200)
    smtp_sink.mailbox.answer("RCPT", *["554 5.7.1 your address is blocked"] * 60)
    tally = send(store, issue, smtp(smtp_sink.port), policy=Policy(pause_at=0.3))
    assert str(tally.alarm) == "50 of the last 50 messages failed or bounced"
    assert 50 <= tally.states[S.FAILED] < 50 + CONNECTIONS
    assert not smtp_sink.received
    assert set(states(store, issue)) == {S.FAILED, S.QUEUED}
    assert store.deliveries.owners() == []


def test_an_issue_that_is_paused_while_it_goes_out_stops_with_what_is_in_hand(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 200)
    dispatcher = Dispatcher(
        store.deliveries, store.allowances, MaildirTransport(tmp_path / "mail"), PlainLetters(store), Policy(),
        connections=1,
    )  # fmt: skip
    pauses = iter([lambda: store.issues.set_state(issue, IssueState.PAUSED)])
    tally = dispatcher.run([issue.key], now=NOW, limit=None, progress=lambda _: next(pauses, lambda: None)())
    assert 0 < tally.states[S.SENT] < 100
    assert Counter(states(store, issue)) == {S.SENT: tally.states[S.SENT], S.QUEUED: 200 - tally.states[S.SENT]}
    assert store.deliveries.owners() == []
    store.issues.set_state(issue, IssueState.OPEN)
    send(store, issue, MaildirTransport(tmp_path / "mail"))
    assert arrived(tmp_path / "mail") == once(store, issue)


def test_what_could_not_be_delivered_in_time_is_given_up(store: Store, smtp_sink: Sink) -> None:
    issue, _ = queued(store, 4)
    smtp_sink.mailbox.answer("RCPT", "450 4.2.0 full")
    with Script(**{".": Act.HANG_UP}) as server:
        send(store, issue, smtp(server.port), limit=1, connections=1, policy=Policy(resend_uncertain=True))
    send(store, issue, smtp(smtp_sink.port), limit=2, connections=1)
    assert states(store, issue) == [S.UNCERTAIN, S.DEFERRED, S.SENT, S.QUEUED]
    day = timedelta(days=1)
    assert give_up(store.turns, [issue.key], None, now=NOW + 9 * day) == {}
    assert give_up(store.turns, [issue.key], 2 * day, now=NOW + 2 * day) == {}
    became = give_up(store.turns, [issue.key], 2 * day, now=NOW + 2 * day + MINUTE)
    assert became == {S.SKIPPED: 1, S.FAILED: 1, S.UNCERTAIN: 1}
    assert states(store, issue) == [S.UNCERTAIN, S.FAILED, S.SENT, S.SKIPPED]
    why = "expired: it could not be delivered within 48 hours"
    assert [row.response for row in rows(store, issue)][1::2] == [f"{why}; before: 450 4.2.0 full", why]
    assert send(store, issue, smtp(smtp_sink.port), now=NOW + 9 * day).states == {}
    assert give_up(store.turns, [issue.key], 2 * day, now=NOW + 9 * day) == {}


def test_doubt_stays_when_a_reader_leaves_before_it_is_sent_again(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 1)
    policy = Policy(resend_uncertain=True)
    with Script(**{".": Act.HANG_UP}) as server:
        send(store, issue, smtp(server.port), policy=policy)
    store.subscribers.replace([new_subscriber("p1@example.test", status=SubscriberStatus.UNSUBSCRIBED)], now=NOW)
    transport = MaildirTransport(tmp_path / "mail")
    assert send(store, issue, transport, policy=policy, now=NOW + timedelta(days=1)).states == {S.UNCERTAIN: 1}
    assert send(store, issue, transport, policy=policy, now=NOW + timedelta(days=2)).states == {}
    assert not arrived(tmp_path / "mail")


def test_progress_is_told_message_by_message(store: Store, tmp_path: Path) -> None:
    issue, _ = queued(store, 9)
    steps: list[int] = []
    transport = MaildirTransport(tmp_path / "mail")
    dispatcher = Dispatcher(
        store.deliveries, store.allowances, transport, PlainLetters(store), Policy(), connections=CONNECTIONS
    )
    dispatcher.run([issue.key], now=NOW, limit=None, progress=steps.append)
    assert steps == [1] * 9


class Slow(Sink):
    """Takes so many messages, then keeps each connection waiting; `keep` tells whether it has taken what it holds."""

    def __init__(self, *, free: int, keep: bool) -> None:
        super().__init__()
        self.waiting: queue.Queue[str] = queue.Queue()
        self._free, self._keep = free, keep
        self._let_go = asyncio.Event()
        self.handler.handle_DATA = self.handle_data
        self._take = type(self.mailbox).handle_DATA

    async def handle_data(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self._free > 0 or self._let_go.is_set():
            self._free -= 1
            return await self._take(self.mailbox, server, session, envelope)
        if self._keep:
            await self._take(self.mailbox, server, session, envelope)
        self.waiting.put(envelope.rcpt_tos[0])
        await self._let_go.wait()
        return "250 taken at last" if self._keep else await self._take(self.mailbox, server, session, envelope)

    def let_go(self) -> None:
        self.loop.call_soon_threadsafe(self._let_go.set)


@contextmanager
def slow(*, free: int, keep: bool) -> Iterator[Slow]:
    server = Slow(free=free, keep=keep)
    server.start()
    try:
        yield server
    finally:
        server.let_go()
        server.stop()


@contextmanager
def sender(url: str, where: object, issue: Issue, connections: int = CONNECTIONS) -> Iterator[subprocess.Popen[str]]:
    """Run another process that sends; it is waited for at the end, as a dead one would still be there otherwise."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", SENDER, url, str(where), str(issue.key), str(connections)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("resend", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_a_sender_killed_in_mid_send_leaves_one_message_a_connection_in_doubt_and_loses_none(
    store: Store, url: str, keep: bool, resend: bool
) -> None:
    issue, _ = queued(store, 40)
    with slow(free=10, keep=keep) as server, sender(url, server.port, issue) as process:
        in_doubt = {server.waiting.get(timeout=30) for _ in range(CONNECTIONS)}
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        before = taken(server)
    assert Counter(states(store, issue)) == {S.SENT: 10, S.SENDING: CONNECTIONS, S.QUEUED: 27}
    assert recover(store.deliveries, resend=resend) == CONNECTIONS
    uncertain = {row.message_id for row in rows(store, issue) if row.state is S.UNCERTAIN}
    assert len(uncertain) == len(in_doubt) == CONNECTIONS

    with sink() as other:
        send(store, issue, smtp(other.port), policy=Policy(resend_uncertain=resend))
        after = taken(other)
    everyone = once(store, issue)
    doubled = Counter({name: int(keep and resend) for name in uncertain})
    missing = Counter({name: int(not keep and not resend) for name in uncertain})
    assert before + after == everyone + doubled - missing
    expected = {S.SENT: 40} if resend else {S.SENT: 37, S.UNCERTAIN: CONNECTIONS}
    assert Counter(states(store, issue)) == expected
    assert store.deliveries.owners() == []


def test_a_sender_killed_while_it_writes_files_loses_none(store: Store, url: str, tmp_path: Path) -> None:
    issue, _ = queued(store, 100)
    folder = tmp_path / "mail"
    with sender(url, folder, issue) as process:
        assert process.stdout is not None
        for _ in range(20):
            assert process.stdout.readline().startswith("one more")
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    in_doubt = recover(store.deliveries, resend=True)
    assert in_doubt <= CONNECTIONS
    assert S.QUEUED in states(store, issue)
    send(store, issue, MaildirTransport(folder), policy=Policy(resend_uncertain=True))
    assert set(states(store, issue)) == {S.SENT}
    found = arrived(folder)
    assert found.keys() == once(store, issue).keys()
    assert sum(found.values()) - len(found) <= in_doubt
    assert max(found.values()) <= 2


@pytest.mark.parametrize("connections", [1, CONNECTIONS])
def test_a_sender_that_is_interrupted_finishes_what_is_on_its_way(store: Store, url: str, connections: int) -> None:
    issue, _ = queued(store, 300)
    with slow(free=4, keep=False) as server, sender(url, server.port, issue, connections) as process:
        for _ in range(connections):
            server.waiting.get(timeout=30)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert any(line == "stopping\n" for line in process.stdout)
        server.let_go()
        output, _ = process.communicate(timeout=30)
        found = taken(server)
    assert output.endswith("interrupted\n")
    sent = [row.message_id for row in rows(store, issue) if row.state is S.SENT]
    assert found == Counter(sent)
    assert set(states(store, issue)) == {S.SENT, S.QUEUED}
    assert 4 + connections <= len(sent) < 300
    assert store.deliveries.owners() == []


def test_only_the_dead_are_taken_for_dead(store: Store) -> None:
    issue, _ = queued(store, 4)
    host = socket.gethostname()[:60]
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait(30)
    alive = [owner_name(), f"another.machine:{gone.pid}:0a1b2c3d", f"{host}:1:0a1b2c3d"]
    now = datetime.now(UTC)
    for owner in (*alive, f"{host}:{gone.pid}:0a1b2c3d"):
        [row] = store.deliveries.claim([issue.key], owner=owner, due=NOW, now=now, lease=LEASE, limit=1)
        store.deliveries.start([row.key], owner=owner, now=now, lease=LEASE)
    assert recover(store.deliveries, resend=False) == 1
    assert sorted(store.deliveries.owners()) == sorted(alive)
    assert states(store, issue) == [S.SENDING] * 3 + [S.UNCERTAIN]


def test_who_is_dead_on_another_machine_is_known_by_the_lease(store: Store) -> None:
    issue, _ = queued(store, 2)
    for owner, began in (("other:1:a", datetime.now(UTC) - 2 * LEASE), ("other:2:b", datetime.now(UTC))):
        [row] = store.deliveries.claim([issue.key], owner=owner, due=NOW, now=began, lease=LEASE, limit=1)
        store.deliveries.start([row.key], owner=owner, now=began, lease=LEASE)
    assert recover(store.deliveries, resend=False) == 1
    assert states(store, issue) == [S.UNCERTAIN, S.SENDING]


def test_what_the_dead_of_another_machine_had_only_claimed_is_soon_sent_by_others(store: Store, tmp_path: Path) -> None:
    """And what they were sending is left, as a host that was cut off may be sending it still."""
    issue, _ = queued(store, 5)
    began = datetime.now(UTC) - CLAIM - timedelta(seconds=30)
    claimed = store.deliveries.claim([issue.key], owner="other:1:a", due=NOW, now=began, lease=CLAIM, limit=3)
    begun = [claimed[0].key, claimed[1].key]
    assert store.deliveries.start(begun[:1], owner="other:1:a", now=began, lease=LEASE) == set(begun[:1])
    assert recover(store.deliveries, resend=True) == 0
    assert send(store, issue, MaildirTransport(tmp_path / "mail")).states == {S.SENT: 4}
    assert states(store, issue) == [S.SENDING, *[S.SENT] * 4]
    assert store.deliveries.start(begun[1:], owner="other:1:a", now=began, lease=LEASE) == set()  # if they come back


def test_what_waits_for_a_slow_server_stays_claimed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue, _ = queued(store, 4)
    renewed: list[list[datetime]] = []
    plain, renew = PlainLetters(store), store.deliveries.renew
    slow = threading.Event()

    def told(owner: str, *, until: datetime) -> None:
        renew(owner, until=until)
        with store._database.reading() as connection:
            waiting = sa.select(deliveries.c.leased_until).where(deliveries.c.state == S.QUEUED.value)
            renewed.append(list(connection.scalars(waiting)))
        slow.set()

    def letters(claimed: Sequence[Delivery]) -> Mapping[int, Callable[[], Message] | Outcome]:
        made = plain(claimed)

        def first() -> Message | Outcome:
            assert slow.wait(30)
            letter = made[claimed[0].key]
            return letter if isinstance(letter, Outcome) else letter()

        return {**made, claimed[0].key: first}  # type: ignore[dict-item]

    monkeypatch.setattr(dispatch, "_RENEWED", 0.2)
    monkeypatch.setattr(store.deliveries, "renew", told)
    dispatcher = Dispatcher(
        store.deliveries, store.allowances, MaildirTransport(tmp_path / "mail"), letters, Policy(), connections=1
    )
    start = datetime.now(UTC)
    tally = dispatcher.run([issue.key], now=NOW, limit=None, progress=None)
    assert tally.states == {S.SENT: 4}
    assert len(renewed[0]) == 4
    assert min(renewed[0]) >= start + CLAIM + timedelta(seconds=0.2)


def test_no_two_senders_have_one_name() -> None:
    names = {owner_name() for _ in range(50)}
    assert len(names) == 50
    assert all(len(name) <= 100 for name in names)
