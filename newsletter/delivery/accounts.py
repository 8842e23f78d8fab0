"""Mails in a mailbox on a server, by IMAP (RFC 9051) or POP3 (RFC 1939). Verified TLS, always.

What is read and stays is marked on an IMAP server with a keyword of our own, so that it is read once, whoever else
looks at it. A mail that is deleted is gone when the connection ends well, and not before: one that breaks off leaves
all mails, which are then known when they come again.
"""

from __future__ import annotations

import imaplib
import poplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from newsletter.delivery.mailbox import MOST_BYTES, Letter
from newsletter.errors import MailboxError

SCHEMES = {"imaps": 993, "imap": 143, "pop3s": 995, "pop3": 110}
_READ = "$NewsletterRead"
_LINES = MOST_BYTES // 60  # of a mail that is too long to be read whole by POP3
_QUOTED = re.compile(r"([\\\"])")


@dataclass(frozen=True)
class Account:
    """A mailbox: `imaps://`, `pop3s://`, or `imap://` and `pop3://` for a connection that begins TLS by a command.

    The path of an IMAP address is the folder, INBOX where there is none.
    """

    url: str
    username: str
    password: str
    timeout: float = 60.0
    ca_file: Path | None = None

    @property
    def where(self) -> str:
        """The mailbox as messages name it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or SCHEMES[parts.scheme]}{parts.path}"


@contextmanager
def opened(account: Account, *, deleting: bool = False, marking: bool = True) -> Iterator[Iterator[Letter]]:
    """Give the mails that were not read before, one at a time. Raises MailboxError, also in the middle.

    `marking` false leaves the mailbox as it is, and gives all mails.
    """
    scheme = urlsplit(account.url).scheme
    reader = _imap if scheme.startswith("imap") else _pop3
    try:
        context = ssl.create_default_context(cafile=account.ca_file)
        with reader(account, context, deleting=deleting, marking=marking) as letters:
            yield letters
    except ssl.SSLCertVerificationError as error:
        raise MailboxError(
            f"the certificate of {account.where} cannot be trusted: {error.verify_message}",
            hint="returns.mailbox must have the name in the certificate; for a CA of your own set returns.ca_file",
        ) from error
    except (OSError, imaplib.IMAP4.error, poplib.error_proto) as error:
        said = error.args[0] if error.args else error
        raise MailboxError(
            f"cannot read the mailbox {account.where}: {_shown(said)}",
            hint="check returns.mailbox, returns.username and returns.password",
        ) from error


@contextmanager
def _imap(account: Account, context: ssl.SSLContext, *, deleting: bool, marking: bool) -> Iterator[Iterator[Letter]]:
    parts = urlsplit(account.url)
    host, port = parts.hostname or "", parts.port or SCHEMES[parts.scheme]
    if parts.scheme == "imaps":
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=account.timeout)
    else:
        client = imaplib.IMAP4(host, port, timeout=account.timeout)
    try:
        if parts.scheme == "imap":
            client.starttls(context)
        client.login(account.username, account.password)
        folder = _QUOTED.sub(r"\\\1", unquote(parts.path.lstrip("/")) or "INBOX")
        _ok(client.select(f'"{folder}"', readonly=not (deleting or marking)))
        yield _imap_letters(client, account, marking=marking)
        if deleting:
            _ok(client.expunge())
        _ok(client.close())
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            client.logout()


def _imap_letters(client: imaplib.IMAP4, account: Account, *, marking: bool) -> Iterator[Letter]:
    wanted = ("UNDELETED", "UNKEYWORD", _READ) if marking else ("UNDELETED",)
    [found] = _ok(client.uid("SEARCH", *wanted))
    for uid in (found or b"").decode("ascii").split():
        answers = _ok(client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)"))
        data = next((answer[1] for answer in answers if isinstance(answer, tuple)), None)
        if data is None:  # somebody has just deleted it
            continue
        delete = partial(_flag, client, uid, "\\Deleted")
        leave = partial(_flag, client, uid, _READ, must=False) if marking else lambda: None
        yield Letter(f"{account.where};UID={uid}", data, delete, leave)


def _flag(client: imaplib.IMAP4, uid: str, flag: str, *, must: bool = True) -> None:
    """Set a flag. A server may know no keywords of others: then a mail that stays is read again the next time."""
    status, said = client.uid("STORE", uid, "+FLAGS.SILENT", f"({flag})")
    if must and status != "OK":
        raise imaplib.IMAP4.error(said)


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    status, said = answer
    if status != "OK":
        raise imaplib.IMAP4.error(said[0] if said else status)
    return said


@contextmanager
def _pop3(account: Account, context: ssl.SSLContext, *, deleting: bool, marking: bool) -> Iterator[Iterator[Letter]]:
    del deleting, marking  # POP3 has no marks, and deletes what we name at QUIT
    parts = urlsplit(account.url)
    host, port = parts.hostname or "", parts.port or SCHEMES[parts.scheme]
    if parts.scheme == "pop3s":
        client: poplib.POP3 = poplib.POP3_SSL(host, port, timeout=account.timeout, context=context)
    else:
        client = poplib.POP3(host, port, timeout=account.timeout)
    try:
        if parts.scheme == "pop3":
            client.stls(context)
        client.user(account.username)
        client.pass_(account.password)
        yield _pop3_letters(client, account)
    except BaseException:
        client.close()  # without QUIT nothing is deleted (RFC 1939, section 6)
        raise
    client.quit()


def _pop3_letters(client: poplib.POP3, account: Account) -> Iterator[Letter]:
    for listed in client.list()[1]:
        number, size = (int(part) for part in listed.split()[:2])
        lines = (client.top(number, _LINES) if size > MOST_BYTES else client.retr(number))[1]
        delete: Callable[[], object] = partial(client.dele, number)
        yield Letter(f"{account.where};{number}", b"\n".join(lines)[:MOST_BYTES], delete)


def _shown(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
