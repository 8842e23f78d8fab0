"""`newsletter check`: what is told of good and bad installations, and that nothing is changed by it."""

from __future__ import annotations

import json
import mailbox
import os
import shutil
import socket
import sqlite3
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from newsletter import assets
from tests.cli.desk import FRIDAY, HUGGING, THURSDAY, Desk
from tests.delivery.servers import HOST, PASSWORD, USER, Script, sink
from tests.resolving import Records, for_this_process, resolving
from tests.sources.described import DATA
from tests.sources.replies import Reply, answering

SITE: dict[str, Any] = {
    "site__url": "https://papers.example",
    "site__sender": "Papers <me@papers.example>",
    "site__postal_address": "1 Lab Street",
    "site__operator": "me@papers.example",
    "site__secret": "a secret that is long enough to be one",
}
DOMAIN: Records = {
    ("papers.example", "TXT"): ['"v=spf1 mx -all"'],
    ("one._domainkey.papers.example", "TXT"): ['"v=DKIM1; p=abc"'],
    ("_dmarc.papers.example", "TXT"): ['"v=DMARC1; p=reject"'],
    ("papers.example", "MX"): ["10 mx.papers.example."],
}
OPEN: dict[str, Any] = {"fetching__allow_private": "true", "fetching__per_host_interval": 0, "fetching__tries": 1}


@pytest.fixture(autouse=True)
def names() -> Iterator[None]:
    """No test asks the network."""
    with resolving(DOMAIN) as (resolver, _), for_this_process(resolver):
        yield


def checked(desk: Desk, *words: str, status: int = 0, **settings: Any) -> dict[str, dict[str, str]]:
    """Run the check, see that its document is sound, and give the findings by name."""
    document = desk("check", *words, "--json", status=status, **settings).json
    assert document.keys() == {"status", "checks"}
    found = document["checks"]
    assert all(one.keys() == {"name", "status", "message", "hint"} for one in found)
    assert all(one["message"] and bool(one["hint"]) == (one["status"] != "ok") for one in found)
    order = ["ok", "warning", "failed"]
    assert document["status"] == max((one["status"] for one in found), key=order.index)
    assert (document["status"] == "failed") == (status == 1)
    return {one["name"]: one for one in found}


def sources(*given: dict[str, Any]) -> str:
    return json.dumps(given)


def test_without_anything_it_says_what_to_begin_with_and_makes_nothing(bare: Desk) -> None:
    finished = bare("check", now=None)
    assert "`newsletter init` writes one" in finished.out
    assert "there is no database newsletter.db yet" in finished.out
    assert "none are set" in finished.out
    assert finished.out.splitlines()[-1].startswith("Nothing failed; 7 warnings")
    assert finished.err == ""
    assert list(bare.folder.iterdir()) == []


def test_a_good_installation_is_all_well(desk: Desk) -> None:
    source = sources({"name": "papers", "path": str(HUGGING)})
    desk.subscribe("ada@lab.example", "--topic", "robotics")
    with sqlite3.connect(desk.folder / "newsletter.db") as database:  # its papers came yesterday
        yesterday = (datetime.now(UTC) - timedelta(days=1)).replace(tzinfo=None).isoformat(" ")
        database.execute("UPDATE papers SET first_seen_at = ?", (yesterday,))
    database.close()
    desk("ingest", source=source, now=None)
    before = desk.dump()
    found = checked(desk, now=None, source=source, **SITE)
    assert {one["status"] for one in found.values()} == {"ok"}
    assert {"settings", "database", "templates", "topics", "encoder", "sources", "delivery", "clock"} <= found.keys()
    assert "last read on" in found["source papers"]["message"]
    assert desk("check", now=None, source=source, **SITE).out.splitlines()[-1] == f"All is well: {len(found)} checks."
    assert desk.dump() == before
    assert {path.name for path in desk.folder.iterdir()} == {"newsletter.db"}


def test_each_line_is_a_finding_and_beneath_what_is_not_well_stands_the_cure(bare: Desk) -> None:
    lines = bare("check", now=None, **SITE).out.splitlines()
    [at] = [number for number, line in enumerate(lines) if "no database newsletter.db" in line]
    assert lines[at].split()[:2] == ["warning", "database"]
    assert lines[at + 1].split()[0] == "→"
    assert lines[at + 2].split()[:2] == ["ok", "disk"]


