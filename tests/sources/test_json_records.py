from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import NotADigestError
from newsletter.sources.json_format import shape
from newsletter.sources.json_records import CROSSREF, DBLP, INSPIRE, OPENREVIEW, SEMANTIC_SCHOLAR

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


def test_what_has_a_doi_but_is_no_paper_is_left_out_of_crossrefs_answer() -> None:
    items = [
        {"DOI": "10.5555/d", "type": "journal", "title": ["Dune Letters"]},
        {"DOI": "10.5555/d.1", "type": "journal-article", "title": ["Editorial Board"]},
        {"DOI": "10.5555/d.2", "type": "journal-article", "title": ["Corrigendum to “On dunes” [Dunes 1 (2025) 1–2]"]},
        {"DOI": "10.5555/d.3", "type": "journal-article", "title": ["On dunes"]},
    ]
    data = json.dumps({"message-type": "work-list", "message": {"items": items}}).encode()
    assert [record.title for record in CROSSREF.parse(data, where="a.json").records] == ["On dunes"]


@pytest.mark.parametrize(
    ("abstract", "expected"),
    [
        ("<jats:p>They do (<jats:italic>p</jats:italic> &amp;lt; 0.05).</jats:p>", "They do (p < 0.05)."),
        ("<jats:p>Write &amp;amp;lt; for it.</jats:p>", "Write &lt; for it."),
        ("<jats:p>The <jats:tex-math>$k$</jats:tex-math> nearest.</jats:p>", "The k nearest."),
        (
            "<jats:p>The <jats:tex-math>$k$</jats:tex-math><mml:math><mml:mi>k</mml:mi></mml:math> nearest.</jats:p>",
            "The k nearest.",
        ),
    ],
)
def test_jats_is_read_once_and_its_formulas_too(abstract: str, expected: str) -> None:
    data = json.dumps({"message-type": "work", "message": {"DOI": "10.5555/d", "title": ["T"], "abstract": abstract}})
    assert CROSSREF.parse(data.encode(), where="a.json").records[0].abstract == expected


def test_an_answer_of_dblp_without_papers_is_a_digest_without_papers() -> None:
    hits = {"@total": "0", "@computed": "0", "@sent": "0", "@first": "0"}
    data = json.dumps({"result": {"query": "x", "status": {"@code": "200", "text": "OK"}, "hits": hits}}).encode()
    assert DBLP.recognises(data)
    assert DBLP.parse(data, where="x").records == ()


def test_one_paper_of_dblp_or_inspire_needs_no_list() -> None:
    info = {"title": "Dunes.", "authors": {"author": "Ada Lovelace"}, "ee": "https://doi.org/10.5555/dunes"}
    hit = {"@score": "1", "@id": "1", "info": info}
    for document in ({"result": {"hits": {"@sent": "1", "hit": hit}}}, hit, [hit]):
        (found,) = DBLP.parse(json.dumps(document).encode(), where="x").records
        assert (found.title, found.authors, found.doi) == ("Dunes", ("Ada Lovelace",), "10.5555/dunes")
    single = {"id": "7", "metadata": {"control_number": 7, "titles": [{"title": "Dunes"}]}}
    assert INSPIRE.recognises(json.dumps(single).encode())
    (found,) = INSPIRE.parse(json.dumps(single).encode(), where="x").records
    assert found.url == "https://inspirehep.net/literature/7"


def test_another_archive_that_answers_as_inspire_does_is_not_taken_for_it() -> None:
    other = {"hits": {"hits": [{"metadata": {"title": "Dunes", "creators": [{"name": "Lovelace, Ada"}]}}]}}
    assert not INSPIRE.recognises(json.dumps(other).encode())
