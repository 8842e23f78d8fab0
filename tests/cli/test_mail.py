"""What is really sent: the same bytes as its preview, with every header that delivery depends on."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import dkim
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from newsletter.delivery.dkim import record
from newsletter.delivery.envelope import delivery_of
from newsletter.store import Store
from tests.cli.desk import FRIDAY, HUGGING, MONDAY, Desk, parsed
from tests.delivery.servers import HOST, PASSWORD, USER, sink

READER = ("--topic", "speech-recognition", "--keyword", "CTC", "--papers", "4")
SITE: dict[str, Any] = {
    "site__name": "Überraschende Papers",
    "site__url": "https://papers.lab.example",
    "site__sender": "Überraschende Papers <papers@lab.example>",
    "site__postal_address": "1 Lab Street, 12345 Town",
    "site__secret": "a secret for tests",
}


def previewed(desk: Desk, address: str, *words: str) -> bytes:
    desk("preview", "--subscriber", address, "--out", "shown", *words)
    return (desk.folder / "shown/message.eml").read_bytes()


def test_what_preview_shows_is_what_send_sends_to_the_byte(desk: Desk) -> None:
    """Not even Message-ID and boundary differ: they come of the issue's day and cadence, not of its row."""
    desk.subscribe("ada@lab.example", *READER, "--name", "Ada Lovelace")
    before = previewed(desk, "ada@lab.example")
    desk("send")
    assert desk.mails() == [before]
    assert previewed(desk, "ada@lab.example") == before


def test_a_later_preview_of_a_day_shows_what_was_sent_but_for_its_date(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    desk("send")
    desk("ingest", "--file", HUGGING, now=FRIDAY)
    desk("preview", "--subscriber", "ada@lab.example", "--issue", "2026-08-20", "--out", "shown", now=FRIDAY)
    later = (desk.folder / "shown/message.eml").read_bytes()
    date = re.compile(rb"\ADate: [^\r]+")
    assert date.sub(b"", later) == date.sub(b"", desk.mails()[0])
    assert later != desk.mails()[0]


def test_the_parts_of_a_preview_are_those_of_its_message(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    message = parsed(previewed(desk, "ada@lab.example"))
    for kind, name in (("plain", "message.txt"), ("html", "message.html")):
        part = message.get_body((kind,))
        assert part is not None
        file = (desk.folder / "shown" / name).read_text("utf-8")
        assert part.get_content().replace("\r\n", "\n").strip() == file.strip()


def test_a_preview_changes_nothing_that_is_sent_later(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    for _ in range(2):
        previewed(desk, "ada@lab.example")
    assert desk("issue", "list", "--json").json == []
    assert desk("send", "--json").json["sent"] == 1


def test_a_profile_file_is_previewed_like_a_subscriber(desk: Desk) -> None:
    (desk.folder / "me.toml").write_text(
        'topics = ["speech-recognition"]\nkeywords = ["CTC"]\nmuted = ["OCR"]\nauthors = []\nliked = []\n'
        'disliked = []\ninterests = ""\npapers = 3\ncadence = "daily"\ntimezone = "Europe/Berlin"\nlanguage = "en"\n'
    )
    picks = desk("preview", "--profile", "me.toml", "--json").json["picks"]
    desk.subscribe(
        "ada@lab.example", "--topic", "speech-recognition", "--keyword", "CTC", "--mute", "OCR", "--papers", "3"
    )
    assert desk("preview", "--subscriber", "ada@lab.example", "--json").json["picks"] == picks
    assert [pick["section"] for pick in picks].count("for_you") == 3


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, "me.toml"),
        ('topics = ["speech-recogniton"]', "speech-recognition"),
        ("topics = 3", "topics"),
        ('colour = "red"', "colour"),
        ('liked = ["arxiv:9901.99999"]', "arxiv:9901.99999"),
        ('timezone = "Nowhere"', "Nowhere"),
        ("papers = 0", "papers"),
        ("topics = [", "me.toml"),
    ],
)
def test_a_wrong_profile_file_is_explained(desk: Desk, text: str | None, named: str) -> None:
    if text is not None:
        (desk.folder / "me.toml").write_text(text)
    assert named in desk("preview", "--profile", "me.toml", status=1).err
    assert not (desk.folder / "preview").exists()


