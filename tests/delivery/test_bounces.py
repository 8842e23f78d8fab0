"""What comes back: samples of many styles with what they are beside them, and whatever a hostile mail may hold."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.delivery.bounces import Reason, SoftBounces, decide, recognise
from newsletter.model import BounceKind

FOLDER = Path(__file__).parent.parent / "data" / "bounces"
SAMPLES = sorted(FOLDER.glob("*.eml"))
REPLIES = [
    tuple(line.split(" | ", 1)) for line in (FOLDER / "replies.txt").read_text("utf-8").splitlines() if line[0] != "#"
]
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
DAEMON = b"From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nSubject: Undelivered mail\n"


def sample(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_a_sample_is_what_stands_beside_it(file: Path) -> None:
    report = recognise(file.read_bytes())
    said = {"kind": report.kind.value, "status": report.status, "recipients": list(report.recipients)}
    assert said == json.loads(file.with_suffix(".json").read_text("utf-8"))


def test_there_are_samples_of_every_kind() -> None:
    kinds = Counter(json.loads(file.with_suffix(".json").read_text("utf-8"))["kind"] for file in SAMPLES)
    assert min(kinds.values()) >= 5
    assert kinds["none"] >= 15
    assert set(kinds) == set(BounceKind)


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_line_ends_do_not_matter(file: Path) -> None:
    data = file.read_bytes().replace(b"\r\n", b"\n")
    assert recognise(data.replace(b"\n", b"\r\n")) == recognise(data)
    assert recognise(data.replace(b"\n", b"\r")) == recognise(data)


@pytest.mark.parametrize(("kind", "reply"), REPLIES)
def test_what_a_server_says_decides(kind: str, reply: str) -> None:
    assert decide(reply).kind == kind


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ("552 5.1.1 over quota", "5.1.1", Reason.MAILBOX_FULL),
        ("550 5.7.1 user unknown", "5.7.1", Reason.USER_UNKNOWN),
        ("551 5.1.6 user has moved", "5.1.6", Reason.MOVED),
        ("", "5.1.2", Reason.HOST_UNKNOWN),
        ("", "5.1.10", Reason.TAKES_NO_MAIL),
        ("", "4.4.7", Reason.EXPIRED),
        ("", "5.7.9", Reason.POLICY),
        ("", "", Reason.OTHER),
    ],
)
def test_words_go_before_codes_and_codes_before_nothing(said: str, status: str, reason: Reason) -> None:
    assert decide(said, status=status).reason is reason


def test_a_temporary_status_without_words_is_never_hard() -> None:
    assert decide("", status="4.1.1").kind is BounceKind.SOFT
    assert decide("450 4.1.2 try again later").kind is BounceKind.SOFT


def test_the_notice_is_asked_only_where_the_report_tells_nothing() -> None:
    assert decide("", status="5.0.0", around="550 no such user").kind is BounceKind.HARD
    assert decide("552 mailbox full", status="5.0.0", around="550 no such user").kind is BounceKind.SOFT


@pytest.mark.parametrize(
    "told", ["in reply to MAIL FROM command", "after initial connection", ">>> MAIL From:<p@p.example>"]
)
def test_what_was_said_before_a_recipient_was_named_is_no_word_about_one(told: str) -> None:
    assert decide("550 5.1.1 user unknown", session=told).reason is Reason.SENDER
    assert decide(f"550 no such domain ({told})", session="after RCPT TO:<ada@lab.example>").reason is Reason.SENDER
    assert decide("550 5.1.1 user unknown (in reply to RCPT TO command)", session=told).kind is BounceKind.HARD
    assert decide("556 5.1.10 accepts no mail", session=told).kind is BounceKind.HARD


def test_a_delay_is_soft_and_counts_as_nothing_yet() -> None:
    report = recognise(sample("postfix-delayed"))
    assert (report.kind, report.delayed) == (BounceKind.SOFT, True)
    assert recognise(sample("exim-delay-warning")).delayed
    assert not recognise(sample("postfix-expired-timeout")).delayed


def test_the_traces_lead_to_the_delivery() -> None:
    traces = recognise(sample("qmail-no-mailbox")).traces
    verp = "papers+b-ae2tgnjqmy4tcmzvge3a@papers.example"
    assert verp in traces.sent_to
    assert traces.senders == (verp,)
    assert traces.message_ids == ("<1Hk2rbS0xJQpG7v0yR8n3wZq@papers.example>",)
    assert traces.originals == ("ada@lab.example",)
    assert recognise(sample("arf-redacted")).traces.senders == (verp,)


def test_flufl_is_asked_for_forms_that_nobody_writes_any_more() -> None:
    """AOL's own, from before it knew RFC 3464: the address is only a name, and the host stands in a header."""
    text = (
        b"From: Mail Delivery Subsystem <MAILER-DAEMON@aol.com>\nReturn-Path: <>\nTo: papers@papers.example\n"
        b"Subject: Returned mail: User unknown\n\n"
        b"Your mail to the following recipients could not be delivered because they are not accepting mail:\n\n"
        b"  \tada\n"
    )
    report = recognise(text)
    assert report.recipients == ("ada@aol.com",)
    assert report.kind is BounceKind.HARD