def test_what_is_weak_in_the_settings_is_named_by_its_path(bare: Desk) -> None:
    found = checked(bare)
    weak = {name for name, one in found.items() if one["status"] == "warning"}
    assert {"settings", "site.url", "site.sender", "site.postal_address", "site.operator"} <= weak
    assert "https" in checked(bare, **{**SITE, "site__url": "http://papers.example"})["site.url"]["hint"]
    assert checked(bare, **{**SITE, "site__secret": "guess"})["site.secret"]["status"] == "warning"
    long = f"Papers <{'x' * 40}@papers.example>"
    assert "bounce" in checked(bare, status=1, **{**SITE, "site__sender": long})["site.sender"]["hint"]


def test_a_secret_that_only_the_database_has_is_weak_where_many_machines_share_it(bare: Desk) -> None:
    given = {**SITE, "site__secret": ""}
    assert checked(bare, **given)["site.secret"]["status"] == "ok"
    shared = checked(bare, status=1, database__url="postgresql://u:hunter2@127.0.0.1:1/x", **given)
    assert shared["site.secret"]["status"] == "warning"
    assert shared["database"]["status"] == "failed"
    assert "hunter2" not in json.dumps(shared)


@pytest.mark.parametrize(
    "text",
    [
        '[site]\nsecret = "a secret that is long enough to be one"\n',
        '[smtp]\npassword = "x"\n',
        '[[relay]]\npassword = "x"\n',
        '[database]\nurl = "postgresql://user:hunter2@127.0.0.1:1/x"\n',
    ],
)
def test_a_settings_file_with_secrets_is_for_its_owner_only(bare: Desk, text: str) -> None:
    file = bare.folder / "newsletter.toml"
    file.write_text(text)
    file.chmod(0o644)
    status = int("database" in text)
    found = checked(bare, status=status)["settings"]
    assert (found["status"], found["hint"]) == ("warning", "chmod 600 newsletter.toml")
    file.chmod(0o600)
    assert checked(bare, status=status)["settings"]["status"] == "ok"
    file.write_text('[site]\nname = "Nothing secret"\n')
    file.chmod(0o644)
    assert checked(bare)["settings"]["status"] == "ok"


@pytest.mark.parametrize("text", ["[site\n", '[site]\nnmae = "x"\n', None])
def test_settings_that_cannot_be_read_are_the_only_finding(bare: Desk, text: str | None) -> None:
    if text is not None:
        (bare.folder / "mine.toml").write_text(text)
    found = checked(bare, status=1, config="mine.toml")
    assert found.keys() == {"settings"}
    assert "mine.toml" in found["settings"]["message"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///missing/folder/x.db", "missing/folder"),
        ("sqlite:///folder", "folder"),
        ("sqlite:///text.db", "text.db"),
        ("mysql://localhost/x", "mysql"),
        ("papers.db", "database.url"),
    ],
)
def test_a_database_that_cannot_be_used_stops_no_other_check(bare: Desk, url: str, said: str) -> None:
    (bare.folder / "folder").mkdir()
    (bare.folder / "text.db").write_text("this is no database, but long enough to be one\n" * 50)
    given = sources({"name": "papers", "path": str(HUGGING)})
    found = checked(bare, status=1, database__url=url, source=given)
    assert found["database"]["status"] == "failed"
    assert said in found["database"]["message"]
    assert {"templates", "source papers", "delivery", "clock"} <= found.keys()
    assert (bare.folder / "text.db").read_text().startswith("this is no database")


def test_a_damaged_database_is_told(desk: Desk) -> None:
    file = desk.folder / "newsletter.db"
    data = bytearray(file.read_bytes())
    data[-4096 * 12 : -4096 * 2] = os.urandom(4096 * 10)
    file.write_bytes(data)
    found = checked(desk, status=1)["database"]
    assert found["status"] == "failed"
    assert "backup" in found["hint"]


def test_an_older_database_is_told_and_left_as_it_is(desk: Desk) -> None:
    with sqlite3.connect(desk.folder / "newsletter.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    before = desk.dump()
    found = checked(desk, status=1)["database"]
    assert "schema 0000" in found["message"]
    assert "`newsletter migrate`" in found["hint"]
    assert desk.dump() == before


def test_another_programs_database_is_left_in_its_own_mode(bare: Desk) -> None:
    file = bare.folder / "newsletter.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE papers (theirs)")
    database.close()
    before = file.read_bytes()
    assert "not ours" in checked(bare, status=1)["database"]["message"]
    assert file.read_bytes() == before
    file.write_bytes(b"")
    assert "is empty" in checked(bare)["database"]["message"]
    assert file.read_bytes() == b""


