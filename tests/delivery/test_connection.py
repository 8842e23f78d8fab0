"""Connecting, encrypting and logging in: what works, and that nothing falls back to less than what is set."""

from __future__ import annotations

import smtplib
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from newsletter.config import Smtp
from newsletter.delivery.connection import log_in
from newsletter.delivery.smtp import SmtpTransport
from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Outcome
from tests.delivery.messages import message
from tests.delivery.servers import HOST, PASSWORD, USER, Act, Script, sink


def settings(port: int, **values: Any) -> Smtp:
    return Smtp(**{"host": HOST, "port": port, "timeout": 10, **values})


def deliver(chosen: Smtp, *, ehlo_name: str = "") -> Outcome:
    with SmtpTransport(chosen, waits=(), ehlo_name=ehlo_name).session() as session:
        return session.deliver(message())


def refusal(chosen: Smtp) -> TransportError:
    with pytest.raises(TransportError) as caught, SmtpTransport(chosen, waits=()).session():
        pass
    assert f"{chosen.host}:{chosen.port}" in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_plain_server_on_this_machine_takes_mail() -> None:
    with sink() as server:
        assert deliver(settings(server.port)).state is DeliveryState.SENT
    assert not server.received[0].encrypted


def test_starttls_encrypts_before_mail(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    with sink(tls_context=server_tls, require_starttls=True) as server:
        outcome = deliver(settings(server.port, security="starttls", ca_file=ca_file))
    assert outcome.state is DeliveryState.SENT
    assert server.received[0].encrypted


def test_tls_from_the_first_byte_works(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    with sink(ssl_context=server_tls) as server:
        assert deliver(settings(server.port, security="tls", ca_file=ca_file)).state is DeliveryState.SENT
    assert server.received[0].encrypted


def test_the_login_comes_after_starttls(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    with sink(tls_context=server_tls, require_starttls=True, auth_required=True) as server:
        chosen = settings(server.port, security="starttls", ca_file=ca_file, username=USER, password=PASSWORD)
        assert deliver(chosen).state is DeliveryState.SENT
    assert server.received[0].logged_in


def test_a_refused_login_is_told_without_the_password(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    with sink(tls_context=server_tls) as server:
        chosen = settings(server.port, security="starttls", ca_file=ca_file, username=USER, password="wrong one")
        error = refusal(chosen)
    assert "535" in error.message
    assert "smtp.password" in error.hint
    assert "wrong one" not in str(error)


def test_a_password_outside_ascii_is_told(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    with sink(tls_context=server_tls) as server:
        error = refusal(settings(server.port, security="starttls", ca_file=ca_file, username=USER, password="Wörter"))
    assert "ASCII" in error.message


def test_a_login_over_plain_loopback_is_allowed() -> None:
    with sink(auth_require_tls=False) as server:
        assert deliver(settings(server.port, username=USER, password=PASSWORD)).state is DeliveryState.SENT
    assert server.received[0].logged_in


def test_a_password_never_crosses_a_network_in_the_clear() -> None:
    # A connection from which no loopback address answers, without leaving the machine: a pair of Unix sockets.
    ours, theirs = socket.socketpair()
    with ours, theirs, smtplib.SMTP() as client:
        client.sock, client.ehlo_resp, client.esmtp_features = ours, b"", {"auth": "PLAIN"}
        with pytest.raises(TransportError, match="without encryption"):
            log_in(client, settings(25, username=USER, password=PASSWORD))
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
        client.close()


def test_a_server_without_logins_is_told() -> None:
    with Script() as server:
        assert "takes no login" in refusal(settings(server.port, username=USER, password=PASSWORD)).message


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_an_unknown_authority_ends_it(security: str, server_tls: ssl.SSLContext) -> None:
    options = {"ssl_context": server_tls} if security == "tls" else {"tls_context": server_tls}
    with sink(**options) as server:
        error = refusal(settings(server.port, security=security))
    assert "certificate cannot be trusted" in error.message
    assert "smtp.ca_file" in error.hint
    assert not server.received


def test_a_certificate_for_another_name_ends_it(authority: trustme.CA, ca_file: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("mail.example.test").configure_cert(context)
    with sink(tls_context=context) as server:
        error = refusal(settings(server.port, security="starttls", ca_file=ca_file))
    assert "certificate cannot be trusted" in error.message


def test_without_starttls_nothing_is_sent_in_the_clear(ca_file: Path) -> None:
    with Script(["AUTH PLAIN"]) as server:
        chosen = settings(server.port, security="starttls", ca_file=ca_file, username=USER, password=PASSWORD)
        assert "does not offer STARTTLS" in refusal(chosen).message
    assert [command.split()[0].upper() for command in server.heard] == ["EHLO"]


def test_a_refused_starttls_ends_it(ca_file: Path) -> None:
    with Script(["STARTTLS"], STARTTLS="454 4.7.0 TLS not available") as server:
        assert "454" in refusal(settings(server.port, security="starttls", ca_file=ca_file)).message
    assert not any(command.startswith("MAIL") for command in server.heard)


def test_a_plain_answer_to_tls_is_told() -> None:
    with Script() as server:
        error = refusal(settings(server.port, security="tls"))
    assert "TLS failed" in error.message
    assert "starttls" in error.hint


def test_a_ca_file_that_is_missing_or_empty_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        transport = SmtpTransport(settings(1, security="tls", ca_file=path))
        with pytest.raises(TransportError, match=path.name), transport.session():
            pass
        (tmp_path / "empty.pem").touch()


def test_a_port_where_nobody_listens_is_told() -> None:
    with socket.create_server((HOST, 0)) as reserved:
        port = reserved.getsockname()[1]
    assert "refused" in refusal(settings(port)).message


def test_a_host_that_does_not_exist_is_told() -> None:
    assert "smtp.host" in refusal(settings(25, host="no-such-host.invalid")).hint


@pytest.mark.parametrize("name", ["a..b.example", "x" * 64 + ".example"])
def test_a_host_that_is_no_name_is_told(name: str) -> None:
    assert refusal(settings(25, host=name)).hint


def test_a_server_that_does_not_greet_in_time_is_told() -> None:
    with Script(HELLO=Act.SILENCE) as server:
        assert "no answer within 0.2 s" in refusal(settings(server.port, timeout=0.2)).message


def test_a_server_that_is_busy_is_tried_again() -> None:
    with Script(HELLO=["421 too busy", Act.HANG_UP]) as server:
        transport = SmtpTransport(settings(server.port), waits=(0, 0))
        with transport.session() as session:
            assert session.deliver(message()).state is DeliveryState.SENT
    assert server.connections == 3


def test_a_server_that_does_not_want_us_is_not_tried_again() -> None:
    with Script(HELLO="554 no mail service here") as server:
        transport = SmtpTransport(settings(server.port), waits=(0, 0))
        with pytest.raises(TransportError, match="554 no mail service here"), transport.session():
            pass
    assert server.connections == 1


def test_a_server_that_knows_only_helo_gets_helo() -> None:
    with Script(EHLO="502 what") as server:
        assert deliver(settings(server.port)).state is DeliveryState.SENT
    assert server.heard[1].upper().startswith("HELO ")
    assert server.heard[2] == "MAIL FROM:<papers+b-token@newsletter.test>"


@pytest.mark.parametrize(("name", "said"), [("papers.test", "papers.test"), ("bücher.test", "xn--bcher-kva.test")])
def test_ehlo_gives_the_name_that_is_set(name: str, said: str) -> None:
    with sink() as server:
        deliver(settings(server.port), ehlo_name=name)
    assert server.received[0].ehlo_name == said


def test_without_a_name_ehlo_gives_the_machines_own() -> None:
    with Script() as server:
        deliver(settings(server.port))
    name = server.heard[0].split()[1]
    assert "." in name


def test_a_session_ends_with_quit() -> None:
    with Script() as server:
        deliver(settings(server.port))
    assert server.heard[-1].upper() == "QUIT"
