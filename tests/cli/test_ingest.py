"""Real digests, and everything that a stranger may take for one."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.cli.desk import AUGUST, Desk

DIARY = "Dear diary,\n\ntoday I went shopping. Milk, bread, eggs.\n\nThe weather was fine.\n"
PAGE = "<!DOCTYPE html><html><head><title>503</title></head><body><h1>Service unavailable</h1></body></html>"


@pytest.mark.shared_data
def test_the_day_of_august_20_has_42_papers(bare: Desk, shared: Path) -> None:
    digest = shared / "seeds/daily-papers-aug-20.txt"
    document = bare("ingest", "--file", digest, "--dry-run", "--json").json
    assert document["sources"][0]["day"] == "2026-08-20"
    assert len(document["papers"]) == document["sources"][0]["papers"] == 42
    text = " ".join(digest.read_text("utf-8").split())
    for paper in document["papers"]:
        assert paper["title"] in text
        assert len(paper["abstract"]) > 300
        assert paper["abstract"].endswith((".", "!", "?", ")")) or "http" in paper["abstract"][-120:]


@pytest.mark.shared_data
def test_ingesting_a_file_twice_changes_nothing(bare: Desk, shared: Path) -> None:
    digest = shared / "seeds/daily-papers-aug-20.txt"
    assert bare("ingest", "--file", digest, "--json").json["sources"][0]["new"] == 42
    before = bare.dump()
    assert bare("ingest", "--file", digest, "--json").json["sources"][0]["new"] == 0
    assert bare.dump() == before


def _archive_ids(file: Path) -> set[str]:
    """The arXiv ids of an archived day, found without our own parser: also in the two days that are no plain lists."""
    document = json.loads(file.read_text("utf-8"))
    entries = document["data"] if isinstance(document, dict) else document
    ids = set()
    for entry in entries:
        if isinstance(entry, str):  # a Python repr
            ids.add(entry.partition("'paper': {'id': '")[2].partition("'")[0])
        else:
            ids.add(entry["paper"]["id"])
    return ids - {""}


@pytest.mark.shared_data
def test_a_replay_of_all_days_gives_each_paper_once(bare: Desk, shared: Path) -> None:
    days = sorted((shared / "data/hf_daily").glob("*.json"))
    assert days
    seen: set[str] = set()
    for file in days:
        there = _archive_ids(file)
        source = bare("ingest", "--file", file, "--json", now=f"{file.stem[:10]}T22:00:00Z").json["sources"][0]
        assert source["new"] == len(there - seen), file.name
        seen |= there
    with sqlite3.connect(bare.folder / "newsletter.db") as connection:
        [(kept,)] = connection.execute("SELECT count(*) FROM papers").fetchall()
        ids = {row[0] for row in connection.execute("SELECT arxiv_id FROM papers")}
    connection.close()
    assert kept == len(seen)
    assert ids == seen


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("missing.txt", None, "no file"),
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \n\t\n ", "is empty"),
        ("noise.dat", bytes(range(256)) * 40, "binary"),
        ("image.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "PNG image"),
        ("page.html", PAGE.encode(), "HTML page"),
        ("diary.txt", DIARY.encode(), "is not a copied digest"),
        ("large.txt", b"a title\n\n" + b"word " * 5_000_000, "larger than 20,000,000 bytes"),
        ("broken.json", b'[{"paper": {"id": "2508.10433", "title"', ""),
        ("other.json", b'{"hello": ["world"]}', ""),
        ("broken.xml", b"<?xml version='1.0'?><rss><channel><title>x", ""),
        ("other.xml", b"<?xml version='1.0'?><catalogue><cd/></catalogue>", ""),
        ("latin.txt", DIARY.replace("fine", "trüb").encode("latin-1"), ""),
        ("wide.txt", DIARY.encode("utf-16"), ""),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_what_is_no_digest_is_named_and_nothing_is_stored(
    bare: Desk, name: str, content: bytes | None, named: str
) -> None:
    if content is not None:
        (bare.folder / name).write_bytes(content)
    finished = bare("ingest", "--file", name, status=1)
    assert name in finished.err
    assert named in finished.err
    assert finished.err.count("newsletter:") == 1
    assert finished.out == ""
    with sqlite3.connect(bare.folder / "newsletter.db") as connection:
        assert connection.execute("SELECT count(*) FROM papers").fetchone() == (0,)
    connection.close()


def test_what_was_looked_for_is_said(bare: Desk) -> None:
    (bare.folder / "diary.txt").write_text(DIARY)
    said = bare("ingest", "--file", "diary.txt", status=1).err
    for format_ in ("feed", "Hugging Face JSON", "copied digest"):
        assert format_ in said


def test_a_folder_is_no_file(bare: Desk) -> None:
    assert "is a folder" in bare("ingest", "--file", ".", status=1).err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(bare: Desk) -> None:
    (bare.folder / "mine.txt").write_text("text")
    (bare.folder / "mine.txt").chmod(0)
    assert "mine.txt may not be read" in bare("ingest", "--file", "mine.txt", status=1).err


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_other_encodings_of_a_digest_are_read(bare: Desk, encoding: str) -> None:
    text = AUGUST.read_text("utf-8")
    (bare.folder / "digest.txt").write_bytes(("﻿" * (encoding == "utf-16-be") + text).encode(encoding))
    first = bare("ingest", "--file", "digest.txt", "--dry-run", "--json").json
    second = bare("ingest", "--file", AUGUST, "--dry-run", "--json").json
    assert first["papers"] == second["papers"]


def test_a_file_named_like_a_source_gets_the_right_hint(bare: Desk) -> None:
    (bare.folder / "digest.txt").write_text(DIARY)
    said = bare("ingest", "digest.txt", status=1).err
    assert "no such source: digest.txt" in said
    assert "--file digest.txt" in said


def test_sources_come_from_the_settings(bare: Desk) -> None:
    assert "--file PATH" in bare("ingest", status=1).err
    (bare.folder / "newsletter.toml").write_text(
        f'[[source]]\nname = "august"\npath = "{AUGUST}"\n[[source]]\nname = "gone"\npath = "gone.txt"\n'
    )
    assert "august, gone" in bare("ingest", "jnue", status=1).err
    assert bare("ingest", "august", "--json").json["sources"][0]["new"] == 42
    finished = bare("ingest", status=1)
    assert finished.out == "august: 42 papers of 20 August 2026, 0 new\n"
    assert finished.err.startswith("newsletter: gone: there is no file gone.txt")
