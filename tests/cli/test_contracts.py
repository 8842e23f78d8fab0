"""Exit statuses, one JSON document and nothing else, settings from everywhere: what scripts build upon."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.desk import AUGUST, FRIDAY, HUGGING, THURSDAY, Desk

READER = ("--topic", "speech-recognition", "--keyword", "CTC")


def documented(desk: Desk, *words: object, alone: bool = False) -> Any:
    """Run with --json, as a process where more than our own code prints: all of the output is one document."""
    finished = (desk.process if alone else desk)(*words, "--json")
    document, end = json.JSONDecoder().raw_decode(finished.out)
    assert finished.out[end:] == "\n"
    assert finished.err == ""
    return document


def test_ingest_reports_its_sources(bare: Desk) -> None:
    document = documented(bare, "ingest", "--file", HUGGING, alone=True)
    assert document == {
        "sources": [
            {
                "source": HUGGING.name,
                "status": "ok",
                "error": None,
                "title": "Hugging Face Daily Papers",
                "day": "2025-08-20",
                "papers": 14,
                "new": 14,
                "without_abstract": 0,
                "replaced": 0,
            }
        ]
    }


def test_a_rehearsed_ingest_shows_the_papers_and_keeps_nothing(bare: Desk) -> None:
    document = documented(bare, "ingest", "--file", HUGGING, "--dry-run")
    fields = {"id", "title", "abstract", "authors", "categories", "url", "published_at"}
    assert len(document["papers"]) == document["sources"][0]["papers"] == document["sources"][0]["new"] == 14
    assert all(fields <= paper.keys() and paper["id"].startswith("arxiv:") for paper in document["papers"])
    assert list(bare.folder.iterdir()) == []


def test_a_rehearsed_ingest_leaves_a_database_as_it_is(desk: Desk) -> None:
    before = desk.dump()
    assert desk("ingest", "--file", HUGGING, "--dry-run", "--json").json["sources"][0]["new"] > 0
    assert desk.dump() == before


def test_an_ingest_that_failed_in_part_reports_both(bare: Desk) -> None:
    finished = bare("ingest", "--file", "nope.txt", "--file", AUGUST, "--json", status=1)
    bad, good = finished.json["sources"]
    assert (bad["status"], bad["papers"], bad["new"]) == ("failed", 0, 0)
    assert "nope.txt" in bad["error"]
    assert (good["status"], good["error"], good["papers"], good["new"]) == ("ok", None, 42, 42)
    assert finished.err == ""


def test_topics_are_listed(bare: Desk) -> None:
    topics = documented(bare, "topics")
    assert len(topics) >= 40
    assert {"slug", "title", "description", "keywords", "categories"} <= topics[0].keys()


def test_a_subscriber_is_told_with_all_they_asked_for(desk: Desk) -> None:
    liked = desk("ingest", "--file", HUGGING, "--dry-run", "--json").json["papers"][0]["id"]
    desk("ingest", "--file", HUGGING)
    words = (
        *("--name", "Ada L.", "--topic", "robotics:2", "--topic", "speech-recognition", "--keyword", "CTC"),
        *("--mute", "survey", "--author", "Yann LeCun", "--like", liked, "--interests", "how machines listen"),
        *("--cadence", "weekdays", "--timezone", "Europe/Berlin", "--hour", 8, "--papers", 5, "--language", "de"),
        *("--quiet", "silence"),
    )
    added = documented(desk, "subscribers", "add", "Ada@Lab.example", *words, "--confirmed")
    assert added == {
        "email": "Ada@lab.example",
        "name": "Ada L.",
        "status": "active",
        "cadence": "weekdays",
        "timezone": "Europe/Berlin",
        "hour": 8,
        "papers": 5,
        "language": "de",
        "quiet": "silence",
        "paused_until": None,
        "cadence_chosen_at": None,
        "created_at": "2026-08-20T06:00:00+00:00",
        "profile": {
            "topics": {"robotics": 2.0, "speech-recognition": 1.0},
            "keywords": ["CTC"],
            "muted": ["survey"],
            "authors": ["Yann LeCun"],
            "liked": [liked],
            "disliked": [],
            "interests": "how machines listen",
            "answers": [],
        },
    }
    assert documented(desk, "subscribers", "show", "ADA@lab.example") == added
    assert documented(desk, "subscribers", "list") == [added]


def test_an_issue_is_told(desk: Desk) -> None:
    opened = documented(desk, "issue", "open")
    assert [(one["date"], one["cadence"], one["state"], one["papers"]) for one in opened] == [
        ("2026-08-20", "daily", "open", 42),
        ("2026-08-20", "weekdays", "open", 42),
    ]
    assert documented(desk, "issue", "list") == opened
    assert documented(desk, "issue", "show", "2026-08-20") == [{**one, "explained": []} for one in opened]


def test_a_preview_writes_four_files_and_tells_the_picks(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    desk.settings.update(site__url="https://papers.lab.example")  # else what is checked is warned of
    document = documented(desk, "preview", "--subscriber", "ada@lab.example", "--out", "here", alone=True)
    assert sorted(path.name for path in (desk.folder / "here").iterdir()) == [
        "message.eml",
        "message.html",
        "message.txt",
        "picks.json",
    ]
    assert {one["level"] for one in document.pop("checks")} <= {"ok", "warning"}
    assert json.loads((desk.folder / "here/picks.json").read_text("utf-8")) == document
    assert document["issue"] == "2026-08-20"
    assert document["subject"].startswith(document["picks"][0]["title"][:20])
    first = document["picks"][0]
    assert {"id", "title", "rank", "section", "score", "reasons"} <= first.keys()
    assert "CTC" in first["title"]
    assert first["reasons"][0] == {"kind": "keyword", "matched": "CTC"}


def test_a_sending_is_told_and_so_is_its_rehearsal(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    desk("subscribers", "add", "pending@lab.example")
    fields = {"issue", "queued", "sent", "deferred", "failed", "uncertain", "skipped", "seconds"}
    rehearsed = documented(desk, "send", "--dry-run")
    assert fields <= rehearsed.keys()
    assert (rehearsed["issue"], rehearsed["queued"], rehearsed["sent"]) == ("2026-08-20", 1, 0)
    assert not (desk.folder / "mail").exists()
    assert desk("issue", "list", "--json").json == []
    sent = documented(desk, "send", alone=True)
    assert (sent["queued"], sent["sent"], sent["skipped"]) == (0, 1, 0)
    again = documented(desk, "send")
    assert (again["queued"], again["sent"]) == (0, 0)
    assert len(desk.mails()) == 1


def test_an_evaluation_gives_the_measures(bare: Desk) -> None:
    names = [f"p{number}" for number in range(12)]
    words = ["speech recognition", "galaxy clusters", "protein folding"]
    lines: dict[str, Sequence[dict[str, Any]]] = {
        "papers.jsonl": [
            {"id": name, "title": f"On {words[i % 3]}, part {i}", "abstract": ""} for i, name in enumerate(names)
        ],
        "profiles.jsonl": [{"user": "u", "liked": ["p0", "p3"], "keywords": ["speech"], "relevant": ["p6", "p9"]}],
    }
    for file, rows in lines.items():
        (bare.folder / file).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (bare.folder / "candidates.txt").write_text("".join(f"{name}\n" for name in names[4:]))
    document = documented(bare, "evaluate", ".", "--use", "both", "--shots", "1")
    assert document.keys() == {"users", "recall@100", "ndcg@10", "map", "p@10", "seconds"}
    assert document["users"] == 1
    assert document["ndcg@10"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("send", "--frobnicate"),
        ("send", "--limit", "0"),
        ("send", "--issue", "tomorrow"),
        ("send", "--issue", "2026-02-30"),
        ("send", "--issue", "2999-01-01"),
        ("issue", "open", "--date", "2026-08-21"),
        ("issue", "show", "20th of August"),
        ("preview",),
        ("preview", "--subscriber", "a@b.example", "--profile", "me.toml"),
        ("ingest", "name", "--file", "file.txt"),
        ("ingest", "--format", "word"),
        ("subscribers", "add"),
        ("subscribers", "add", "a@b.example", "--cadence", "hourly"),
        ("subscribers", "add", "a@b.example", "--hour", "noon"),
        ("evaluate", "."),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_status_two(bare: Desk, words: tuple[str, ...]) -> None:
    finished = bare(*words, status=2)
    assert finished.out == ""
    assert finished.err.strip()


@pytest.mark.parametrize("said", ["yesterday", "2026-13-01", "0001-01-01T00:00:00+05:00", "9999-12-31"])
@pytest.mark.parametrize(
    "words",
    [("ingest", "--file", str(AUGUST)), ("issue", "open"), ("preview", "--subscriber", "ada@lab.example"), ("send",)],
    ids=lambda words: words[0],
)
def test_a_clock_that_is_none_is_wrong_usage(desk: Desk, words: tuple[str, ...], said: str) -> None:
    desk.subscribe("ada@lab.example")
    before = desk.dump()
    finished = desk(*words, now=said, status=2)
    assert "NEWSLETTER_NOW" in finished.err
    assert desk.dump() == before


def test_the_clock_settles_the_day_in_the_time_zone_of_the_site(desk: Desk) -> None:
    late = "2026-08-20T23:30:00Z"
    assert desk("send", "--dry-run", "--json", now=late).json["issue"] == "2026-08-20"
    berlin = desk("send", "--dry-run", "--json", now=late, site__timezone="Europe/Berlin")
    assert berlin.json["issue"] == "2026-08-21"
    assert desk("send", "--dry-run", "--json", now="2026-08-20T23:30:00-02:00").json["issue"] == "2026-08-21"
    assert desk("send", "--dry-run", "--json", now="2026-08-20T23:30:00").json["issue"] == "2026-08-20"


def test_the_clock_settles_the_year_of_a_digest(bare: Desk) -> None:
    for now, day in ((THURSDAY, "2026-08-20"), ("2026-08-19T12:00:00Z", "2025-08-20")):
        source = bare("ingest", "--file", AUGUST, "--dry-run", "--json", now=now).json["sources"][0]
        assert source["day"] == day


def test_settings_come_from_the_named_file_then_the_environment(bare: Desk) -> None:
    for name in ("one", "two", "three"):
        (bare.folder / f"{name}.toml").write_text(f'[database]\nurl = "sqlite:///{name}.db"\n')
    bare("subscribers", "add", "a@b.example", config="one.toml")
    assert {path.name for path in bare.folder.glob("*.db")} == {"one.db"}
    bare("--config", "two.toml", "subscribers", "add", "a@b.example", config="one.toml")
    assert {path.name for path in bare.folder.glob("*.db")} == {"one.db", "two.db"}
    bare("--config", "three.toml", "subscribers", "add", "a@b.example", database__url="sqlite:///four.db")
    assert {path.name for path in bare.folder.glob("*.db")} == {"one.db", "two.db", "four.db"}
    (bare.folder / "one.toml").rename(bare.folder / "newsletter.toml")
    assert len(bare("subscribers", "list", "--json").json) == 1


def test_a_secret_comes_from_a_file(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    (desk.folder / "secret").write_text("a secret of some length\n")
    desk("preview", "--subscriber", "ada@lab.example", "--out", "file", site__secret_file="secret")
    desk("preview", "--subscriber", "ada@lab.example", "--out", "same", site__secret="a secret of some length")
    desk("preview", "--subscriber", "ada@lab.example", "--out", "other", site__secret="another secret")
    file, same, other = ((desk.folder / name / "message.eml").read_bytes() for name in ("file", "same", "other"))
    assert file == same != other


def test_init_writes_settings_that_every_command_takes(bare: Desk) -> None:
    said = bare("init").out
    assert "newsletter.toml" in said
    written = (bare.folder / "newsletter.toml").read_text("utf-8")
    assert 'secret = "' in written
    assert (bare.folder / "newsletter.toml").stat().st_mode & 0o077 == 0
    assert bare("subscribers", "list", "--json").json == []
    again = bare("init", status=1)
    assert "newsletter.toml is there already" in again.err
    assert (bare.folder / "newsletter.toml").read_text("utf-8") == written


def test_init_does_not_print_the_password_of_a_database(bare: Desk) -> None:
    finished = bare("init", status=1, database__url="postgresql://user:hunter2@127.0.0.1:1/x")
    assert "hunter2" not in finished.out + finished.err


def test_migrate_may_be_repeated(bare: Desk) -> None:
    for _ in range(2):
        assert "up to date" in bare("migrate").out
    assert (bare.folder / "newsletter.db").exists()


def test_looking_makes_no_database(bare: Desk) -> None:
    for words in (("subscribers", "list"), ("subscribers", "export"), ("issue", "list"), ("send", "--dry-run")):
        bare(*words)
    assert list(bare.folder.iterdir()) == []


def test_the_time_of_two_commands_is_their_own(desk: Desk) -> None:
    desk("issue", "open", now=THURSDAY)
    desk("ingest", "--file", HUGGING, now=FRIDAY)
    opened = desk("issue", "open", now=FRIDAY).out
    assert "2026-08-21" in opened


NAMING = "import newsletter.cli\ntry:\n    newsletter.cli.main()\nfinally:\n    import sys; print(*sys.modules)"


def test_a_preview_imports_only_what_it_needs(desk: Desk) -> None:
    """Compiled templates are kept, and so are the picks of an issue that is open: nothing is made again."""
    desk.subscribe("ada@lab.example", "--keyword", "CTC")
    desk("send")
    words = "preview --subscriber ada@lab.example"
    desk(*words.split())
    out = desk.shell(f"\"$PYTHON\" -c '{NAMING}' {words} | tail -n 1").out.split()
    assert "newsletter.pipeline" in out
    needless = {"fastapi", "httpx", "mjml", "onnxruntime", "premailer", "sklearn", "wordllama"}
    ours = {"delivery.bounces", "editor.server", "returns", "sources.sandbox"}
    assert sorted((needless | {f"newsletter.{name}" for name in ours}) & set(out)) == []


def test_help_starts_without_the_heavy_libraries(bare: Desk) -> None:
    """Time depends on the machine; what is imported does not."""
    heavy = ("alembic", "httpx", "jinja2", "numpy", "onnxruntime", "pydantic", "rich", "sklearn", "sqlalchemy")
    out = bare.shell(f"\"$PYTHON\" -c '{NAMING}' --help | tail -n 1").out.split()
    assert "newsletter.cli.app" in out
    assert not set(heavy) & set(out)


def test_python_dash_m_is_the_same_program(bare: Desk, pytestconfig: pytest.Config) -> None:
    version = bare.process("--version").out
    assert version.startswith("newsletter ")
    assert version.split()[1] in (Path(pytestconfig.rootpath) / "pyproject.toml").read_text()
