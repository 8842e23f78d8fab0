from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import NotADigestError
from newsletter.sources import ris


def test_a_line_that_goes_on_before_any_tag_costs_nothing() -> None:
    (record,) = ris.parse(b"TY  - JOUR\nstray words\nTI  - Dunes\n  That Sing\nER  - \n", where="a.ris").records
    assert record.title == "Dunes That Sing"


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://example.org/a;b", "https://example.org/a;b"),
        ("ftp://example.org; https://example.org/1; https://example.org/2", "https://example.org/1"),
        ("javascript:alert(1)", ""),
    ],
)
def test_the_first_http_address_is_the_link(value: str, url: str) -> None:
    (record,) = ris.parse(f"TY  - JOUR\nTI  - Dunes\nUR  - {value}\nER  - \n".encode(), where="a.ris").records
    assert record.url == url


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("ID  - 2101.00123", "2101.00123"),
        ("N1  - arXiv:2101.00123 [cs]", "2101.00123"),
        ("SP  - 2101.00123", ""),
        ("ID  - 4711", ""),
    ],
)
def test_arxiv_ids_are_found(field: str, number: str) -> None:
    (record,) = ris.parse(f"TY  - JOUR\nTI  - Dunes\n{field}\nER  - \n".encode(), where="a.ris").records
    assert record.arxiv_id == number


@pytest.mark.parametrize(
    "data",
    [
        "TY  - J\nTI  - x\nAB  - y\n" + "a\n" * 300_000,
        "TY  - J\n" + "\n" * 900_000,
        "TY  - J\nTI  - x\nUR  - " + "; " * 500_000,
    ],
    ids=["lines", "blank", "links"],
)
def test_hostile_lines_are_read_in_passing(data: str) -> None:
    assert ris.recognises(data.encode()) in (True, False)
    assert len(ris.parse(data.encode(), where="a.ris").records) <= 1


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(NotADigestError, match="lines"):
        ris.parse(b"TY  - J\n" + b"\n" * 1_000_001, where="a.ris")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "papers"),
    [("example_full.ris", 2), ("example_utf_chars.ris", 1), ("example_wos.ris", 2), ("example_bom.ris", 0)],
)
def test_real_files_are_read_whole(shared: Path, name: str, papers: int) -> None:
    # The last has a DOI and no title, of which nothing can be shown.
    data = (shared / "data" / "bib" / name).read_bytes()
    assert ris.recognises(data)
    found = ris.parse(data, where=name)
    assert len(found.records) == papers
    assert all(record.abstract and record.authors and record.published_at for record in found.records)
