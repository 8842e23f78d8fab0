"""`newsletter bounces`, from a mail that was sent to what its coming back does."""

from __future__ import annotations

import json
import mailbox
import os
import smtplib
import ssl
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter.delivery.envelope import envelope_sender
from tests.cli.desk import FRIDAY, HUGGING, MONDAY, Desk
from tests.delivery.servers import HOST, sink

READER = ("--topic", "speech-recognition", "--keyword", "CTC")
SAMPLES = Path(__file__).parent.parent / "data" / "bounces"
SECRET = "a secret for tests"
SITE: dict[str, Any] = {"site__sender": "Papers <papers@papers.example>", "site__secret": SECRET}


@pytest.fixture
def sent(desk: Desk) -> Desk:
    """Ada has been sent an issue: delivery 1."""
    desk.settings.update(SITE)
    desk.subscribe("ada@lab.example", *READER)
    desk("send")
    return desk


def verp(key: int = 1, secret: str = SECRET) -> str:
    return envelope_sender("papers@papers.example", key, secret.encode())


def report(
    original: bytes, *, to: str | None = None, status: str = "5.1.1", said: str = "550 5.1.1 User unknown"
) -> bytes:
    """A delivery report as Postfix writes it."""
    head = original.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n").decode()
    return f"""Return-Path: <>
Delivered-To: {to or verp()}
Date: Thu, 20 Aug 2026 07:01:10 +0000 (UTC)
From: MAILER-DAEMON@mail.papers.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to or verp()}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4Wq8Zr1xkSz9s.1787212870/mail.papers.example"

This is a MIME-encapsulated message.

--4Wq8Zr1xkSz9s.1787212870/mail.papers.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

<ada@lab.example>: host mx.lab.example[203.0.113.9] said: {said}
    (in reply to RCPT TO command)

--4Wq8Zr1xkSz9s.1787212870/mail.papers.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.papers.example
X-Postfix-Queue-ID: 4Wq8Zr1xkSz9s

Final-Recipient: rfc822; ada@lab.example
Original-Recipient: rfc822;ada@lab.example
Action: failed
Status: {status}
Diagnostic-Code: smtp; {said}

--4Wq8Zr1xkSz9s.1787212870/mail.papers.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{head}

--4Wq8Zr1xkSz9s.1787212870/mail.papers.example--
""".encode()


def put(desk: Desk, name: str, data: bytes) -> str:
    (desk.folder / name).write_bytes(data)
    return name


def status(desk: Desk, address: str = "ada@lab.example") -> str:
    return str(desk("subscribers", "show", address, "--json").json["status"])


def states(desk: Desk) -> dict[str, int]:
    issues = desk("issue", "show", "2026-08-20", "--json").json
    return dict(next(issue["deliveries"] for issue in issues if issue["cadence"] == "daily"))


def test_a_bounce_marks_its_delivery_and_ends_the_mailing(sent: Desk) -> None:
    put(sent, "bounce.eml", report(sent.mails()[0]))
    [row] = sent("bounces", "bounce.eml", "--json").json
    contract = {
        "file": "bounce.eml",
        "kind": "hard",
        "status": "5.1.1",
        "recipients": ["ada@lab.example"],
        "delivery": 1,
    }
    assert contract.items() <= row.items()
    assert row["effect"] == "suppressed"
    assert status(sent) == "suppressed"
    assert states(sent) == {"bounced": 1}
    sent("ingest", "--file", HUGGING, now=FRIDAY)
    assert sent("send", "--json", now=FRIDAY).json["sent"] == 0


def test_the_same_bounce_twice_changes_nothing(sent: Desk) -> None:
    put(sent, "bounce.eml", report(sent.mails()[0]))
    sent("bounces", "bounce.eml")
    before = sent.dump()
    # As mbox and with other line ends it is still the same.
    again = b"From MAILER-DAEMON Thu Aug 20 07:01:12 2026\nStatus: RO\n" + report(sent.mails()[0])
    put(sent, "again.mbox", again + b"\n")
    put(sent, "crlf.eml", report(sent.mails()[0]).replace(b"\n", b"\r\n"))
    said = sent("bounces", "bounce.eml", "again.mbox", "crlf.eml", "--json").json
    assert [row["effect"] for row in said] == ["known"] * 3
    assert sent.dump() == before


