from __future__ import annotations

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
