from __future__ import annotations

from datetime import UTC, datetime
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


NBIB = """
PMID- 34929
OWN - NLM
TI  - Why dunes sing when the wind turns, and what it is that they sing of in all those
      long nights.
LID - 10.5555/dune.7 [doi]
AB  - BACKGROUND: Dunes sing. METHODS: We filmed one for forty days and
      listened.
FAU - Marsh, Ann B
AU  - Marsh AB
FAU - Lin, Bo
AU  - Lin B
DP  - 2025 Aug 14
SO  - Dunes. 2025 Aug 14;1(1):1-2. doi: 10.5555/dune.7.

PMID- 34930
STAT- MEDLINE
TI  - Drifts hum
AU  - Reed C
AU  - Marsh AB
DP  - 2025 Jul-Aug
"""


def test_pubmeds_own_format_is_read() -> None:
    assert ris.recognises(NBIB.encode())
    dunes, drifts = ris.parse(NBIB.encode(), where="a.nbib").records
    assert dunes.title.endswith("in all those long nights.")
    assert dunes.abstract == "BACKGROUND: Dunes sing. METHODS: We filmed one for forty days and listened."
    assert (dunes.authors, dunes.doi) == (("Ann B Marsh", "Bo Lin"), "10.5555/dune.7")
    assert dunes.published_at == datetime(2025, 8, 14, tzinfo=UTC)
    assert (drifts.authors, drifts.url) == (("C Reed", "AB Marsh"), "https://pubmed.ncbi.nlm.nih.gov/34930/")
    assert drifts.published_at == datetime(2025, 7, 1, tzinfo=UTC)