@pytest.mark.parametrize(
    "to",
    [
        "papers@papers.example",
        verp(1, "another secret"),
        verp(99),
        verp()[:-16] + "a" + verp()[-15:],
    ],
    ids=["plain", "signed by another", "of no delivery", "changed"],
)
def test_a_forged_bounce_suppresses_nobody(sent: Desk, to: str) -> None:
    """Whoever knows an address of a subscriber can write this; only our own mail carries what must come back."""
    forged = report(b"Message-ID: <guessed@papers.example>\r\nTo: ada@lab.example\r\n\r\n", to=to)
    before = sent.dump()
    [row] = sent("bounces", put(sent, "forged.eml", forged), "--json").json
    assert (row["kind"], row["delivery"], row["effect"]) == ("hard", None, "unknown")
    assert sent.dump() == before


def test_a_bounce_to_another_address_counts_if_it_returns_our_message_to_them(sent: Desk) -> None:
    data = report(sent.mails()[0], to="papers@papers.example")
    [row] = sent("bounces", put(sent, "bounce.eml", data), "--json").json
    assert (row["delivery"], row["effect"]) == (1, "suppressed")


def test_our_message_id_with_the_name_of_another_reader_does_nothing(sent: Desk) -> None:
    sent.subscribe("bob@lab.example", *READER)
    data = report(sent.mails()[0], to="papers@papers.example").replace(b"ada@lab.example", b"bob@lab.example")
    [row] = sent("bounces", put(sent, "bounce.eml", data), "--json").json
    assert (row["delivery"], row["effect"]) == (None, "unknown")
    assert status(sent, "bob@lab.example") == status(sent) == "active"


def test_soft_bounces_suppress_at_the_limit(sent: Desk) -> None:
    sent.settings["delivery__soft_bounce_limit"] = "1.9"
    full = report(sent.mails()[0], status="4.2.2", said="452 4.2.2 Mailbox full")
    [row] = sent("bounces", put(sent, "1.eml", full), "--json").json
    assert (row["kind"], row["status"], row["reason"], row["effect"]) == ("soft", "4.2.2", "mailbox full", "counted")
    assert (status(sent), states(sent)) == ("active", {"bounced": 1})
    sent("ingest", "--file", HUGGING, now=FRIDAY)
    assert sent("send", "--json", now=FRIDAY).json["sent"] == 1
    again = report(sent.mails()[1], to=verp(2), status="4.2.2", said="452 4.2.2 Mailbox full")
    [row] = sent("bounces", put(sent, "2.eml", again), "--json", now=FRIDAY).json
    assert row["effect"] == "suppressed"
    assert status(sent) == "suppressed"


def test_old_soft_bounces_are_forgotten(sent: Desk) -> None:
    sent.settings |= {"delivery__soft_bounce_limit": "1.9", "delivery__soft_bounce_half_life": "1"}
    full = report(sent.mails()[0], status="4.2.2", said="452 4.2.2 Mailbox full")
    sent("bounces", put(sent, "1.eml", full))
    sent("ingest", "--file", HUGGING, now=MONDAY)
    sent("send", now=MONDAY)
    again = report(sent.mails()[1], to=verp(2), status="4.2.2", said="452 4.2.2 Mailbox full")
    [row] = sent("bounces", put(sent, "2.eml", again), "--json", now=MONDAY).json
    assert (row["effect"], status(sent)) == ("counted", "active")


def test_a_warning_of_delay_is_noted_and_changes_nothing_that_is_sent(sent: Desk) -> None:
    delayed = report(sent.mails()[0], status="4.4.1", said="connection timed out").replace(b"failed", b"delayed")
    [row] = sent("bounces", put(sent, "delayed.eml", delayed), "--json").json
    assert (row["kind"], row["effect"]) == ("soft", "noted")
    assert states(sent) == {"sent": 1}


