"""The way out: a Maildir that can be written, or a mail server that lets us in. Nothing is sent."""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from newsletter import bootstrap
from newsletter.checks.check import Check, failed, ok, warning
from newsletter.config import Relay, Settings, SmtpSecurity, TransportKind
from newsletter.delivery.addresses import ascii_domain, envelope_mailbox
from newsletter.delivery.connection import connect, on_this_machine, tls_context, where
from newsletter.delivery.smtp import SmtpSession
from newsletter.delivery.transport import one_line

LOGIN = "SMTP login"
CURE = "check the settings under [delivery] and [smtp]"
_PATIENCE = 15.0  # seconds; `send` has the longer smtp.timeout
_OK = 250


def of_other_transport(settings: Settings) -> Iterator[Check]:
    """Look at a transport that is not SMTP. Raises TransportError where Amazon SES does not know us."""
    if settings.delivery.transport is TransportKind.MAILDIR:
        yield _maildir(settings.delivery.maildir)
    elif settings.delivery.transport is TransportKind.SES:
        if bootstrap.ses(settings).may_send():
            yield ok("delivery", f"Amazon SES in {settings.ses.region} knows the account, which may send")
        else:
            yield failed("delivery", "the account may not send by Amazon SES", "see the account in Amazon's console")
    else:
        yield warning(
            "delivery",
            "delivery.transport is null: mail counts as sent, and none leaves",
            'set delivery.transport to "smtp", or to "maildir" to look at the mail',
        )


def _maildir(folder: Path) -> Check:
    parts = [folder / name for name in ("tmp", "new", "cur")]
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    for place in (there, *(part for part in parts if part.exists())):
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            return failed(
                "delivery",
                f"mail cannot be written to the Maildir {folder}: {place} is no folder that this user may write to",
                "delivery.maildir must name a folder that this user may write to, or one that can be made",
            )
    made = "" if folder.exists() else ", which the first mail makes"
    return ok("delivery", f"mail becomes files in the Maildir {folder}{made}; none leaves this machine")


def of_server(settings: Settings) -> Iterator[Check]:
    """Connect, log in and say whom mail is from, as `send` would; then take it back. Raises TransportError."""
    for relay in (settings.smtp, *settings.relay):
        yield _let_in(relay, settings)


def _let_in(relay: Relay, settings: Settings) -> Check:
    smtp = relay.model_copy(update={"timeout": min(_PATIENCE, relay.timeout)})
    client = connect(smtp, tls_context(smtp), ascii_domain(bootstrap.sender_domain(settings)) or None)
    with closing(SmtpSession(smtp, lambda: client)):
        found = _connection(client, smtp)
        if refusal := _refusal(client, bootstrap.bounce_address(settings)):
            return failed(
                LOGIN,
                f"{where(smtp)} takes no mail from {bootstrap.bounce_address(settings)}: {refusal}",
                "set smtp.username and smtp.password, or site.sender to an address that you may send from there",
            )
        return found


def _connection(client: smtplib.SMTP, smtp: Relay) -> Check:
    login = f"logged in as {smtp.username}" if smtp.username else "no login is set"
    if isinstance(client.sock, ssl.SSLSocket):
        return ok(LOGIN, f"{where(smtp)}: {client.sock.version()} with a verified certificate, {login}")
    if smtp.security is SmtpSecurity.NONE and not on_this_machine(client):
        return warning(
            LOGIN,
            f"{where(smtp)}: mail crosses the network in the clear, {login}",
            'set smtp.security to "starttls" or "tls"',
        )
    return ok(LOGIN, f"{where(smtp)} on this machine, {login}")


def _refusal(client: smtplib.SMTP, sender: str) -> str:
    """Tell what a server says to MAIL FROM where it does not want it; the transaction is given up in any case."""
    try:
        code, text = client.mail(envelope_mailbox(sender))
        if code == _OK:
            client.rset()
    except (smtplib.SMTPException, UnicodeError) as error:
        return one_line(str(error))
    return "" if code == _OK else one_line(f"{code} {text.decode('utf-8', 'replace')}")
