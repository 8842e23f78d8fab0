"""Several mail servers: shares, rests, and no message lost or doubled when one of them fails."""

from __future__ import annotations

import ssl
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import Relay, SmtpSecurity
from newsletter.delivery.relays import Relays, Roster
from newsletter.errors import TransportError
from newsletter.model import DeliveryState
from tests.delivery.messages import message
from tests.delivery.servers import HOST, Act, Answer, Script, Sink, sink


def relay(port: int, *, weight: int = 1) -> Relay:
    return Relay(host=HOST, port=port, timeout=10, weight=weight)


def unused() -> int:
    with sink() as gone:
        return gone.port


def recipients(server: Sink) -> list[str]:
    return [one.recipient for one in server.received]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6), st.sets(st.integers(0, 5)), st.floats(0, 1, exclude_max=True)
)
def test_the_choice_is_one_that_was_not_tried_and_of_weight_where_any_has(
    weights: list[int], tried: set[int], dice: float
) -> None:
    chosen = Roster(weights).choose(tried, 0.0, dice)
    left = set(range(len(weights))) - tried
    assert (chosen is None) == (not left)
    if chosen is not None:
        assert chosen in left
        assert weights[chosen] or not any(weights[n] for n in left)


def test_shares_are_as_the_weights() -> None:
    roster = Roster([3, 1, 0])
    chosen = Counter(roster.choose(set(), 0.0, n / 400) for n in range(400))
    assert chosen == {0: 300, 1: 100}


def test_one_that_fails_rests_longer_and_longer_and_is_tried_again() -> None:
    roster, now, rests = Roster([1, 0]), 0.0, []
    for _ in range(8):
        assert roster.choose(set(), now, 0.0) == 0
        roster.failed(0, now)
        roster.failed(0, now)  # another connection says the same
        assert roster.choose(set(), now, 0.0) == 1
        rest = next(seconds for seconds in range(1, 2000) if roster.choose(set(), now + seconds, 0.0) == 0)
        rests.append(rest)
        now += rest
    assert rests == [30, 60, 120, 240, 480, 900, 900, 900]
    roster.worked(0)
    roster.failed(0, now)
    assert roster.choose(set(), now + 30, 0.0) == 0


def test_both_servers_get_mail_and_every_message_goes_once() -> None:
    with sink() as one, sink() as other, Relays([relay(one.port), relay(other.port)]).session() as session:
        for number in range(60):
            sent = message(recipient=f"p{number}@example.test", number=number)
            assert session.deliver(sent).state is DeliveryState.SENT
    assert one.received
    assert other.received
    assert sorted(recipients(one) + recipients(other)) == sorted(f"p{n}@example.test" for n in range(60))
    assert len(one.mailbox.connections) == len(other.mailbox.connections) == 1


def test_while_one_server_is_gone_the_other_takes_all() -> None:
    with sink() as other, Relays([relay(unused(), weight=1000), relay(other.port, weight=0)]).session() as session:
        assert [session.deliver(message(number=n)).state for n in range(5)] == [DeliveryState.SENT] * 5
    assert len(other.received) == 5


@pytest.mark.parametrize(
    "fault", ["421 4.3.2 shutting down", "530 5.7.0 log in first", Act.HANG_UP, Act.RESET], ids=str
)
def test_a_server_that_takes_no_mail_any_more_costs_no_message(fault: Answer) -> None:
    with Script(MAIL=["250 OK", fault, fault]) as broken, sink() as other:
        relays = Relays([relay(broken.port), relay(other.port, weight=0)])
        with relays.session() as session:
            states = [session.deliver(message(number=n)).state for n in range(4)]
    assert states == [DeliveryState.SENT] * 4
    assert (len(broken.texts), len(other.received)) == (1, 3)


def test_doubt_is_not_passed_on_to_another_server() -> None:
    with Script(**{".": Act.HANG_UP}) as broken, sink() as other:
        relays = Relays([relay(broken.port), relay(other.port, weight=0)])
        with relays.session() as session:
            assert session.deliver(message()).state is DeliveryState.UNCERTAIN
    assert not other.received


def test_a_refusal_is_the_messages_own_and_is_not_shopped_around() -> None:
    with Script(RCPT="550 5.1.1 no such user") as refusing, sink() as other:
        relays = Relays([relay(refusing.port), relay(other.port, weight=0)])
        with relays.session() as session:
            assert session.deliver(message()).state is DeliveryState.BOUNCED
    assert not other.received


def test_a_wrong_certificate_is_a_failure_of_that_server_alone(server_tls: ssl.SSLContext) -> None:
    with sink(tls_context=server_tls) as distrusted, sink() as other:
        bad = Relay(host=HOST, port=distrusted.port, security=SmtpSecurity.STARTTLS, timeout=10)
        relays = Relays([bad, relay(other.port, weight=0)])
        with relays.session() as session:
            assert session.deliver(message()).state is DeliveryState.SENT
    assert not distrusted.received


def test_when_none_can_be_used_each_is_named_with_what_is_wrong() -> None:
    one, other = unused(), unused()
    with Relays([relay(one), relay(other)]).session() as session:
        for _ in range(2):  # the second time both rest, and what was wrong is known all the same
            with pytest.raises(TransportError, match="no mail server can be used") as caught:
                session.deliver(message())
            assert f"{HOST}:{one}" in caught.value.message
            assert f"{HOST}:{other}" in caught.value.message
            assert caught.value.hint
