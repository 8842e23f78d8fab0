"""What becomes of a message when the server does what servers do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from newsletter.config import Smtp
from newsletter.delivery.smtp import SmtpSession, SmtpTransport
from newsletter.delivery.transport import RESPONSE_LENGTH
from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Message, Outcome
from tests.delivery.messages import RECIPIENT, SENDER, message
from tests.delivery.servers import HOST, Act, Answer, Script, Sink, sink

PIPELINING = pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["one by one", "pipelining"])


@contextmanager
def session_with(port: int, timeout: float = 10) -> Iterator[SmtpSession]:
    settings = Smtp(host=HOST, port=port, timeout=timeout)
    with SmtpTransport(settings, waits=()).session() as session:
        yield session


def outcome_of(sent: Message, server: Script, timeout: float = 10) -> Outcome:
    with session_with(server.port, timeout) as session:
        return session.deliver(sent)


@PIPELINING
@pytest.mark.parametrize(
    ("verb", "reply", "state"),
    [
        ("MAIL", "451 4.3.0 try later", DeliveryState.DEFERRED),
        ("MAIL", "550 5.1.8 bad sender", DeliveryState.FAILED),
        ("RCPT", "450 4.2.0 greylisted", DeliveryState.DEFERRED),
        ("RCPT", "550 5.1.1 no such user", DeliveryState.BOUNCED),
        ("RCPT", "550 no such user", DeliveryState.BOUNCED),
        ("RCPT", "553 5.1.3 bad address", DeliveryState.BOUNCED),
        ("RCPT", "550 5.2.1 mailbox disabled", DeliveryState.BOUNCED),
        ("RCPT", "556 5.1.10 the domain takes no mail", DeliveryState.BOUNCED),
        ("RCPT", "552 5.2.2 mailbox full", DeliveryState.FAILED),
        ("RCPT", "550 5.1.8 sender address rejected", DeliveryState.FAILED),
        ("RCPT", "554 5.7.1 relay access denied", DeliveryState.FAILED),
        ("RCPT", "503 bad sequence of commands", DeliveryState.FAILED),
        ("DATA", "451 4.3.0 try later", DeliveryState.DEFERRED),
        ("DATA", "554 5.5.1 no", DeliveryState.FAILED),
        ("DATA", "250 what", DeliveryState.DEFERRED),
        (".", "452 4.3.1 disk full", DeliveryState.DEFERRED),
        (".", "554 5.7.1 looks like spam", DeliveryState.FAILED),
        (".", "354 what", DeliveryState.UNCERTAIN),
        (".", "??? nonsense", DeliveryState.UNCERTAIN),
    ],
)
def test_the_reply_and_its_place_decide(verb: str, reply: str, state: DeliveryState, offers: tuple[str, ...]) -> None:
    with Script(offers, **{verb: reply}) as server, session_with(server.port) as session:
        outcome = session.deliver(message(number=1))
        assert outcome.state is state
        assert reply.split(" ", 1)[-1] in outcome.response
        # And the next message goes its way, on this connection or another.
        if verb != "RCPT" or not offers:
            assert session.deliver(message(number=2)).state is DeliveryState.SENT


def test_a_refused_transaction_is_reset_and_the_connection_kept() -> None:
    with Script(RCPT="550 5.1.1 no such user") as server, session_with(server.port) as session:
        session.deliver(message())
        session.deliver(message())
    verbs = [re.split(r"[ :]", command)[0].upper() for command in server.heard]
    assert verbs == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]
    assert server.connections == 1


def test_a_server_that_does_not_reset_is_left() -> None:
    with Script(RCPT="550 no such user", RSET="500 what") as server, session_with(server.port) as session:
        session.deliver(message())
        assert session.deliver(message()).state is DeliveryState.SENT
    assert server.connections == 2


def test_pipelined_commands_go_out_together_and_every_reply_is_read() -> None:
    replies = {"RCPT": "550 5.1.1 no such user", "DATA": "554 5.5.1 no valid recipients"}
    with Script(["PIPELINING"], **replies) as server, session_with(server.port) as session:
        assert session.deliver(message()).state is DeliveryState.BOUNCED
        assert session.deliver(message()).state is DeliveryState.SENT
    assert server.connections == 1
    assert len(server.texts) == 1


def test_a_server_that_wants_a_text_for_a_refused_recipient_gets_none() -> None:
    with Script(["PIPELINING"], RCPT="550 5.1.1 no such user") as server, session_with(server.port) as session:
        assert session.deliver(message(number=1)).state is DeliveryState.BOUNCED
        assert session.deliver(message(number=2)).state is DeliveryState.SENT
    assert server.connections == 2
    assert [b"<2@newsletter.test>" in text for text in server.texts] == [True]


@pytest.mark.parametrize("reply", ["530 5.7.0 Authentication required", "530 Must issue a STARTTLS command first"])
def test_a_server_that_wants_a_login_costs_no_message(reply: str) -> None:
    with Script(MAIL=reply) as server, pytest.raises(TransportError, match=reply) as caught:
        outcome_of(message(), server)
    assert "smtp.username" in caught.value.hint
    assert f"{HOST}:{server.port}" in caught.value.message


@PIPELINING
@pytest.mark.parametrize("end", [Act.HANG_UP, Act.RESET, "421 4.4.2 idle too long"], ids=str)
def test_a_connection_that_ended_before_mail_is_renewed_at_once(end: Answer, offers: tuple[str, ...]) -> None:
    with Script(offers, MAIL=["250 OK", end]) as server, session_with(server.port) as session:
        assert session.deliver(message(number=1)).state is DeliveryState.SENT
        assert session.deliver(message(number=2)).state is DeliveryState.SENT
    assert server.connections == 2
    assert len(server.texts) == 2


@pytest.mark.parametrize("end", [Act.HANG_UP, "421 4.3.2 shutting down"], ids=str)
def test_a_server_that_ends_every_connection_at_mail_defers(end: Answer) -> None:
    with Script(MAIL=[end, end, end]) as server:
        outcome = outcome_of(message(), server)
    assert outcome.state is DeliveryState.DEFERRED
    assert server.connections == 2


def test_a_server_that_is_gone_for_good_in_mid_session_is_a_transport_error() -> None:
    with Script() as server, session_with(server.port) as session:
        assert session.deliver(message()).state is DeliveryState.SENT
        server.stop()
        with pytest.raises(TransportError, match="cannot connect"):
            session.deliver(message())


@PIPELINING
@pytest.mark.parametrize("verb", ["RCPT", "DATA", "TEXT"])
@pytest.mark.parametrize("end", [Act.HANG_UP, Act.RESET, "421 4.3.2 shutting down"], ids=str)
def test_a_connection_that_ends_before_the_final_dot_defers(verb: str, end: Answer, offers: tuple[str, ...]) -> None:
    # A text this long cannot be in the network's buffers whole when the server stops to read it.
    long = message(b"x" * 70 + b"\r\n" + b"y" * 998 + b"\r\n" * 10_000_000)
    with Script(offers, **{verb: end}) as server, session_with(server.port) as session:
        assert session.deliver(long).state is DeliveryState.DEFERRED
        assert not server.texts
        assert session.deliver(message()).state is DeliveryState.SENT


@PIPELINING
@pytest.mark.parametrize("end", [Act.HANG_UP, Act.RESET], ids=str)
def test_a_connection_that_ends_after_the_final_dot_leaves_doubt(end: Act, offers: tuple[str, ...]) -> None:
    with Script(offers, **{".": end}) as server, session_with(server.port) as session:
        outcome = session.deliver(message())
        assert outcome.state is DeliveryState.UNCERTAIN
        assert "connection lost" in outcome.response
        assert session.deliver(message()).state is DeliveryState.SENT


def test_a_server_that_is_silent_after_the_final_dot_leaves_doubt() -> None:
    with Script(**{".": Act.SILENCE}) as server:
        outcome = outcome_of(message(), server, timeout=0.03)
    assert outcome.state is DeliveryState.UNCERTAIN
    assert "timed out" in outcome.response


@pytest.mark.parametrize("verb", ["RCPT", "DATA"])
def test_a_server_that_is_silent_before_the_text_defers(verb: str) -> None:
    with Script(**{verb: Act.SILENCE}) as server:
        assert outcome_of(message(), server, timeout=0.2).state is DeliveryState.DEFERRED


def test_a_server_that_closes_after_it_said_421_to_the_text_has_not_taken_it() -> None:
    with Script(**{".": "421 4.3.2 shutting down"}) as server, session_with(server.port) as session:
        assert session.deliver(message()).state is DeliveryState.DEFERRED
        assert session.deliver(message()).state is DeliveryState.SENT


def test_dots_at_the_beginning_of_lines_arrive_as_they_are(smtp_sink: Sink) -> None:
    bodies = [b".\r\n..\r\n.x\r\n", b"last line\r\n.", b"", b".", b"..", b"\r\n.\r\n\r\n..\r\n"]
    with session_with(smtp_sink.port) as session:
        for number, body in enumerate(bodies):
            session.deliver(message(body, number=number))
    wanted = [message(body, number=number).data for number, body in enumerate(bodies)]
    assert [mail.content for mail in smtp_sink.received] == [
        data if data.endswith(b"\r\n") else data + b"\r\n" for data in wanted
    ]


def test_a_message_that_begins_with_a_dot_is_stuffed() -> None:
    sent = message()
    bare = Message(sent.recipient, sent.envelope_sender, sent.message_id, "", "", "", b".hidden: 1\r\n\r\n")
    with Script() as server:
        outcome_of(bare, server)
    assert server.texts == [b"..hidden: 1\r\n\r\n.\r\n"]


def test_the_longest_line_that_is_allowed_arrives_and_a_longer_one_is_refused(smtp_sink: Sink) -> None:
    with session_with(smtp_sink.port) as session:
        assert session.deliver(message(b"x" * 998 + b"\r\n")).state is DeliveryState.SENT
        refused = session.deliver(message(b"x" * 1200 + b"\r\n"))
        assert session.deliver(message()).state is DeliveryState.SENT
    assert refused.state is DeliveryState.FAILED
    assert "too long" in refused.response


@pytest.mark.parametrize("body", [b"a\nb\r\n", b"a\rb\r\n", b"a\n.\nMAIL FROM:<x@example.test>\r\n", b"a\r\r\n"])
def test_bare_line_ends_are_never_sent(body: bytes, smtp_sink: Sink) -> None:
    with session_with(smtp_sink.port) as session:
        outcome = session.deliver(message(body))
    assert outcome.state is DeliveryState.FAILED
    assert "CRLF" in outcome.response
    assert not smtp_sink.received


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.test",
        "ada@",
        "a b@example.test",
        "a>@example.test",
        "a@b@c",
        "ada@example.test\r\nDATA",
        "a\x00@example.test",
        "\udce9@example.test",
        "ada@exa mple.test",
        "ada@\u0300.test",
    ],
)
def test_what_is_no_address_never_reaches_the_server(address: str, smtp_sink: Sink) -> None:
    with session_with(smtp_sink.port) as session:
        outcome = session.deliver(message(recipient=address))
        assert outcome.state is DeliveryState.FAILED
        assert outcome.response.isprintable()
        assert session.deliver(message()).state is DeliveryState.SENT


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ('"ada b"@example.test', '"ada b"@example.test'),
        ("o'brien+x@example.test", "o'brien+x@example.test"),
        ("ada@[127.0.0.1]", "ada@[127.0.0.1]"),
        ("ada@bücher.test", "ada@xn--bcher-kva.test"),
        ("ada@straße.test", "ada@xn--strae-oqa.test"),
    ],
)
def test_addresses_are_said_as_smtp_wants_them(address: str, said: str) -> None:
    with Script(["SMTPUTF8", "8BITMIME"]) as server:
        outcome_of(message(recipient=address), server)
    assert server.heard[1:3] == [f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{said}>"]


def test_a_recipient_outside_ascii_needs_smtputf8_and_gets_it_where_it_is_offered(smtp_sink: Sink) -> None:
    sent = message(recipient="jürgen@example.test")
    with session_with(smtp_sink.port) as session:
        assert session.deliver(sent).state is DeliveryState.SENT
    with Script() as server:
        refused = outcome_of(sent, server)
    assert smtp_sink.received[0].recipient == "jürgen@example.test"
    assert "SMTPUTF8" in smtp_sink.received[0].mail_options
    assert refused.state is DeliveryState.FAILED
    assert "SMTPUTF8" in refused.response
    assert not any(command.startswith("MAIL") for command in server.heard)


def test_eight_bit_text_is_announced_or_refused(smtp_sink: Sink) -> None:
    sent = message("é\r\n".encode())
    with session_with(smtp_sink.port) as session:
        session.deliver(sent)
    with Script() as server:
        refused = outcome_of(sent, server)
    assert "BODY=8BITMIME" in smtp_sink.received[0].mail_options
    assert "SMTPUTF8" not in smtp_sink.received[0].mail_options
    assert smtp_sink.received[0].content == sent.data
    assert refused.state is DeliveryState.FAILED


def test_seven_bit_mail_asks_for_nothing_but_its_size() -> None:
    sent = message()
    with Script(["SIZE 1000000", "8BITMIME", "SMTPUTF8"]) as server:
        outcome_of(sent, server)
    assert server.heard[1] == f"MAIL FROM:<{SENDER}> SIZE={len(sent.data)}"


@pytest.mark.parametrize(
    ("sender", "said"),
    [
        (SENDER, f"RCPT TO:<{RECIPIENT}> NOTIFY=FAILURE ORCPT=rfc822;{RECIPIENT}"),
        ("", f"RCPT TO:<{RECIPIENT}> NOTIFY=NEVER ORCPT=rfc822;{RECIPIENT}"),
    ],
)
def test_where_reports_are_offered_one_of_failures_is_asked_for(sender: str, said: str) -> None:
    with Script(("DSN",)) as server:
        assert outcome_of(message(sender=sender), server).state is DeliveryState.SENT
    assert f"MAIL FROM:<{sender}> RET=HDRS" in server.heard
    assert said in server.heard


def test_an_original_recipient_is_written_as_a_parameter_may_hold_it() -> None:
    with Script(("DSN",)) as server:
        outcome_of(message(recipient="a+b=c@example.test"), server)
    assert "RCPT TO:<a+b=c@example.test> NOTIFY=FAILURE ORCPT=rfc822;a+2Bb+3Dc@example.test" in server.heard


@PIPELINING
@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_a_server_that_refuses_what_it_offered_is_asked_without_it(verb: str, offers: tuple[str, ...]) -> None:
    refusals: list[Answer] = ["555 5.5.4 unsupported parameter", "250 OK"]
    pipelined = bool(offers)
    answers: dict[str, list[Answer]] = {verb: refusals}
    if pipelined:  # what was written ahead gets its answers, too
        answers |= {"RCPT": ["503 no", "250 OK"]} if verb == "MAIL" else {}
        answers["DATA"] = ["503 no", "354 go ahead", "354 go ahead"]
    with Script(("DSN", "SIZE 1000000", *offers), **answers) as server, session_with(server.port) as session:
        assert session.deliver(message()).state is DeliveryState.SENT
        assert session.deliver(message(number=2)).state is DeliveryState.SENT
    mails = [line for line in server.heard if line.startswith("MAIL")]
    assert len(mails) == 3
    assert "RET=HDRS" in mails[0]
    assert mails[1:] == [f"MAIL FROM:<{SENDER}>"] * 2


def test_a_server_that_hears_only_the_first_of_what_is_written_ahead_defers() -> None:
    with Script(("PIPELINING",), RCPT=Act.SILENCE) as server:
        assert outcome_of(message(), server, timeout=0.3).state is DeliveryState.DEFERRED


def test_a_message_over_the_servers_size_is_refused_before_it_is_written() -> None:
    with sink(data_size_limit=1000) as server, session_with(server.port) as session:
        outcome = session.deliver(message(b"x" * 70 + b"\r\n" + b"y" * 990 + b"\r\n"))
    assert outcome.state is DeliveryState.FAILED
    assert outcome.response.startswith("552")


def test_the_envelope_sender_is_the_messages_own(smtp_sink: Sink) -> None:
    with session_with(smtp_sink.port) as session:
        session.deliver(message(sender="papers+b-other@newsletter.test"))
    assert smtp_sink.received[0].sender == "papers+b-other@newsletter.test"
    assert smtp_sink.received[0].recipient == RECIPIENT


def test_an_empty_envelope_sender_is_the_null_path() -> None:
    with Script() as server:
        outcome_of(message(sender=""), server)
    assert server.heard[1] == "MAIL FROM:<>"


def test_what_a_server_says_is_kept_on_one_printable_line() -> None:
    reply = "550-5.1.1 no\tsuch\x1b[31m user\r\n550-5.1.1 \u202eat all\r\n550 5.1.1 " + "x" * 1000
    with Script(RCPT=reply) as server:
        outcome = outcome_of(message(), server)
    assert outcome.state is DeliveryState.BOUNCED
    assert outcome.response.startswith("550 5.1.1 no such [31m user 5.1.1 at all 5.1.1 xxx")
    assert outcome.response.isprintable()
    assert len(outcome.response) == RESPONSE_LENGTH


def test_a_thousand_messages_go_over_one_connection(smtp_sink: Sink) -> None:
    with session_with(smtp_sink.port) as session:
        states = [session.deliver(message(number=number)).state for number in range(1000)]
    assert set(states) == {DeliveryState.SENT}
    assert [mail.content for mail in smtp_sink.received] == [message(number=number).data for number in range(1000)]
    assert len(smtp_sink.mailbox.connections) == 1
