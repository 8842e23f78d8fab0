"""Who gets the newsletter: added, imported, exported, forgotten; and every mistake named."""

from __future__ import annotations

import csv
import io
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from newsletter.model import Cadence
from newsletter.store import Store
from newsletter.store.schema import subscribers, suppressions
from newsletter.subscriptions.signup import address_hash
from tests.cli.desk import Desk

HEADER = "email,name,topics,keywords,muted,authors,liked,cadence,timezone,hour,papers,language,status"

LATER = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "named", "advice"),
    [
        (("a@b.example", "--topic", "speach-recognition"), "speach-recognition", "did you mean speech-recognition?"),
        (("a@b.example", "--topic", "robotics:much"), "robotics:much", "slug:weight"),
        (("a@b.example", "--like", "arxiv:9901.99999"), "arxiv:9901.99999", "ingest"),
        (("a@b.example", "--like", "that paper"), "that paper", "arxiv:"),
        (("nobody",), "'nobody'", "@"),
        (("a b@c.example",), "'a b@c.example'", "address"),
        (("a@b.example\nBcc: c@d.example",), "Bcc", "address"),
        (("a@b.example", "--timezone", "Mars/Olympus"), "Mars/Olympus", "Europe/Berlin"),
        (("a@b.example", "--hour", "24"), "24", "23"),
        (("a@b.example", "--papers", "0"), "papers is 0", "1 to 50"),
        (("a@b.example", "--papers", "51"), "papers is 51", "1 to 50"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_named_with_what_to_do(desk: Desk, words: tuple[str, ...], named: str, advice: str) -> None:
    said = desk("subscribers", "add", *words, status=1).err
    assert named in said
    assert advice in said
    assert desk("subscribers", "list", "--json").json == []


def test_nobody_is_subscribed_twice(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", "--keyword", "CTC")
    before = desk.dump()
    assert "ADA@lab.example is subscribed already" in desk("subscribers", "add", "ADA@LAB.example", status=1).err
    assert desk.dump() == before


def test_who_is_not_there_cannot_be_shown_or_forgotten(desk: Desk) -> None:
    for command in ("show", "forget"):
        said = desk("subscribers", command, "nobody@lab.example", status=1).err
        assert "nobody@lab.example" in said
        assert "subscribers list" in said


def test_who_is_pending_is_told_so(desk: Desk) -> None:
    said = desk("subscribers", "add", "ada@lab.example", "--topic", "robotics").out
    assert "pending" in said
    assert "--confirmed" in said
    assert "topics" in desk("subscribers", "add", "bob@lab.example").out, "an empty profile is worth a word"


def test_what_was_exported_can_be_imported(desk: Desk, bare: Desk) -> None:
    desk.subscribe("ada@lab.example", "--name", "Ada, Countess", "--topic", "robotics:2.5", "--keyword", "CTC")
    desk.subscribe("zoë@lab.example".replace("ë", "e"), "--name", "Zoë", "--mute", "survey", "--cadence", "weekly")
    desk("subscribers", "add", "bob@lab.example", "--timezone", "Asia/Tokyo", "--hour", 5, "--papers", 3)
    exported = desk("subscribers", "export").out
    assert exported.splitlines()[0] == HEADER
    assert [row["status"] for row in csv.DictReader(io.StringIO(exported))] == ["active", "pending", "active"]
    (bare.folder / "people.csv").write_text(exported, encoding="utf-8")
    said = bare("subscribers", "import", "people.csv", "--confirmed").out
    assert "3 subscribers" in said
    assert bare("subscribers", "export").out == exported
    assert bare("subscribers", "list", "--json").json == desk("subscribers", "list", "--json").json


def test_without_the_operators_word_nobody_becomes_active(bare: Desk) -> None:
    (bare.folder / "people.csv").write_text("email,status\na@b.example,active\nb@b.example,\n")
    assert "--confirmed" in bare("subscribers", "import", "people.csv").out
    assert {one["status"] for one in bare("subscribers", "list", "--json").json} == {"pending"}
    bare("subscribers", "import", "people.csv", "--confirmed")
    assert {one["status"] for one in bare("subscribers", "list", "--json").json} == {"active"}


def test_an_import_takes_nothing_away_that_it_has_no_column_for(desk: Desk) -> None:
    disliked = _any_paper(desk)
    desk.subscribe("ada@lab.example", "--dislike", disliked, "--interests", "how machines listen")
    (desk.folder / "people.csv").write_text(desk("subscribers", "export").out.replace(",daily,", ",weekly,"))
    desk("subscribers", "import", "people.csv")
    [ada] = desk("subscribers", "list", "--json").json
    assert ada["cadence"] == "weekly"
    assert ada["status"] == "active", "they have confirmed, and a file does not undo it"
    assert (ada["profile"]["disliked"], ada["profile"]["interests"]) == ([disliked], "how machines listen")


def test_who_paused_by_themselves_is_not_mailed_again_by_an_old_export(desk: Desk) -> None:
    desk.subscribe("ada@lab.example")
    desk.subscribe("ben@lab.example")
    (desk.folder / "people.csv").write_text(desk("subscribers", "export").out.replace(",7,", ",9,"))
    with Store(f"sqlite:///{desk.folder / 'newsletter.db'}") as store:
        ada = store.subscribers.get("ada@lab.example")
        store.choices.keep_to(ada.public_id, Cadence.PAUSED, now=ada.created_at)
    said = desk("subscribers", "import", "people.csv").out
    assert "Mailed as often as they chose by themselves: ada@lab.example (paused)." in said
    assert "--overrule" in said
    told = [(one["cadence"], one["hour"]) for one in desk("subscribers", "list", "--json").json]
    assert told == [("paused", 9), ("daily", 9)]
    (desk.folder / "few.csv").write_text("email,hour\nada@lab.example,3\n")  # it says nothing of cadences
    assert "--overrule" not in desk("subscribers", "import", "few.csv").out
    assert "--overrule" not in desk("subscribers", "import", "people.csv", "--overrule").out
    assert {one["cadence"] for one in desk("subscribers", "list", "--json").json} == {"daily"}


@pytest.mark.parametrize("column", [None, *HEADER.split(",")[1:-1]])
def test_a_file_of_few_columns_changes_those_alone(desk: Desk, column: str | None) -> None:
    given = {
        "name": "Ada", "topics": "robotics:2", "keywords": "CTC", "muted": "survey", "authors": "Alex Graves",
        "liked": _any_paper(desk), "cadence": "weekly", "timezone": "Asia/Tokyo", "hour": "5", "papers": "3",
        "language": "de",
    }  # fmt: skip
    (desk.folder / "people.csv").write_text(f"email,{','.join(given)}\nada@lab.example,{','.join(given.values())}\n")
    desk("subscribers", "import", "people.csv", "--confirmed")
    row = [f"email,{column}", "ada@lab.example,"] if column else ["email", "ada@lab.example"]
    (desk.folder / "people.csv").write_text("\n".join(row) + "\n")
    desk("subscribers", "import", "people.csv")
    [told] = csv.DictReader(io.StringIO(desk("subscribers", "export").out))
    assert {name: told[name] for name in given if name != column} == {
        name: value for name, value in given.items() if name != column
    }
    assert column is None or told[column] != given[column]


def test_who_left_does_not_come_back_by_a_file(desk: Desk) -> None:
    desk.subscribe("ada@lab.example")
    (desk.folder / "people.csv").write_text(desk("subscribers", "export").out)
    with sqlite3.connect(desk.folder / "newsletter.db") as connection:
        connection.execute("UPDATE subscribers SET status = 'unsubscribed'")
    connection.close()
    desk("subscribers", "import", "people.csv", "--confirmed")
    assert desk("subscribers", "show", "ada@lab.example", "--json").json["status"] == "unsubscribed"


def test_who_must_not_be_mailed_keeps_nobody_else_from_an_import(desk: Desk) -> None:
    for name in ("ada", "bob"):
        desk.subscribe(f"{name}@lab.example")
    with Store(f"sqlite:///{desk.folder / 'newsletter.db'}") as store:
        hashed = address_hash("bob@lab.example", store.secret())
        with store._database.writing() as connection:
            bob = sa.update(subscribers).where(subscribers.c.address == "bob@lab.example")
            connection.execute(bob.values(status="suppressed"))
            connection.execute(suppressions.insert().values(address_hash=hashed, reason="hard", added_at=LATER))
    exported = desk("subscribers", "export").out
    (desk.folder / "people.csv").write_text(exported.replace(",7,", ",9,"))
    assert "2 subscribers read" in desk("subscribers", "import", "people.csv", "--confirmed").out
    told = {one["email"]: (one["status"], one["hour"]) for one in desk("subscribers", "list", "--json").json}
    assert told == {"ada@lab.example": ("active", 9), "bob@lab.example": ("suppressed", 9)}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no subscriber"),
        (HEADER + "\n", "no subscriber"),
        ("email,color\na@b.example,red\n", "color"),
        ("email,topics\na@b.example,robotics\nb@b.example,robotcs\n", "line 3"),
        ("email,hour\na@b.example,soon\n", "hour"),
        ("email,hour\na@b.example\n", "line 2"),
        ('email,name\na@b.example,"open\n', "people.csv"),
        ("email,liked\na@b.example,arxiv:9901.99999\n", "arxiv:9901.99999"),
    ],
    ids=["empty", "header", "column", "topic", "hour", "short", "quote", "paper"],
)
def test_of_a_wrong_file_nothing_is_imported(bare: Desk, text: str, named: str) -> None:
    (bare.folder / "people.csv").write_text(text and text.replace("email", "email", 1))
    bare("subscribers", "add", "there@b.example")
    before = bare.dump()
    assert named in bare("subscribers", "import", "people.csv", status=1).err
    assert bare.dump() == before


@pytest.mark.parametrize(("name", "data"), [("gone.csv", None), ("wide.csv", "email\na@b.example\n".encode("utf-16"))])
def test_a_file_that_cannot_be_read_is_named(bare: Desk, name: str, data: bytes | None) -> None:
    if data:
        (bare.folder / name).write_bytes(data)
    assert name in bare("subscribers", "import", name, status=1).err


def test_other_programs_are_told_who_is_forgotten(desk: Desk) -> None:
    desk.subscribe("ada@lab.example")
    with Store(f"sqlite:///{desk.folder / 'newsletter.db'}") as store:
        public_id = store.subscribers.get("ada@lab.example").public_id
        store.webhooks.add("https://hooks.lab.example/", ["subscriber.erased"], now=LATER)
    desk("subscribers", "forget", "ada@lab.example")
    with Store(f"sqlite:///{desk.folder / 'newsletter.db'}") as store:
        [call] = store.webhooks.take(9, now=LATER, lease=timedelta(0))
    assert (call.event, call.data) == ("subscriber.erased", {"id": public_id})


def test_who_is_forgotten_is_gone_and_never_mailed_again(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", "--topic", "robotics", "--name", "Ada Unusual")
    desk("send")
    assert len(desk.mails()) == 1
    desk("subscribers", "forget", "Ada@lab.example")
    rest = "\n".join(desk.dump())
    for trace in ("ada@lab.example", "Unusual"):
        assert trace not in rest
    for words in (("add", "ADA@lab.example", "--confirmed"), ("import", "people.csv", "--confirmed")):
        (desk.folder / "people.csv").write_text("email\nbob@lab.example\nada@lab.example\n")
        assert "ada@lab.example" in desk("subscribers", *words, status=1).err.lower()
    assert desk("subscribers", "list", "--json").json == []


def _any_paper(desk: Desk) -> str:
    with sqlite3.connect(desk.folder / "newsletter.db") as connection:
        [name] = connection.execute("SELECT id FROM papers ORDER BY key LIMIT 1").fetchone()
    connection.close()
    return str(name)