def test_a_complaint_suppresses_and_leaves_the_delivery_sent(sent: Desk) -> None:
    complaint = (SAMPLES / "arf-redacted.eml").read_bytes()
    token = verp().partition("+")[2].partition("@")[0].encode()
    complaint = complaint.replace(b"b-ae2tgnjqmy4tcmzvge3a", token)
    [row] = sent("bounces", put(sent, "complaint.eml", complaint), "--json").json
    assert (row["kind"], row["recipients"], row["delivery"], row["effect"]) == ("complaint", [], 1, "suppressed")
    assert (status(sent), states(sent)) == ("suppressed", {"sent": 1})


def test_answers_and_ordinary_mail_are_none_and_have_no_effect(sent: Desk) -> None:
    names = [f for f in sorted(SAMPLES.glob("*.json")) if json.loads(f.read_text("utf-8"))["kind"] == "none"]
    token = verp().partition("+")[2].partition("@")[0].encode()
    for name in names:  # even though they come to our own, signed address
        sample = name.with_suffix(".eml").read_bytes().replace(b"b-ae2tgnjqmy4tcmzvge3a", token)
        put(sent, name.with_suffix(".eml").name, sample)
    before = sent.dump()
    rows = sent("bounces", *(name.with_suffix(".eml").name for name in names), "--json", "--delete").json
    assert {(row["kind"], row["effect"]) for row in rows} == {("none", "none")}
    assert sent.dump() == before
    assert all((sent.folder / name.with_suffix(".eml").name).exists() for name in names)


def test_a_rehearsal_changes_nothing(sent: Desk) -> None:
    put(sent, "bounce.eml", report(sent.mails()[0]))
    before = sent.dump()
    [row] = sent("bounces", "bounce.eml", "--dry-run", "--delete", "--json").json
    assert (row["kind"], row["delivery"], row["effect"]) == ("hard", 1, "rehearsed")
    assert sent.dump() == before
    assert (sent.folder / "bounce.eml").exists()


def test_a_rehearsal_needs_no_database(bare: Desk) -> None:
    [row] = bare("bounces", SAMPLES / "qmail-no-host.eml", "--dry-run", "--json").json
    assert (row["kind"], row["status"]) == ("hard", "5.1.2")
    assert list(bare.folder.iterdir()) == []


def test_what_is_stored_can_be_deleted_from_a_maildir_and_the_rest_stays(sent: Desk) -> None:
    box = mailbox.Maildir(sent.folder / "returned", create=True)
    box.add(report(sent.mails()[0]))
    ordinary = box.add((SAMPLES / "reply-quoting-our-mail.eml").read_bytes())
    unknown = box.add((SAMPLES / "qmail-no-host.eml").read_bytes())
    assert len(sent("bounces", "returned", "--json").json) == len(box) == 3
    sent("bounces", "returned", "--delete")
    assert set(box.keys()) == {ordinary, unknown}


def test_what_is_stored_can_be_deleted_from_an_mbox_and_the_rest_stays(sent: Desk) -> None:
    box = mailbox.mbox(sent.folder / "returned.mbox")
    for data in (
        (SAMPLES / "away-german.eml").read_bytes(),
        report(sent.mails()[0]),
        (SAMPLES / "qmail-no-host.eml").read_bytes(),
    ):
        box.add(data)
    box.close()
    rows = sent("bounces", "returned.mbox", "--delete", "--json").json
    assert [(row["file"], row["kind"]) for row in rows] == [
        ("returned.mbox", kind) for kind in ("none", "hard", "hard")
    ]
    left = mailbox.mbox(sent.folder / "returned.mbox", create=False)
    assert [message["From"] for message in left] == [
        "Ada Lovelace <ada@lab.example>",
        "MAILER-DAEMON@qmail.example",
    ]
    left.close()


def test_an_unreadable_file_is_told_and_the_rest_is_done(sent: Desk) -> None:
    put(sent, "bounce.eml", report(sent.mails()[0]))
    (sent.folder / "folder").mkdir()
    done = sent("bounces", "nope.eml", "folder", "bounce.eml", "--json", status=1)
    assert [row["effect"] for row in done.json] == ["suppressed"]
    assert "cannot read nope.eml" in done.err
    assert "folder is a folder, but no Maildir" in done.err