@pytest.mark.postgresql
def test_an_empty_postgresql_database_stays_empty(bare: Desk, postgresql_url: str) -> None:
    for _ in range(2):
        found = checked(bare, database__url=postgresql_url)
        assert "is empty" in found["database"]["message"]
        assert found["database"]["status"] == "warning"
    bare("migrate", database__url=postgresql_url)
    assert "papers: 0" in checked(bare, database__url=postgresql_url)["database"]["message"]


def test_own_templates_must_be_there_and_must_compile(bare: Desk) -> None:
    missing = checked(bare, status=1, rendering__templates="nowhere")["templates"]
    assert "nowhere" in missing["message"]
    own = bare.folder / "own"
    own.mkdir()
    assert "no folder email/" in checked(bare, rendering__templates="own")["templates"]["message"]
    shutil.copytree(assets.TEMPLATES / "email", own / "email")
    assert checked(bare, rendering__templates="own")["templates"]["status"] == "ok"
    assert "there is no theme plain" in checked(bare, status=1, rendering__theme="plain")["templates"]["message"]
    subject = own / "email/daily/subject.txt"
    subject.write_text("{{ view.no_such_thing }}\n")
    broken = checked(bare, status=1, rendering__templates="own")["templates"]
    assert "subject.txt, line 1" in broken["message"]
    assert "no_such_thing" in broken["message"]
    (own / "email/daily/body.mjml").write_text("<mjml><mj-body>")
    assert "body.mjml" in checked(bare, status=1, rendering__templates="own")["templates"]["message"]


def test_a_topics_file_that_cannot_be_read_is_told(bare: Desk) -> None:
    found = checked(bare, status=1, topics="gone.toml")["topics"]
    assert "gone.toml" in found["message"]


def test_a_source_that_was_never_read_is_told_how_to(desk: Desk) -> None:
    found = checked(desk, source=sources({"name": "two words", "url": "https://papers.example/feed"}))
    assert found["source two words"]["message"] == "was never read"
    assert "`newsletter ingest 'two words'`" in found["source two words"]["hint"]