BOMBS = {
    "semicolons": b"Content-Type: multipart/mixed" + b";" * 900_000 + b"\n\nx",
    "at signs": DAEMON + b"\n" + b"@" * 900_000,
    "open tags": DAEMON + b"Content-Type: text/html\n\n" + b"<style" * 160_000,
    "one word": DAEMON + b"\n" + b"user " * 200_000,
    "empty lines": DAEMON + b"\n" + b"\n" * 900_000,
    "dashes": DAEMON + b"\n" + b"-" * 900_000,
    "quotes": DAEMON + b"\n" + b"> " * 400_000,
    "folded for ever": b"Subject: x\n" + b" y\n" * 300_000,
    "encoded words": DAEMON + b"X: " + b"=?utf-8?q?a?= " * 70_000 + b"\n\nx",
    "boundaries": DAEMON + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 150_000,
    "nested": DAEMON
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(3000)),
    "enclosed": DAEMON + b"Content-Type: message/rfc822\n\n" * 5000,
    "recipients": DAEMON
    + b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n" * 12_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_mail_costs_little(name: str) -> None:
    started = time.process_time()
    recognise(BOMBS[name])
    assert time.process_time() - started < 15  # a second or two; what is quadratic takes minutes


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sample with pieces lost, doubled, put in from another, or of rubbish."""
    data = draw(st.sampled_from(SAMPLES)).read_bytes()
    other = draw(st.sampled_from(SAMPLES)).read_bytes()
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(1, 400))
        piece = draw(st.sampled_from([b"", data[place : place + length] * 3, other[place : place + length]]))
        rubbish = draw(st.binary(max_size=20))
        data = data[:place] + piece + rubbish + data[place + draw(st.integers(0, length)) :]
    return data


@given(mutated())
@example(b"")
@example(b"Content-Type: multipart/report; boundary=\n\n--\n")
@example(b"Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=zlib\n\n!")
@example(DAEMON + b"From:\n\n550 5.1.1 <>")
def test_no_mail_whatever_makes_it_fail(data: bytes) -> None:
    report = recognise(data)
    assert all("@" in one for one in report.recipients)
    assert (report.reason is None) == (report.kind in {BounceKind.NONE, BounceKind.COMPLAINT})


@given(st.text())
def test_no_reply_whatever_makes_it_fail(text: str) -> None:
    assert decide(text, status=text, action=text).kind in {BounceKind.HARD, BounceKind.SOFT}


def test_soft_bounces_add_up_and_fade() -> None:
    soft = SoftBounces(limit=3, half_life=timedelta(days=10))
    assert soft.score([NOW, NOW - timedelta(days=10), NOW - timedelta(days=20)], NOW) == pytest.approx(1.75)
    assert soft.too_many([NOW] * 3, NOW)
    assert not soft.too_many([NOW] * 3, NOW + timedelta(days=1))
    assert soft.score([NOW + timedelta(days=1)], NOW) == 1  # a clock that was set back
