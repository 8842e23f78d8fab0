"""Bounces from a mailbox on a server (a real Dovecot), and from a mail server that hands them over by LMTP or SMTP."""

from __future__ import annotations

import contextlib
import mailbox
import os
import shutil
import signal
import smtplib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.delivery.accounts import Account, opened
from newsletter.delivery.listener import MOST_CONNECTIONS, Listener, Reception
from newsletter.errors import MailboxError, StoreError
from tests.cli.desk import MONDAY, Desk
from tests.cli.test_bounces import READER, SITE, report, verp

PERSON = b"From: Ada <ada@lab.example>\nSubject: Thank you\n\nI like it.\n"


@pytest.fixture
def sent(desk: Desk) -> Desk:
    """Ada has been sent an issue: delivery 1."""
    desk.settings.update(SITE)
    desk.subscribe("ada@lab.example", *READER)
    desk("send")
    return desk


def bounce(desk: Desk, **more: Any) -> bytes:
    return report(desk.mails()[0], **more)


@pytest.fixture
def box() -> Iterator[mailbox.Maildir]:
    """The mail of a user of Dovecot's, whose name is the folder's."""
    query = parse_qs(urlsplit(os.environ["NEWSLETTER_TEST_DOVECOT"]).query)
    folder = Path(query["mail"][0]) / uuid.uuid4().hex
    yield mailbox.Maildir(folder)
    shutil.rmtree(folder)


def folder_of(box: mailbox.Maildir) -> Path:
    return Path(str(box._path))


def put(box: mailbox.Maildir, *mails: bytes) -> None:
    for data in mails:
        box.add(data)
    folder = folder_of(box)
    for path in (folder, *folder.rglob("*")):  # Dovecot is another user
        path.chmod(0o777)


def server(scheme: str) -> tuple[str, str, str]:
    """Give the address of Dovecot for a scheme, its password, and the file of its CA."""
    parts = urlsplit(os.environ["NEWSLETTER_TEST_DOVECOT"])
    query = parse_qs(parts.query)
    port = parts.port if scheme == "imap" else int(query[scheme][0])
    return f"{scheme}://{parts.hostname}:{port}", parts.username or "", query["ca"][0]


def configured(desk: Desk, scheme: str, box: mailbox.Maildir) -> None:
    url, password, ca = server(scheme)
    user = folder_of(box).name
    desk.settings.update(returns__mailbox=url, returns__username=user, returns__password=password, returns__ca_file=ca)


@pytest.mark.dovecot
@pytest.mark.parametrize("scheme", ["imaps", "imap", "pop3s", "pop3"])
def test_a_bounce_is_read_from_a_mailbox_and_deleted_and_other_mail_stays(
    scheme: str, sent: Desk, box: mailbox.Maildir
) -> None:
    put(box, bounce(sent), PERSON)
    configured(sent, scheme, box)
    rehearsed = read(sent, "bounces", "--mailbox", "--delete", "--dry-run")
    assert sorted(row["effect"] for row in rehearsed) == ["none", "rehearsed"]
    assert len(box) == 2
    taken = read(sent, "bounces", "--mailbox", "--delete")
    assert sorted(row["effect"] for row in taken) == ["none", "suppressed"]
    assert [mail["Subject"] for mail in mailbox.Maildir(folder_of(box))] == ["Thank you"]
    assert read(sent, "subscribers", "show", "ada@lab.example")["status"] == "suppressed"


@pytest.mark.dovecot
def test_by_imap_what_stays_is_read_once_and_a_look_marks_nothing(sent: Desk, box: mailbox.Maildir) -> None:
    put(box, bounce(sent), PERSON)
    configured(sent, "imaps", box)
    assert len(read(sent, "bounces", "--mailbox", "--dry-run")) == 2
    assert len(read(sent, "bounces", "--mailbox")) == 2
    assert read(sent, "bounces", "--mailbox") == []
    assert len(read(sent, "bounces", "--mailbox", "--dry-run")) == 2


@pytest.mark.dovecot
@pytest.mark.parametrize("scheme", ["imaps", "pop3s"])
def test_nothing_is_deleted_where_the_reader_dies(scheme: str, box: mailbox.Maildir) -> None:
    put(box, PERSON, PERSON)
    url, password, ca = server(scheme)
    account = Account(url, folder_of(box).name, password, 10, Path(ca))
    with contextlib.suppress(KeyboardInterrupt), opened(account, deleting=True) as letters:
        next(letters).delete()
        raise KeyboardInterrupt
    with opened(account, marking=False) as letters:
        # By IMAP a mark may stay on what was dealt with already: it is deleted by the next run.
        assert len(list(letters)) == (1 if scheme == "imaps" else 2)
    assert len(list(folder_of(box).glob("*/*:2,*")) + list(folder_of(box).glob("new/*"))) >= 2


