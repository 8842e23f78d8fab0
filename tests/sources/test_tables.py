from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.errors import NotADigestError
from newsletter.model import PaperRecord
from newsletter.sources import tables


def rows(text: str) -> tuple[PaperRecord, ...]:
    return tables.parse_csv(text.encode(), where="a.csv").records


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = delimiter.join(("Title", "ABSTRACT", "Year")) + "\n" + delimiter.join(('"a, b; c\td"', "x", "2020"))
    assert tables.recognises_csv(text.encode())
    (record,) = rows(text)
    assert (record.title, record.abstract) == ("a, b; c d", "x")


def test_a_table_without_titles_is_refused_with_its_columns() -> None:
    with pytest.raises(
        NotADigestError, match=r'a\.csv .* no column "title"; its columns are: name, year, \(no name\) \(needed'
    ):
        rows("name,year,\nx,2020,\n")


def test_a_row_with_too_many_cells_is_left_out_since_its_values_are_displaced() -> None:
    assert [record.title for record in rows("title,abstract,doi\nA, B,x,y\nC,z,\nD,z,,\nE\n")] == ["C", "D", "E"]


def test_an_archives_own_column_names_are_known() -> None:
    header = "Key,Publication Year,Author,Title,DOI,Url,Abstract Note,Date\n"
    (record,) = rows(
        header + 'K,2020,"Marsh, Ann; Lin, Bo",Dunes,10.1234/A,https://example.org,We listen.,2020-08-17\n'
    )
    assert record.authors == ("Ann Marsh", "Bo Lin")
    assert record.abstract == "We listen."
    assert record.published_at is not None
    assert record.published_at.day == 17


@pytest.mark.parametrize(
    ("value", "categories"),
    [
        ("cs.LG stat.ML", ("cs.LG", "stat.ML")),
        ("cs.LG; hep-th", ("cs.LG", "hep-th")),
        ("Robotics, Vision", ("Robotics", "Vision")),
        ("Machine Learning", ("Machine Learning",)),
        ("", ()),
    ],
)
def test_categories_are_split_as_they_are_joined(value: str, categories: tuple[str, ...]) -> None:
    (record,) = rows(f'title,categories\nx,"{value}"\n')
    assert record.categories == categories


def test_a_cell_that_is_too_large_costs_only_itself() -> None:
    assert [record.title for record in rows("title,abstract\na,b\nc," + "x" * 200_000 + "\nd,e\n")] == ["a", "d"]


def test_a_table_of_too_many_cells_is_refused() -> None:
    with pytest.raises(NotADigestError, match="cells"):
        rows("title,abstract\n" + "," * 2_000_001)


@pytest.mark.parametrize(
    ("text", "recognised"),
    [
        ('{"title": "x"}', True),
        ('{"title": "x"}\n{"name": 1}', True),
        ('{"name": "x"}\n{"title": "x"}', False),
        ('{"title": "x"}\n[1]', False),
        ('{"title": "x", "paperId": "p"}', False),
        ('[{"title": "x"}]', False),
        ('{"title": ' + "[" * 5000, False),
    ],
)
def test_jsonl_is_known_by_its_first_lines(text: str, recognised: bool) -> None:
    assert tables.recognises_jsonl(text.encode()) is recognised


def test_a_line_nested_too_deeply_costs_only_itself() -> None:
    data = b'{"title": "x"}\n{"title": ' + b"[" * 100_000 + b'\n{"title": "y"}\n'
    assert [record.title for record in tables.parse_jsonl(data, where="a.jsonl").records] == ["x", "y"]


@pytest.mark.shared_data
def test_a_large_real_file_is_read_whole(shared: Path) -> None:
    data = (shared / "data" / "citeulike-dev" / "papers.jsonl").read_bytes()
    assert tables.recognises_jsonl(data)
    assert len(tables.parse_jsonl(data, where="papers.jsonl").records) == 13_584


PAPER = '{"title": "On dunes", "abstract": "They sing.", "authors": ["Ann Marsh"], "url": "https://arxiv.org/abs/2508.10001"}'


@pytest.mark.parametrize(
    "document",
    [
        f"[{PAPER}, {PAPER}]",
        f'{{"count": 1, "results": [{PAPER}]}}',
        f'{{"status": "ok", "answer": {{"list": {{"hits": [{PAPER}]}}}}}}',
        f'{{"messages": [{{"status": "ok"}}], "collection": [{PAPER}]}}',
    ],
)
def test_any_json_list_of_papers_is_read_wherever_it_stands(document: str) -> None:
    assert tables.recognises_jsonl(document.encode())
    record = tables.parse_jsonl(document.encode(), where="a.json").records[0]
    assert (record.title, record.abstract, record.authors) == ("On dunes", "They sing.", ("Ann Marsh",))
    assert record.arxiv_id == "2508.10001"


@pytest.mark.parametrize(
    "document",
    [
        '[{"title": "A ring", "price": 5}]',
        '[{"paper": {"id": "2508.10001", "title": "On dunes", "summary": "They sing."}, "title": "On dunes"}]',
        '[{"id": "2508.10001", "title": "On dunes", "summary": "They sing.", "upvotes": 3}]',
        '{"a": {"b": {"c": {"d": [' + PAPER + "]}}}}",
        "[1, 2]",
    ],
)
def test_other_json_is_not_taken_for_a_list_of_papers(document: str) -> None:
    assert not tables.recognises_jsonl(document.encode())


def test_what_other_services_call_the_fields_is_understood() -> None:
    rows = (
        '{"title": "On dunes", "abstractText": "They sing.", "authorString": "Marsh A, Lin BC.", "pubYear": "2024"}',
        '{"title": "On drifts", "abstractNote": "They hum.", "creators": [{"firstName": "Ann", "lastName": "Marsh"}]}',
        '{"title": "On sand", "abstract": "It is.", "published": "NA", "date": "2025-08-14"}',
    )
    dunes, drifts, sand = tables.parse_jsonl(f"[{','.join(rows)}]".encode(), where="a.json").records
    assert (dunes.abstract, dunes.authors) == ("They sing.", ("A Marsh", "BC. Lin"))
    assert dunes.published_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert (drifts.abstract, drifts.authors) == ("They hum.", ("Ann Marsh",))
    assert sand.published_at == datetime(2025, 8, 14, tzinfo=UTC)
