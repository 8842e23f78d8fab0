"""What `ingest` remembers of its sources from run to run."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.cli.desk import FRIDAY, HUGGING, SEEDS, THURSDAY, Desk, parsed
from tests.sources.replies import Reply, answering

OPEN: dict[str, Any] = {"fetching__allow_private": "true", "fetching__per_host_interval": 0, "fetching__tries": 1}


def one(name: str = "papers", **more: Any) -> str:
    return json.dumps([{"name": name, **more}])


def test_a_source_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    full = Reply(HUGGING.read_bytes(), headers={"ETag": '"one"'})
    with answering(full, Reply(status=304)) as server:
        source = one(url=server.url)
        first = desk("ingest", "--json", source=source, **OPEN).json["sources"][0]
        again = desk("ingest", source=source, **OPEN).out
    assert first["new"] == 14
    assert again == "papers: nothing new since the last time\n"
    assert len(server.queries) == 2


def test_a_server_that_asks_for_time_is_left_alone_until_then(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    busy = Reply(status=429, headers={"Retry-After": "40000"})
    with answering(busy, Reply(HUGGING.read_bytes())) as server:
        source = one(url=server.url)
        desk("ingest", status=1, source=source, now=THURSDAY, **OPEN)
        told = desk("ingest", status=1, source=source, now=THURSDAY, **OPEN).err
        assert "resting until 2026-08-20 17:06 UTC, for it failed once: " in told
        assert len(server.queries) == 1
        later = desk("ingest", "--json", source=source, now=FRIDAY, **OPEN).json["sources"][0]
    assert later["new"] == 14


def test_a_source_that_fails_again_rests_and_can_be_insisted_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    gone = Reply(status=404)
    with answering(gone, gone, gone, Reply(HUGGING.read_bytes())) as server:
        source = one(url=server.url)
        for _ in range(2):  # once may be our own network
            assert "resting" not in desk("ingest", status=1, source=source, now=THURSDAY, **OPEN).err
        told = desk("ingest", "--json", status=1, source=source, now=THURSDAY, **OPEN)
        assert told.json["sources"][0]["status"] == "resting"
        assert "for it failed 2 times in a row" in told.json["sources"][0]["error"]
        assert "`newsletter ingest papers` tries it now" in told.json["sources"][0]["error"]
        assert len(server.queries) == 2
        desk("ingest", "papers", status=1, source=source, now=THURSDAY, **OPEN)
        assert len(server.queries) == 3
        assert desk("ingest", "--json", source=source, now=FRIDAY, **OPEN).json["sources"][0]["new"] == 14


def test_the_operator_is_told_once_of_a_source_that_fails_again_and_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    settings: dict[str, Any] = {"site__operator": "me@lab.example", "fetching__tell_after": 2}
    told: list[int] = []
    for _ in range(4):
        source = json.dumps([{"name": "gone", "path": "no-such-file"}, {"name": "good", "path": str(HUGGING)}])
        desk("ingest", status=1, source=source, **settings)
        told.append(len(list((tmp_path / "mail" / "new").glob("*"))))
    assert told == [0, 1, 1, 1]
    [mail] = (tmp_path / "mail" / "new").iterdir()
    told_by = parsed(mail.read_bytes())
    assert told_by["Subject"] == "Daily Papers: cannot read gone"
    text = told_by.get_body(("plain",))
    assert text is not None
    assert "gone, 2 times\n    there is no file no-such-file" in "\n".join(text.get_content().splitlines())
    with sqlite3.connect(tmp_path / "newsletter.db") as database:
        rows = database.execute("SELECT name, failures FROM sources ORDER BY name").fetchall()
    database.close()
    assert rows == [("gone", 4), ("good", 0)]


def test_an_alert_that_cannot_leave_waits_is_told_of_and_goes_with_the_next_send(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    settings: dict[str, Any] = {"site__operator": "me@lab.example", "fetching__tell_after": 1}
    (tmp_path / "mail").write_text("in the way")
    said = desk("ingest", status=1, source=one("gone", path="no-such-file"), **settings).err
    assert "the operator could not be told: cannot write mail" in said
    waiting = desk("stats", "--json").json["single_mails"]
    assert waiting["waiting"] == 1
    assert "cannot write mail" in waiting["response"]
    assert "single mails, such as confirmations: 1 waiting since 2026-08-20" in desk("stats").out
    assert "single mails" in desk("check", status=1).out
    (tmp_path / "mail").unlink()
    desk("send", now=FRIDAY, **settings)
    [mail] = (tmp_path / "mail" / "new").iterdir()
    assert parsed(mail.read_bytes())["Subject"] == "Daily Papers: cannot read gone"
    assert desk("stats", "--json").json["single_mails"]["waiting"] == 0
    assert "single mails" not in desk("check", now=FRIDAY).out


def test_a_folder_is_watched_by_a_pattern_and_tags_are_added(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    source = one("inbox", path="inbox/*.json", tags=["cs.CL"])
    assert desk("ingest", "--json", source=source).json["sources"] == []
    (inbox / "today.json").write_bytes(HUGGING.read_bytes())
    (inbox / "ignored.txt").write_bytes(b"nothing")
    [read] = desk("ingest", "--json", source=source).json["sources"]
    assert (read["source"], read["new"]) == ("inbox: today.json", 14)
    papers = desk("ingest", "--dry-run", "--json", source=source).json["papers"]
    assert all(paper["categories"][-1] == "cs.CL" for paper in papers)


def test_a_list_of_feeds_is_as_many_sources(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with answering(Reply((SEEDS / "arxiv-physics-biology-mathematics.xml").read_bytes())) as server:
        outlines = "".join(f'<outline text="{name}" xmlUrl="{server.url}/?{name}=1"/>' for name in ("a", "b"))
        (tmp_path / "feeds.opml").write_text(f'<opml version="2.0"><body>{outlines}</body></opml>', encoding="utf-8")
        told = desk("ingest", "--json", source=one("list", kind="opml", path="feeds.opml"), **OPEN).json["sources"]
    assert [(each["source"], each["papers"], each["new"]) for each in told] == [("list: a", 30, 30), ("list: b", 30, 0)]


def test_a_list_of_feeds_that_cannot_be_read_stops_no_other_source(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "feeds.opml").write_text("not a list of feeds", encoding="utf-8")
    lists = [
        {"name": "list", "kind": "opml", "path": "feeds.opml"},
        {"name": "gone", "kind": "opml", "path": "no.opml"},
    ]
    source = json.dumps([*lists, {"name": "good", "path": str(HUGGING)}])
    told = desk("ingest", "--json", status=1, source=source).json["sources"]
    assert [(each["source"], each["status"], each["new"]) for each in told] == [
        ("list", "failed", 0), ("gone", "failed", 0), ("good", "ok", 14),
    ]  # fmt: skip


def test_an_address_may_name_the_day(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with answering(Reply(HUGGING.read_bytes())) as server:
        desk("ingest", source=one(url=f"{server.url}?date={{date}}"), now=THURSDAY, **OPEN)
    assert server.queries == [{"date": "2026-08-20"}]