def test_a_preview_that_cannot_be_written_says_where(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    (desk.folder / "file").write_text("")
    said = desk("preview", "--subscriber", "ada@lab.example", "--out", "file", status=1).err
    assert "cannot write the preview to file" in said
    assert "--out" in said


def header(raw: bytes, name: str) -> str:
    """A header as it stands in the bytes, which is where a mail client reads it: exactly once."""
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    [value] = re.findall(rf"^{name}: (.*(?:\r\n[ \t].*)*)\r?$", head, re.MULTILINE)
    return str(value).rstrip("\r")


def check_headers(raw: bytes) -> None:
    """FACTS.md, Mail, 1 and 2."""
    unsubscribe = header(raw, "List-Unsubscribe")
    assert re.fullmatch(r"<https://papers\.lab\.example/unsubscribe/[\w.~-]+>", unsubscribe)
    assert header(raw, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert header(raw, "List-Id").endswith("<papers.lab.example>")
    assert header(raw, "List-Help") == "<https://papers.lab.example>"
    assert header(raw, "List-Post") == "NO"
    assert header(raw, "Archived-At") == "<https://papers.lab.example/issues/2026-08-20>"
    assert header(raw, "Auto-Submitted") == "auto-generated"
    assert header(raw, "Precedence") == "bulk"
    assert header(raw, "Feedback-ID") == "20260820:daily:newsletter:lab-example"
    assert header(raw, "From").startswith("=?utf-8?q?=C3=9Cberraschende_Papers?= <papers@lab.example>")
    assert re.fullmatch(r"<[^<>@\s]+@lab\.example>", header(raw, "Message-ID"))
    assert parsedate_to_datetime(header(raw, "Date")).isoformat() == "2026-08-20T06:00:00+00:00"
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()
    message = parsed(raw)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    for part in message.iter_parts():
        shown = part.get_content()
        assert "1 Lab Street, 12345 Town" in shown
        assert "https://papers.lab.example/unsubscribe/" in shown
        assert len(shown.encode()) < 100_000


def test_the_headers_of_a_mail_in_the_maildir(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    desk("send", **SITE)
    [raw] = desk.mails()
    check_headers(raw)


def test_smtp_with_starttls_and_a_login(desk: Desk, server_tls: ssl.SSLContext, ca_file: Path) -> None:
    for name in ("ada", "bob", "cid"):
        desk.subscribe(f"{name}@lab.example", *READER)
    (desk.folder / "password").write_text(f"{PASSWORD}\n")
    with sink(tls_context=server_tls, require_starttls=True, auth_required=True) as server:
        settings = {
            **SITE,
            "delivery__transport": "smtp",
            "smtp__host": HOST,
            "smtp__port": str(server.port),
            "smtp__security": "starttls",
            "smtp__username": USER,
            "smtp__password_file": "password",
            "smtp__ca_file": str(ca_file),
        }
        desk.settings.update(settings)
        shown = previewed(desk, "ada@lab.example")
        assert desk("send", "--workers", 2, "--json").json["sent"] == 3
        assert desk("send", "--json").json["sent"] == 0
    assert sorted(one.recipient for one in server.received) == [f"{name}@lab.example" for name in ("ada", "bob", "cid")]
    senders = {delivery_of(one.sender, SITE["site__secret"].encode()) for one in server.received}
    assert len(senders) == 3
    assert None not in senders
    for one in server.received:
        assert one.encrypted
        assert one.logged_in
        check_headers(one.content)
    [ada] = [one.content for one in server.received if one.recipient.startswith("ada")]
    assert ada == shown


def test_a_wrong_password_is_explained_and_everything_waits(
    desk: Desk, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    desk.subscribe("ada@lab.example", *READER)
    with sink(tls_context=server_tls, require_starttls=True, auth_required=True) as server:
        desk.settings.update(
            delivery__transport="smtp", smtp__host=HOST, smtp__port=str(server.port), smtp__security="starttls",
            smtp__username=USER, smtp__ca_file=str(ca_file),
        )  # fmt: skip
        said = desk("send", status=1, smtp__password="not this one").err
        assert "535" in said
        assert "smtp.password" in said
        assert "1 message to be sent by the next `newsletter send`" in said
        assert "not this one" not in said
        assert desk("send", "--json", smtp__password=PASSWORD).json["sent"] == 1
    assert len(server.received) == 1


def test_a_server_that_is_not_there_loses_nothing(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    desk.subscribe("bob@lab.example", *READER)
    with sink() as gone:
        pass
    desk.settings.update(delivery__transport="smtp", smtp__host=HOST, smtp__connections="1")
    said = desk("send", "--json", status=1, smtp__port=gone.port)
    assert said.out == ""
    assert f"cannot connect to {HOST}:{gone.port}" in said.err
    assert "check smtp.host and smtp.port" in said.err
    assert "2 messages to be sent by the next `newsletter send`" in said.err
    [daily, _] = desk("issue", "show", "--json").json
    assert daily["deliveries"] == {"queued": 2}
    with sink() as server:
        assert desk("send", "--json", smtp__port=server.port).json["sent"] == 2
    assert len(server.received) == 2


def test_a_refused_recipient_fails_alone_and_shows_in_the_status(desk: Desk) -> None:
    for name in ("ada", "bob"):
        desk.subscribe(f"{name}@lab.example", *READER)
    with sink() as server:
        desk.settings.update(delivery__transport="smtp", smtp__host=HOST, smtp__port=str(server.port))
        server.mailbox.answer("RCPT", "550 5.1.1 no such user")
        finished = desk("send", "--workers", 1, "--json", status=1)
        assert (finished.json["sent"], finished.json["bounced"]) == (1, 1)
        assert "550 5.1.1 no such user" in finished.err
        assert desk("send", "--json").json["sent"] == 0
    assert [one.recipient for one in server.received] == ["bob@lab.example"]


def test_a_server_that_is_busy_is_asked_again_later(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    with sink() as server:
        desk.settings.update(delivery__transport="smtp", smtp__host=HOST, smtp__port=str(server.port))
        server.mailbox.answer("RCPT", "451 4.3.0 try later")
        assert desk("send", "--json").json["deferred"] == 1
        assert desk("send", "--json").json["sent"] == 0
        assert desk("send", "--issue", "2026-08-20", "--json", now=FRIDAY).json["sent"] == 1


def test_a_sender_that_is_nobody_is_warned_about(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    with sink() as server:
        said = desk("send", delivery__transport="smtp", smtp__host=HOST, smtp__port=server.port).err
    assert "site.sender" in said
    assert "site.postal_address" in said


def test_a_signed_mail_is_previewed_signed_and_verifies(desk: Desk) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (desk.folder / "dkim.pem").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    desk.subscribe("ada@lab.example", *READER)
    desk.settings.update(SITE, dkim__key_file="dkim.pem", dkim__selector="one")
    shown = previewed(desk, "ada@lab.example")
    desk("send")
    assert desk.mails() == [shown]
    published = {b"one._domainkey.lab.example.": record(key).encode()}
    assert dkim.verify(shown, dnsfunc=lambda name, timeout=5: published.get(name))
    desk("send", now=FRIDAY, dkim__key_file="gone.pem", status=1)


def test_messages_go_by_several_servers_and_past_one_that_is_gone(desk: Desk) -> None:
    for number in range(8):
        desk.subscribe(f"reader{number}@lab.example", *READER)
    with sink() as gone:
        pass
    with sink() as one, sink() as other:
        relays = [{"host": HOST, "port": one.port, "weight": 2}, {"host": HOST, "port": other.port, "weight": 2}]
        desk.settings.update(
            delivery__transport="smtp", smtp__host=HOST, smtp__port=str(gone.port), relay=json.dumps(relays)
        )
        assert desk("send", "--json").json["sent"] == 8
    everyone = sorted(mail.recipient for server in (one, other) for mail in server.received)
    assert everyone == sorted(f"reader{number}@lab.example" for number in range(8))


def test_what_the_hour_does_not_allow_waits_for_the_next_send(desk: Desk) -> None:
    for name in ("ada", "bob", "cid"):
        desk.subscribe(f"{name}@lab.example", *READER)
    said = desk("send", delivery__per_hour=2, delivery__warm_up=2, delivery__warm_up_from="2026-08-20").out
    assert "2 sent, 1 still queued" in said
    assert "2 messages may be sent in one hour and were" in said
    assert desk("send", "--json", delivery__warm_up=2, delivery__warm_up_from="2026-08-20").json["sent"] == 0
    assert desk("send", "--json", delivery__warm_up=2, delivery__warm_up_from="2026-08-19").json["sent"] == 1


def test_an_issue_of_which_too_much_fails_is_paused_and_the_operator_told(desk: Desk) -> None:
    lines = "".join(f"reader{number}@lab.example,robotics\n" for number in range(70))
    (desk.folder / "people.csv").write_text("email,topics\n" + lines)
    desk("subscribers", "import", "people.csv", "--confirmed")
    with sink() as server:
        desk.settings.update(
            SITE,
            delivery__transport="smtp",
            smtp__host=HOST,
            smtp__port=str(server.port),
            site__operator="me@lab.example",
        )
        server.mailbox.answer("RCPT", *["554 5.7.1 your address is blocked"] * 50)
        finished = desk("send", "--workers", 1, status=1)
        assert "50 of the last 50 messages failed or bounced" in finished.err
        assert "`newsletter issue resume 2026-08-20`" in finished.err
        assert "50 failed, 20 still queued" in finished.out
        [notice] = [parsed(one.content) for one in server.received]
        assert notice["To"].addresses[0].addr_spec == "me@lab.example"
        for part in notice.iter_parts():
            assert "your address is blocked" in part.get_content()
            assert "newsletter issue resume 2026-08-20" in part.get_content()
        assert desk("send", "--json").json["sent"] == 0
        with Store(f"sqlite:///{desk.folder / 'newsletter.db'}") as store:
            store.webhooks.add("https://hooks.lab.example/", ("issue.resumed", "issue.sent"), now=datetime.now(UTC))
        desk("issue", "resume", "2026-08-20")
        assert desk("send", "--json").json["sent"] == 20
        with Store(f"sqlite:///{desk.folder / 'newsletter.db'}") as store:
            calls = store.webhooks.take(9, now=datetime.now(UTC) + timedelta(days=9), lease=timedelta(0))
        assert [call.event for call in calls] == ["issue.resumed"] * 2 + ["issue.sent"] * 2  # daily, weekdays


def test_yesterdays_news_is_given_up(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    desk("send")
    desk.subscribe("bob@lab.example", *READER)
    with sink() as server:
        desk.settings.update(delivery__transport="smtp", smtp__host=HOST, smtp__port=str(server.port))
        server.mailbox.answer("RCPT", "450 4.2.0 full")
        assert desk("send", "--json").json["deferred"] == 1
        late = desk("send", "--issue", "2026-08-20", now=MONDAY, status=1)
        assert "1 failed: they waited for too long to be news" in late.err
        assert "0 sent, 1 failed" in late.out
        assert desk("send", "--issue", "2026-08-20", "--json", now=MONDAY).json["failed"] == 0
        assert not server.received


def test_an_empty_preview_says_that_send_would_send_nothing(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    desk("send")
    said = desk("preview", "--subscriber", "ada@lab.example", now=FRIDAY).out
    assert "`send` would send nothing" in said
    assert json.loads((desk.folder / "preview/picks.json").read_text("utf-8"))["picks"] == []


# Preflight


def test_preview_says_what_an_editor_should_look_at_and_still_succeeds(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    said = desk("preview", "--subscriber", "ada@lab.example")
    assert "links (warning): newsletter.example.org is a placeholder" in said.err
    assert "set site.url" in said.err
    document = desk("preview", "--subscriber", "ada@lab.example", "--json").json
    assert {one["check"] for one in document["checks"]} == {
        "size", "headers", "text", "personal", "images", "links", "support", "contrast",
    }  # fmt: skip
    assert document["checks"][0]["level"] == "warning"
    assert "checks found nothing to mend" in desk("preview", "--subscriber", "ada@lab.example", **SITE).out


def test_a_failed_check_fails_a_strict_preview_only(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    themes = desk.folder / "own" / "themes"
    themes.mkdir(parents=True)
    (themes / "pale.toml").write_text('[light]\nmuted = "#bbbbbb"\n')
    settings = {**SITE, "rendering__theme": "pale", "rendering__templates": "own"}
    said = desk("preview", "--subscriber", "ada@lab.example", **settings).err
    assert "contrast (failed): #bbbbbb on" in said
    said = desk("preview", "--subscriber", "ada@lab.example", "--strict", status=1, **settings).err
    assert "change the colours of the theme" in said
    desk("preview", "--subscriber", "ada@lab.example", "--strict", **SITE)


@pytest.mark.spamassassin
def test_a_strict_preview_asks_the_spam_filter(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.subscribe("ada@lab.example", *READER)
    words = ("preview", "--subscriber", "ada@lab.example", "--strict", "--json")
    program = Path(os.environ["NEWSLETTER_TEST_SPAMASSASSIN"])
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    [found] = [one for one in desk(*words, **SITE).json["checks"] if one["check"] == "spam"]
    assert found["level"] == "ok"
    assert found["what"].startswith("SpamAssassin gives it ")


def test_a_strict_preview_says_that_there_is_no_spam_filter(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.subscribe("ada@lab.example", *READER)
    monkeypatch.setenv("PATH", str(desk.folder))
    said = desk("preview", "--subscriber", "ada@lab.example", "--strict", **SITE).err
    missed = "spam (warning): SpamAssassin is not installed, so it was not asked, in PATH: install `spamassassin`"
    assert said == f"newsletter: {missed}\n"
    assert not desk("preview", "--subscriber", "ada@lab.example", **SITE).err


# A test of one's own


def test_a_preview_can_be_sent_to_anybody_as_a_test_without_a_link_of_its_reader(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    said = desk("preview", "--subscriber", "ada@lab.example", "--send-to", "editor@lab.example", **SITE).out
    assert "Put a test mail into the Maildir" in said
    [data] = desk.mails()
    mail = parsed(data)
    assert mail["To"] == "editor@lab.example"
    assert "List-Unsubscribe" not in mail
    texts = [part.get_content() for part in mail.iter_parts()]
    assert all("This is a test." in text for text in texts)
    assert not [text for text in texts for page in ("feedback", "view", "unsubscribe", "preferences")
                if f"{SITE['site__url']}/{page}/" in text]  # fmt: skip
    assert "1 sent" in desk("send", **SITE).out  # the reader's own is still to come


def test_a_test_is_not_sent_where_that_is_no_use(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    words = ("preview", "--subscriber", "ada@lab.example")
    assert "is not an email address" in desk(*words, "--send-to", "ada at lab", status=1).err
    desk("preview", "--serve", "--send-to", "editor@lab.example", status=2)
    (desk.folder / "own/themes").mkdir(parents=True)
    (desk.folder / "own/themes/pale.toml").write_text('[light]\nmuted = "#bbbbbb"\n')
    pale = {**SITE, "rendering__theme": "pale", "rendering__templates": "own"}
    desk(*words, "--strict", "--send-to", "editor@lab.example", status=1, **pale)
    gone = {"delivery__transport": "smtp", "smtp__host": HOST, "smtp__port": "1"}
    said = desk(*words, "--send-to", "editor@lab.example", status=1, **SITE, **gone).err
    assert "the test mail could not be sent" in said
    assert desk.mails() == []


def test_links_are_asked_when_that_is_wanted(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    said = desk("preview", "--subscriber", "ada@lab.example", "--check-links", **SITE).err
    assert "links (failed): is dead:" in said  # no test reaches the network


def test_the_mail_is_in_the_readers_language(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER, "--language", "de-AT")
    desk("send", **SITE)
    [raw] = desk.mails()
    for part in parsed(raw).iter_parts():
        assert "Warum:" in part.get_content()
        assert "Abbestellen" in part.get_content()


def test_the_operator_is_told_in_their_language(desk: Desk) -> None:
    source = json.dumps([{"name": "gone", "path": "no-such-file"}])
    settings = {"site__operator": "me@lab.example", "site__language": "de", "fetching__tell_after": "1"}
    desk("ingest", status=1, source=source, **settings)
    [raw] = desk.mails()
    assert parsed(raw)["Subject"] == "Daily Papers: gone nicht lesbar"


def test_the_page_is_served_on_this_machine_only_and_ends_when_told(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    with desk.start("preview", "--serve", "--subscriber", "ada@lab.example") as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/\?eyes=reader%3Aada%40lab\.example", address)
        page = address.partition("?")[0]
        shown = httpx.post(f"{page}show", json={"eyes": "reader:ada@lab.example"}, timeout=60)
        assert shown.json()["to"] == "ada@lab.example"
        with httpx.stream("GET", f"{page}events", timeout=60) as events:  # as an open page does
            assert next(events.iter_lines()).startswith("retry")
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, b"")


def test_the_page_shows_all_but_issues_before_there_are_papers(bare: Desk) -> None:
    with bare.start("preview", "--serve") as process:
        assert process.stdout is not None
        page = process.stdout.readline().decode().strip()
        shown = httpx.post(f"{page}show", json={}, timeout=60)
        welcome = httpx.post(f"{page}show", json={"mail": "welcome", "language": "de"}, timeout=60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert "there are no papers yet" in shown.json()["error"]
    assert "newsletter ingest" in shown.json()["hint"]
    assert welcome.json()["subject"] == "Willkommen bei Daily Papers"
    assert (process.returncode, said) == (0, b"")


def test_a_port_that_is_taken_is_told(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = desk.process("preview", "--serve", "--port", taken.getsockname()[1], status=2).err
    assert "cannot listen on port" in said
    assert "--port" in said


def test_pictures_are_shown_only_where_the_setting_allows_it(bare: Desk) -> None:
    desk = bare
    entries = [{**one, "thumbnail": "https://cdn.example.org/1.png"} for one in json.loads(HUGGING.read_text())]
    (desk.folder / "pictured.json").write_text(json.dumps(entries))
    desk("ingest", "--file", "pictured.json")
    desk.subscribe("ada@lab.example", "--keyword", "learning")
    preview = ("preview", "--subscriber", "ada@lab.example", "--out", "shown")
    for allowed in (False, True):
        desk(*preview, rendering__thumbnails=str(allowed).lower())
        shown = (desk.folder / "shown/message.html").read_text()
        assert ('<img class="picture"' in shown) is allowed
        assert ('alt="Picture of: ' in shown) is allowed
