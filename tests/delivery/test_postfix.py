"""A real Postfix: what leaves us is what a reader finds."""

from __future__ import annotations

import os
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.config import Smtp, SmtpSecurity
from newsletter.delivery.envelope import delivery_of, envelope_sender
from newsletter.delivery.smtp import SmtpTransport
from newsletter.model import DeliveryState, Message
from tests.delivery.messages import message

pytestmark = pytest.mark.postfix
SECRET = b"only for tests"


@dataclass(frozen=True)
class Postfix:
    settings: Smtp
    tls_port: int
    domain: str
    maildir: Path

    def transport(self, **changes: Any) -> SmtpTransport:
        return SmtpTransport(self.settings.model_copy(update=changes), ehlo_name=self.domain)

    def arrived(self, sent: Message) -> bytes:
        """Wait for a message; give it as it lies in the Maildir."""
        mark = sent.message_id.encode()
        deadline, pause = time.monotonic() + 30, threading.Event()
        while time.monotonic() < deadline:
            for path in (self.maildir / "new").glob("*"):
                if mark in (data := path.read_bytes()):
                    path.unlink()
                    return data
            pause.wait(0.02)  # Postfix delivers after it has answered, and tells nobody.
        raise AssertionError(f"{sent.message_id} did not arrive in {self.maildir}")


@pytest.fixture
def postfix() -> Postfix:
    url = urlsplit(os.environ["NEWSLETTER_TEST_POSTFIX"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    settings = Smtp.model_validate(
        {
            "host": url.hostname,
            "port": url.port,
            "security": "starttls",
            "username": url.username,
            "password": url.password,
            "ca_file": query["ca"],
        }
    )
    return Postfix(settings, int(query["tls_port"]), query["domain"], Path(query["maildir"]))


def to(postfix: Postfix, name: str = "ada", body: bytes = b"Read this.\r\n", key: int = 1) -> Message:
    made = message(body, recipient=f"{name}@{postfix.domain}")
    unique = f"<{uuid.uuid4()}@{postfix.domain}>"
    data = made.data.replace(made.message_id.encode(), unique.encode())
    sender = envelope_sender(f"papers@{postfix.domain}", key, SECRET)
    return Message(made.recipient, sender, unique, "", "", "", b"Date: Sun, 01 Mar 2026 07:00:00 +0000\r\n" + data)


@pytest.mark.parametrize("security", [SmtpSecurity.STARTTLS, SmtpSecurity.TLS])
def test_a_message_arrives_byte_for_byte(postfix: Postfix, security: SmtpSecurity) -> None:
    body = b".\r\n..\r\n.x\r\nFrom here\r\n\r\n" + b"y" * 998 + b"\r\n=C3=A9\r\n\t \r\n\r\n" + b"z" * 76 + b"\r\n"
    sent = to(postfix, body=body * 500)
    port = postfix.tls_port if security is SmtpSecurity.TLS else postfix.settings.port
    with postfix.transport(security=security, port=port).session() as session:
        outcome = session.deliver(sent)
    assert outcome.state is DeliveryState.SENT
    assert "queued as" in outcome.response
    # Postfix adds its headers on top, and files lines with the machine's own line ends.
    _, mark, rest = postfix.arrived(sent).partition(b"Date: ")
    assert (mark + rest).replace(b"\n", b"\r\n") == sent.data


def test_the_connection_was_encrypted_and_logged_in(postfix: Postfix) -> None:
    sent = to(postfix)
    with postfix.transport().session() as session:
        session.deliver(sent)
    assert b"with ESMTPSA id" in postfix.arrived(sent)


def test_the_bounce_address_names_the_delivery_and_takes_mail(postfix: Postfix) -> None:
    sent = to(postfix, key=1_234_567)
    with postfix.transport().session() as session:
        session.deliver(sent)
        header = postfix.arrived(sent).partition(b"\n\n")[0].decode()
        sender = header.split("Return-Path: <")[1].split(">")[0]
        assert delivery_of(sender, SECRET) == 1_234_567
        report = to(postfix, name=sender.partition("@")[0])
        assert session.deliver(report).state is DeliveryState.SENT
    assert delivery_of(sender, SECRET) == 1_234_567
    postfix.arrived(report)


def test_refusals_are_told_apart_and_the_connection_goes_on(postfix: Postfix) -> None:
    accepted = to(postfix)
    stranger = message(recipient="ada@elsewhere.test")
    with postfix.transport().session() as session:
        assert session.deliver(to(postfix, "unknown")).state is DeliveryState.BOUNCED
        assert session.deliver(to(postfix, "later")).state is DeliveryState.DEFERRED
        assert session.deliver(stranger).state is DeliveryState.FAILED
        assert session.deliver(accepted).state is DeliveryState.SENT
    postfix.arrived(accepted)


def test_a_hundred_messages_over_one_connection_all_arrive(postfix: Postfix) -> None:
    sent = [to(postfix, key=number) for number in range(100)]
    with postfix.transport().session() as session:
        assert {session.deliver(one).state for one in sent} == {DeliveryState.SENT}
    for one in sent:
        postfix.arrived(one)
