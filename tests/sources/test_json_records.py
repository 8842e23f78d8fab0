from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import NotADigestError
from newsletter.sources.json_format import shape
from newsletter.sources.json_records import CROSSREF, OPENREVIEW, SEMANTIC_SCHOLAR

PAPER = {"paperId": "p", "title": "Dunes", "authors": [{"name": "Ann Marsh"}]}
WORK = {"DOI": "10.1234/a", "title": ["Dunes"], "author": [{"given": "Ann", "family": "Marsh"}]}
NOTE = {"id": "n", "forum": "n", "content": {"title": {"value": "Dunes"}, "authors": {"value": ["Ann Marsh"]}}}


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        *[(SEMANTIC_SCHOLAR, document) for document in (PAPER, [PAPER], {"data": [PAPER]}, {"papers": [PAPER]})],
        *[(CROSSREF, document) for document in (WORK, [WORK], {"message": WORK}, {"message": {"items": [WORK]}})],
        *[(OPENREVIEW, document) for document in (NOTE, [NOTE], {"notes": [NOTE]})],
    ],
)
def test_a_record_a_list_and_an_answer_are_read(kind: Any, document: Any) -> None:
    data = json.dumps(document).encode()
    assert [each for each in (SEMANTIC_SCHOLAR, CROSSREF, OPENREVIEW) if each.recognises(data)] == [kind]
    (record,) = kind.parse(data, where="a.json").records
    assert (record.title, record.authors) == ("Dunes", ("Ann Marsh",))


@pytest.mark.parametrize(
    ("kind", "document"),
    [(SEMANTIC_SCHOLAR, {"error": "Too many requests"}), (CROSSREF, {"message": [{"message": "Too many requests"}]}),
     (OPENREVIEW, {"name": "Error", "message": "Too many requests"})],
)  # fmt: skip
def test_an_error_of_the_api_is_said(kind: Any, document: Any) -> None:
    with pytest.raises(NotADigestError, match="Too many requests"):
        kind.parse(json.dumps(document).encode(), where="a.json")


def test_an_answer_without_results_has_no_papers() -> None:
    assert SEMANTIC_SCHOLAR.parse(b'{"total": 0, "data": []}', where="a.json").records == ()
    empty = b'{"status": "ok", "message-type": "work-list", "message": {"items": []}}'
    assert CROSSREF.recognises(empty)
    assert CROSSREF.parse(empty, where="a.json").records == ()


@pytest.mark.parametrize("when", [10**25, -1, True, "2020", None, 1.5])
def test_a_moment_that_is_none_is_unknown(when: Any) -> None:
    (record,) = OPENREVIEW.parse(json.dumps([{**NOTE, "cdate": when}]).encode(), where="a.json").records
    assert record.published_at is None


def test_the_shape_of_a_document_is_told_by_its_keys_and_never_by_its_texts() -> None:
    data = b'{"message": {"items": [{"title": ["\\"paperId\\": [1]"], "n": 1}, {"x": {}}]}, "y": "{z'
    assert shape(data) == {
        "", ".message", ".message.items", ".message.items[]", ".message.items[].title", ".message.items[].title[]",
        ".message.items[].n", ".message.items[].x", ".y",
    }  # fmt: skip


@pytest.mark.parametrize("data", [b"[" * 65_536, b'{"a":' * 13_000, b'\\"' * 32_000, b'"' * 65_536, b"]}" * 9, b'"\\'])
def test_the_shape_of_hostile_bytes_is_told_at_once(data: bytes) -> None:
    assert all(len(path) < 400 for path in shape(data))


@pytest.mark.shared_data
def test_a_real_paper_with_its_citations_is_one_paper(shared: Path) -> None:
    data = (shared / "data" / "json" / "s2_paper.json").read_bytes()
    assert SEMANTIC_SCHOLAR.recognises(data)
    (record,) = SEMANTIC_SCHOLAR.parse(data, where="s2_paper.json").records
    assert record.authors == ("A. Turing",)
    assert record.doi == "10.1093/mind/lix.236.433"
    assert record.published_at == datetime(1950, 10, 1, tzinfo=UTC)
    assert len(record.abstract) > 500