def test_people_are_told_what_was_done(sent: Desk) -> None:
    put(sent, "bounce.eml", report(sent.mails()[0]))
    said = sent("bounces", "bounce.eml", SAMPLES / "away-german.eml").out
    assert "ada@lab.example" in said
    assert "2 messages read: 1 suppressed their address, 1 neither bounce nor complaint." in said
    assert "nothing is changed" in sent("bounces", "bounce.eml", "--dry-run").out


def test_a_mail_comes_by_a_pipe_too(sent: Desk) -> None:
    put(sent, "bounce.eml", report(sent.mails()[0]))
    assert json.loads(sent.shell("cat bounce.eml | newsletter bounces - --json").out)[0]["effect"] == "suppressed"


def test_whom_a_server_refuses_on_the_spot_is_not_mailed_again(desk: Desk) -> None:
    """Exactly as by a report: an unknown user for good, a full mailbox by and by."""
    desk.settings.update(SITE)
    desk.subscribe("ada@lab.example", *READER)
    desk.subscribe("bob@lab.example", *READER)
    with sink() as server:
        server.mailbox.answer("RCPT", "550 5.1.1 User unknown", "550 5.2.1 Mailbox disabled")
        desk("send", status=1, delivery__transport="smtp", smtp__host=HOST, smtp__port=server.port, smtp__connections=1)
    assert status(desk) == "suppressed"
    assert status(desk, "bob@lab.example") == "active"


@pytest.mark.postfix
def test_with_a_real_postfix(desk: Desk) -> None:
    url = urlsplit(os.environ["NEWSLETTER_TEST_POSTFIX"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    domain, inbox = query["domain"], Path(query["maildir"]) / "new"
    desk.settings |= {
        "site__sender": f"Papers <papers@{domain}>",
        "site__secret": SECRET,
        "delivery__transport": "smtp",
        "smtp__host": str(url.hostname),
        "smtp__port": str(url.port),
        "smtp__security": "starttls",
        "smtp__username": str(url.username),
        "smtp__password": str(url.password),
        "smtp__ca_file": query["ca"],
    }
    desk.subscribe(f"unknown@{domain}", *READER)
    assert desk("send", "--json", status=1).json["bounced"] == 1
    assert status(desk, f"unknown@{domain}") == "suppressed"
    # A report that Postfix writes itself, to the address that the delivery was sent from.
    sender = envelope_sender(f"papers@{domain}", 1, SECRET.encode())
    context = ssl.create_default_context(cafile=query["ca"])
    with smtplib.SMTP(str(url.hostname), url.port or 25) as client:
        client.starttls(context=context)
        client.login(str(url.username), str(url.password))
        client.sendmail(sender, [f"ada@{domain}"], b"Subject: x\r\n\r\nx\r\n", rcpt_options=["NOTIFY=SUCCESS"])
    found = arrived(inbox, sender.encode())
    put(desk, "report.eml", found)
    [row] = desk("bounces", "report.eml", "--json").json
    assert (row["kind"], row["delivery"], row["effect"]) == ("none", 1, "none")
    failed = found.replace(b"Action: delivered", b"Action: failed").replace(b"Status: 2.0.0", b"Status: 5.1.1")
    [row] = desk("bounces", put(desk, "failed.eml", failed), "--json").json
    assert (row["kind"], row["recipients"], row["delivery"]) == ("hard", [f"ada@{domain}"], 1)


def arrived(inbox: Path, mark: bytes) -> bytes:
    """Wait for the report, and clear away what came with it."""
    deadline, pause, found = time.monotonic() + 30, threading.Event(), b""
    while time.monotonic() < deadline:
        for path in inbox.glob("*"):
            data = path.read_bytes()
            if mark in data:
                path.unlink()
                if b"delivery-status" in data:
                    found = data
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError("Postfix sent no report")
