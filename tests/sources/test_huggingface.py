from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import NotADigestError
from newsletter.sources import huggingface


def entry(name: str = "2508.10001", day: str = "2025-08-20", **more: Any) -> dict[str, Any]:
    paper = {
        "id": name,
        "title": "Dunes\n  That Sing",
        "summary": "We listen to $n<m$ dunes.\nThey sing.",
        "authors": [{"name": "Ann Marsh"}, {"name": "Bo Lin", "hidden": False}],
        "publishedAt": "2025-08-18T17:01:02.000Z",
        "submittedOnDailyAt": f"{day}T01:12:39.713Z",
        "upvotes": 12,
        "githubRepo": "https://github.com/example/dunes",
        "projectPage": "javascript:alert(1)",
    }
    return {"paper": {**paper, **more}, "thumbnail": "https://cdn.example.org/1.png"}


def parse(document: Any) -> Any:
    return huggingface.parse(json.dumps(document).encode(), where="day.json")


def test_an_entry_gives_all_that_it_says_about_a_paper() -> None:
    found = parse([entry()])
    (record,) = found.records
    assert found.title == "Hugging Face Daily Papers"
    assert record.title == "Dunes That Sing"
    assert record.abstract == "We listen to n<m dunes. They sing."
    assert record.authors == ("Ann Marsh", "Bo Lin")
    assert (record.arxiv_id, record.url) == ("2508.10001", "https://arxiv.org/abs/2508.10001")
    assert record.published_at == datetime(2025, 8, 18, 17, 1, 2, tzinfo=UTC)
    assert record.upvotes == 12
    assert record.repository == "https://github.com/example/dunes"
    assert record.project_page == ""
    assert record.thumbnail == "https://cdn.example.org/1.png"


def test_a_paper_that_is_not_on_arxiv_links_to_its_page() -> None:
    (record,) = parse([entry("local-paper-7")]).records
    assert (record.arxiv_id, record.url) == ("", "https://huggingface.co/papers/local-paper-7")


def test_the_day_is_the_one_on_which_most_papers_were_put_on() -> None:
    found = parse([entry(), entry(day="2025-08-19"), entry(), entry(day="2025-08-21")])
    assert found.day == date(2025, 8, 20)


def test_python_literals_and_the_wrapped_list_of_old_archives_are_read() -> None:
    paper = entry()
    del paper["paper"]["submittedOnDailyAt"]
    found = parse({"status": "success", "date": "2025-01-10", "data": [repr(paper)]})
    assert len(found.records) == 1
    assert found.day == date(2025, 1, 10)


def test_an_empty_list_is_a_day_without_papers() -> None:
    assert parse([]).records == ()


def test_one_broken_entry_does_not_cost_the_others_but_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = parse([entry(), "{'paper': open('x')}", entry(title=""), 7, entry()])
    assert len(found.records) == 2
    assert "day.json" in caplog.text
    assert "3 of 5 entries" in caplog.text
    assert "entry 2" in caplog.text


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'[{"paper": ', "broken"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"error": "Invalid date"}', "Invalid date"),
        (b'{"a": 1}', "another form"),
        (b"3", "another form"),
        (b"[1, 2]", "no paper"),
        (b'["((((((((((((((((((((((((((1"]', "no paper"),
        (b"<html><title>Log in</title></html>", 'titled "Log in"'),
        (b"\x89PNG\r\n", "PNG"),
        (b"", "empty"),
    ],
)
def test_other_documents_are_refused_with_the_reason(data: bytes, what: str) -> None:
    with pytest.raises(NotADigestError, match=r"day\.json") as caught:
        huggingface.parse(data, where="day.json")
    assert what in caught.value.message
    assert caught.value.hint


def test_a_literal_that_is_too_large_is_not_evaluated() -> None:
    with pytest.raises(NotADigestError, match="characters"):
        parse(["[" + "0," * 600_000 + "]"])


@pytest.mark.shared_data
def test_every_archived_day_is_read_whole(shared: Path) -> None:
    papers = 0
    for path in sorted((shared / "data" / "hf_daily").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = document["data"] if isinstance(document, dict) else document
        found = huggingface.parse(path.read_bytes(), where=path.name)
        assert len(found.records) == len(entries), path.name
        assert found.day == date.fromisoformat(path.stem)
        assert all(record.abstract and record.authors and record.arxiv_id for record in found.records)
        papers += len(found.records)
    assert papers == 554