def test_a_source_that_fails_again_and_again_fails_the_check(desk: Desk) -> None:
    with answering(Reply(status=404)) as server:
        source = sources({"name": "papers", "url": server.url})
        for times in range(1, 4):
            desk("ingest", "papers", status=1, source=source, **OPEN)
            found = checked(desk, status=times // 3, source=source, **OPEN)["source papers"]
            assert found["status"] == ("failed" if times == 3 else "warning")
        assert "3 times in a row, never read" in found["message"]
        assert "404" in found["message"]
        assert len(server.queries) == 3


def test_a_server_that_wants_to_be_left_alone_is_not_asked_by_fetching(desk: Desk) -> None:
    with answering(Reply(status=429, headers={"Retry-After": "40000"})) as server:
        source = sources({"name": "papers", "url": server.url})
        desk("ingest", status=1, source=source, now=THURSDAY, **OPEN)
        found = checked(desk, "--fetch", source=source, now=THURSDAY, **OPEN)["source papers"]
        assert "until 2026-08-20 17:06" in found["hint"]
        assert len(server.queries) == 1


def test_a_source_not_read_for_days_is_told(desk: Desk) -> None:
    source = sources({"name": "papers", "path": str(HUGGING)})
    desk("ingest", source=source, now=THURSDAY)
    assert checked(desk, source=source, now=FRIDAY)["source papers"]["status"] == "ok"
    late = checked(desk, source=source, now="2026-08-25T06:00:00Z")["source papers"]
    assert (late["status"], "2026-08-20" in late["message"]) == ("warning", True)


def test_files_of_patterns_and_lists_are_looked_at_one_by_one(desk: Desk) -> None:
    inbox = desk.folder / "inbox"
    inbox.mkdir()
    (desk.folder / "feeds.opml").write_text(
        '<opml version="2.0"><body><outline text="a" xmlUrl="https://a.example/"/>'
        '<outline text="b" xmlUrl="https://b.example/"/></body></opml>'
    )
    source = sources(
        {"name": "inbox", "path": "inbox/*.json"},
        {"name": "list", "kind": "opml", "path": "feeds.opml"},
        {"name": "gone", "path": "no-such-file.txt"},
        {"name": "lost", "kind": "opml", "path": "no-such.opml"},
    )
    empty = checked(desk, status=1, source=source)
    assert (empty["source inbox"]["status"], "inbox/*.json" in empty["source inbox"]["message"]) == ("warning", True)
    assert empty["source list: a"]["status"] == empty["source list: b"]["status"] == "warning"
    assert empty["source gone"]["status"] == empty["source lost"]["status"] == "failed"
    (inbox / "one.json").write_bytes(HUGGING.read_bytes())
    desk("ingest", "inbox", source=source)
    (inbox / "two.json").write_bytes(HUGGING.read_bytes())
    (inbox / "three.json").write_bytes(b"")
    found = checked(desk, status=1, source=source)
    assert "of 3 files or feeds 1" in found["source inbox"]["message"]
    assert found["source inbox: two.json"]["message"] == "was never read"
    assert "is empty" in found["source inbox: three.json"]["message"]


def test_a_maildir_is_one_source_however_many_mails_lie_there(desk: Desk) -> None:
    source = sources({"name": "alerts", "path": "Maildir/.Scholar"})
    assert checked(desk, status=1, source=source)["source alerts"]["status"] == "failed"
    (desk.folder / "Maildir").mkdir()
    box = mailbox.Maildir(desk.folder / "Maildir" / ".Scholar")
    box.add((DATA.parent / "alerts" / "scholar.eml").read_bytes())
    box.add(b"Subject: Lunch\n\nAt noon?\n")
    assert checked(desk, source=source)["source alerts"]["message"] == "was never read"
    assert "gives 4 papers" in checked(desk, "--fetch", source=source)["source alerts"]["message"]
    said = desk("ingest", source=source).out
    assert said.startswith("alerts: 4 papers of 19 August 2026, 4 new; 2 without an abstract")
    assert checked(desk, source=source)["source alerts"]["status"] == "ok"


def test_an_inbox_of_many_files_is_not_told_file_by_file(desk: Desk) -> None:
    inbox = desk.folder / "inbox"
    inbox.mkdir()
    for number in range(30):
        (inbox / f"{number:02}.txt").write_text("x")
    found = checked(desk, source=sources({"name": "inbox", "path": "inbox/*.txt"}))
    assert len([name for name in found if name.startswith("source inbox: ")]) == 10
    assert found["source inbox"]["message"] == "20 more are not well either"


def test_fetching_tells_what_there_is_and_keeps_nothing(desk: Desk) -> None:
    with answering(Reply(HUGGING.read_bytes(), headers={"ETag": '"one"'})) as server:
        source = sources({"name": "papers", "url": server.url}, {"name": "list", "kind": "opml", "url": server.url})
        before = desk.dump()
        found = checked(desk, "--fetch", status=1, source=source, **OPEN)
        assert desk.dump() == before
    assert found["source papers"]["message"] == "gives 14 papers"
    assert "list of feeds" in found["source list"]["message"]
    assert len(server.queries) == 2


def test_without_fetching_no_server_is_asked(desk: Desk) -> None:
    with answering(Reply(HUGGING.read_bytes())) as server:
        checked(
            desk, source=sources({"name": "p", "url": server.url}, {"name": "l", "kind": "opml", "url": server.url})
        )
        assert server.queries == []


def test_a_clock_behind_the_papers_fails(desk: Desk) -> None:
    assert checked(desk, now=THURSDAY)["clock"]["status"] == "warning"
    late = checked(desk, status=1, now="2026-08-19T06:00:00Z")["clock"]
    assert "2026-08-20 06:00" in late["message"]
    assert "NEWSLETTER_NOW" in late["hint"]
    assert "NEWSLETTER_NOW" in desk("check", now="no time", status=2).err


def test_a_maildir_that_cannot_be_written_and_a_transport_to_nowhere_are_told(bare: Desk) -> None:
    (bare.folder / "file").write_text("")
    for place in ("file", "file/below"):
        assert checked(bare, status=1, delivery__maildir=place)["delivery"]["status"] == "failed"
    assert checked(bare, delivery__maildir="new/folder")["delivery"]["status"] == "ok"
    assert not (bare.folder / "new").exists()
    assert "none leaves" in checked(bare, delivery__transport="null")["delivery"]["message"]


def by_smtp(port: object, **more: Any) -> dict[str, Any]:
    return {**SITE, "delivery__transport": "smtp", "smtp__host": HOST, "smtp__port": port, **more}


def test_a_server_that_lets_us_in_is_told_and_gets_no_mail(
    bare: Desk, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    with sink(tls_context=server_tls, require_starttls=True, auth_required=True) as server:
        login = {"smtp__security": "starttls", "smtp__ca_file": ca_file, "smtp__username": USER}
        found = checked(bare, **by_smtp(server.port, smtp__password=PASSWORD, **login))
        wrong = checked(bare, status=1, **by_smtp(server.port, smtp__password="not this one", **login))
        nobody = checked(bare, status=1, **by_smtp(server.port, **{**login, "smtp__username": ""}))
    assert {found[name]["status"] for name in ("SMTP login", "SPF", "DKIM", "DMARC", "MX")} == {"ok"}
    assert "TLSv1" in found["SMTP login"]["message"]
    assert f"logged in as {USER}" in found["SMTP login"]["message"]
    assert "535" in wrong["SMTP login"]["message"]
    assert "not this one" not in json.dumps(wrong)
    assert "530" in nobody["SMTP login"]["message"]
    assert "smtp.username" in nobody["SMTP login"]["hint"]
    assert server.received == []


def test_a_mail_server_that_does_not_work_is_told_and_the_dns_is_looked_at_all_the_same(bare: Desk) -> None:
    with socket.create_server((HOST, 0)) as reserved:
        port = reserved.getsockname()[1]
    found = checked(bare, status=1, **by_smtp(port))
    assert "refused" in found["SMTP login"]["message"]
    assert found["SPF"]["status"] == "ok"
    with Script(HELLO="554 no mail service here") as server:
        found = checked(bare, status=1, **by_smtp(server.port))
        assert "554 no mail service here" in found["SMTP login"]["message"]
    with Script(MAIL="550 not from you") as server:
        found = checked(bare, status=1, **by_smtp(server.port))
        assert "takes no mail from me@papers.example: 550 not from you" in found["SMTP login"]["message"]
    assert not any(command.startswith(("RCPT", "DATA")) for command in server.heard)


def test_a_domain_that_cannot_be_one_stops_no_other_check(bare: Desk) -> None:
    with sink() as server:
        sender = "Papers <me@xn--\N{SNOWMAN}.example>"
        found = checked(bare, status=1, **{**by_smtp(server.port), "site__sender": sender})
    assert {found[name]["status"] for name in ("site.sender", "SMTP login", "DNS")} == {"failed"}
    assert "clock" in found


def test_the_dns_is_not_asked_where_no_mail_leaves(bare: Desk) -> None:
    with resolving(DOMAIN) as (resolver, server), for_this_process(resolver):
        checked(bare, **SITE)
        assert server.asked == []


@pytest.mark.postfix
def test_a_real_postfix_lets_us_in_or_says_why_not(bare: Desk) -> None:
    url = urlsplit(os.environ["NEWSLETTER_TEST_POSTFIX"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    given = by_smtp(
        url.port,
        smtp__host=url.hostname,
        smtp__username=url.username,
        smtp__password=url.password,
        smtp__ca_file=query["ca"],
    )
    for security, port in (("starttls", url.port), ("tls", query["tls_port"])):
        found = checked(bare, **{**given, "smtp__security": security, "smtp__port": port})["SMTP login"]
        assert found["status"] == "ok"
        assert f"logged in as {url.username}" in found["message"]
    plain = checked(bare, status=1, **{**given, "smtp__security": "none"})["SMTP login"]
    assert "takes no login" in plain["message"]
    wrong = checked(bare, status=1, **{**given, "smtp__security": "starttls", "smtp__password": "x"})["SMTP login"]
    assert "535" in wrong["message"]


def test_nothing_is_left_in_the_home_folder(bare: Desk) -> None:
    """As a process of its own: the encoder's runtime writes a device id at its import, unless told not to."""
    bare.process("check")
    assert list(bare.folder.iterdir()) == []