@pytest.mark.dovecot
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"returns__password": "wrong"}, "cannot read the mailbox"),
        ({"returns__ca_file": ""}, "the certificate of"),
        ({"returns__mailbox": "imaps://127.0.0.1:1"}, "cannot read the mailbox imaps://127.0.0.1:1"),
        ({"returns__mailbox": ""}, "no mailbox is set"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_told(
    change: dict[str, str], said: str, sent: Desk, box: mailbox.Maildir, tmp_path: Path
) -> None:
    configured(sent, "imaps", box)
    if change.get("returns__ca_file") == "":
        del sent.settings["returns__ca_file"]
        change = {}
    sent.settings.update(change)
    done = sent("bounces", "--mailbox", status=1)
    assert said in done.err


def test_what_is_to_be_read_must_be_named(sent: Desk) -> None:
    assert "--listen" in sent("bounces", status=2).err
    sent("bounces", "--listen", "--mailbox", status=2)


def read(desk: Desk, *words: str) -> Any:
    """Give the document that a command prints."""
    return desk(*words, "--json").json


class Book:
    """What a listener was given; says no to mail of people, and fails when it is told to."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.full = False

    def __call__(self, data: bytes) -> bool:
        if self.full:
            raise StoreError("the disk is full")
        self.mails.append(data)
        return b"Thank you" not in data


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.mark.parametrize(("scheme", "client"), [("lmtp", smtplib.LMTP), ("smtp", smtplib.SMTP)])
class TestListening:
    def test_a_bounce_is_stored_before_it_is_taken(self, scheme: str, client: type[smtplib.SMTP], book: Book) -> None:
        reception = Reception(book, "papers@papers.example")
        with Listener(f"{scheme}://127.0.0.1:0", reception).running() as here, client("127.0.0.1", here.port) as mail:
            mail.sendmail("", [verp()], b"Subject: Undelivered\r\n\r\n.\r\n" + b"x" * 5000)
            [data] = book.mails
            assert data.startswith(f"Return-Path: <>\r\nDelivered-To: {verp()}\r\nSubject: Und".encode())
            assert data.endswith(b"\r\n\r\n.\r\n" + b"x" * 5000 + b"\r\n")
            book.full = True
            with pytest.raises(smtplib.SMTPDataError) as refused:
                mail.sendmail("", [verp()], b"Subject: Undelivered\r\n\r\n")
            assert refused.value.smtp_code == 451

    def test_other_mail_is_refused(self, scheme: str, client: type[smtplib.SMTP], book: Book) -> None:
        reception = Reception(book, "papers@papers.example")
        with Listener(f"{scheme}://127.0.0.1:0", reception).running() as here, client("127.0.0.1", here.port) as mail:
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                mail.sendmail("", ["someone@papers.example"], b"Subject: x\r\n\r\n")
            with pytest.raises(smtplib.SMTPDataError) as refused:
                mail.sendmail("ada@lab.example", [verp()], PERSON)
            assert refused.value.smtp_code == 550
            mail.sendmail("", [verp()], PERSON)  # from no sender: nobody could be told
            with pytest.raises(smtplib.SMTPException):
                mail.sendmail("", [verp()], b"Subject: x\r\n\r\n" + b"x\r\n" * 4_000_000)

    def test_there_are_so_many_at_a_time(self, scheme: str, client: type[smtplib.SMTP], book: Book) -> None:
        reception = Reception(book, "papers@papers.example")
        with Listener(f"{scheme}://127.0.0.1:0", reception).running() as here, contextlib.ExitStack() as open_ones:
            for _ in range(MOST_CONNECTIONS):
                open_ones.enter_context(client("127.0.0.1", here.port)).noop()
            with pytest.raises(smtplib.SMTPException):
                client("127.0.0.1", here.port).ehlo_or_helo_if_needed()


def test_the_command_listens_until_it_is_stopped(sent: Desk) -> None:
    mail = bounce(sent)
    sent.settings["returns__listen"] = "lmtp://127.0.0.1:24242"
    with sent.start("bounces", "--listen", stderr=subprocess.PIPE, now=MONDAY) as process:
        assert process.stderr is not None
        assert b"24242" in process.stderr.readline()
        with smtplib.LMTP("127.0.0.1", 24242) as client:
            client.sendmail("", [verp()], mail)
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
        assert process.wait(20) == 143
    assert b'"event": "suppressed"' in said
    assert b"ada@" not in said
    assert read(sent, "subscribers", "show", "ada@lab.example")["status"] == "suppressed"


def test_a_mailbox_error_is_of_the_tree() -> None:
    with (
        pytest.raises(MailboxError, match="cannot read the mailbox"),
        opened(Account("pop3s://127.0.0.1:1", "x", "y", 2)) as letters,
    ):
        list(letters)
