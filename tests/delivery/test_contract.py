"""What every transport keeps to, whatever it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsletter.config import Smtp
from newsletter.delivery.maildir import MaildirTransport
from newsletter.delivery.null import NullTransport
from newsletter.delivery.ses import SesTransport
from newsletter.delivery.smtp import SmtpTransport
from newsletter.delivery.transport import RESPONSE_LENGTH, Transport
from newsletter.model import DeliveryState
from tests.delivery.amazon import Amazon
from tests.delivery.messages import message
from tests.delivery.servers import HOST, Sink


@dataclass(frozen=True)
class Case:
    transport: Transport
    arrived: Callable[[], list[bytes]] | None


@pytest.fixture(params=["maildir", "smtp", "ses", "null"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "maildir":
        folder = tmp_path / "mail"
        return Case(MaildirTransport(folder), lambda: [file.read_bytes() for file in (folder / "new").iterdir()])
    if request.param == "smtp":
        server: Sink = request.getfixturevalue("smtp_sink")
        settings = Smtp(host=HOST, port=server.port, timeout=10)
        return Case(SmtpTransport(settings, waits=()), lambda: [mail.content for mail in server.received])
    if request.param == "ses":
        amazon: Amazon = request.getfixturevalue("amazon")
        return Case(SesTransport(amazon.account(), waits=()), lambda: [one.data for one in amazon.received])
    return Case(NullTransport(), None)


def test_a_message_is_sent_and_the_response_is_one_line(case: Case) -> None:
    with case.transport.session() as session:
        outcome = session.deliver(message())
    assert outcome.state is DeliveryState.SENT
    assert outcome.response.isprintable()
    assert 0 < len(outcome.response) <= RESPONSE_LENGTH


def test_the_bytes_arrive_as_they_are(case: Case) -> None:
    sent = message(b"..\r\n.\r\nFrom here\r\n=C3=A9\r\n" + b"x" * 998 + b"\r\n\r\n")
    with case.transport.session() as session:
        session.deliver(sent)
    assert case.arrived is None or case.arrived() == [sent.data]


def test_a_session_takes_many_messages_and_a_transport_many_sessions(case: Case) -> None:
    for number in range(3):
        with case.transport.session() as session:
            states = {session.deliver(message(number=10 * number + i)).state for i in range(3)}
        assert states == {DeliveryState.SENT}
    assert case.arrived is None or len(set(case.arrived())) == 9


def test_sessions_of_several_threads_do_not_disturb_each_other(case: Case) -> None:
    together = threading.Barrier(4, timeout=10)

    def deliver(thread: int) -> set[DeliveryState]:
        with case.transport.session() as session:
            together.wait()
            return {session.deliver(message(number=100 * thread + i)).state for i in range(20)}

    with ThreadPoolExecutor(4) as pool:
        states = set().union(*pool.map(deliver, range(4)))
    assert states == {DeliveryState.SENT}
    assert case.arrived is None or len(set(case.arrived())) == 80


def test_a_session_ends_when_its_block_is_left_by_an_error(case: Case) -> None:
    with pytest.raises(ZeroDivisionError), case.transport.session() as session:
        session.deliver(message(number=1 // 0))


def test_the_null_transport_says_that_nothing_was_sent() -> None:
    with NullTransport().session() as session:
        assert session.deliver(message()).response == "not sent: the null transport"
