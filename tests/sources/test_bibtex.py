from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.errors import NotADigestError
from newsletter.model import PaperRecord
from newsletter.sources import bibtex


def one(fields: str) -> PaperRecord:
    (record,) = bibtex.parse(("@misc{key, " + fields + "}").encode(), where="a.bib").records
    return record


@pytest.mark.parametrize(
    ("source", "title"),
    [
        (r"{Schr{\"o}dinger's {\v{S}}ums and Stra{\ss}en}", "Schrödinger's Šums and Straßen"),
        (r"{{All of It Kept}}", "All of It Kept"),
        (r'"A {"}Quoted{"} Title"', 'A "Quoted" Title'),
        (r"{On $x_{i}$ and {$n<m$} at 5\%}", "On x_i and n<m at 5%"),
        (r"{From $5 to $10 {US}}", "From $5 to $10 US"),
        (r"{\emph{Dunes}~and {\'{\i}}slas, S\~ao}", "Dunes and íslas, São"),
        (r"{Sets \{a, b\}}", "Sets {a, b}"),
        (r"{AT\&T &amp; <i>friends</i>}", "AT&T & friends"),
        ("1984", "1984"),
    ],
)
def test_titles_lose_their_latex_and_their_protective_braces(source: str, title: str) -> None:
    assert one(f"title = {source}").title == title


@pytest.mark.parametrize(
    ("source", "authors"),
    [
        ("Marsh, Ann and Cy Reed and others", ("Ann Marsh", "Cy Reed")),
        ("van der Berg, Jr., Dora", ("Dora van der Berg Jr.",)),
        ("{Barnes and Noble, Inc.} and {\\O}re, Bo", ("Barnes and Noble, Inc.", "Bo Øre")),
        ("Ann Marsh\n\tand\n Bo~Lin", ("Ann Marsh", "Bo Lin")),
        ("A. One, B. Two, C. Three, D. Four", ("A. One", "B. Two", "C. Three", "D. Four")),
        ("others", ()),
        ("", ()),
    ],
)
def test_authors_are_split_and_spoken(source: str, authors: tuple[str, ...]) -> None:
    assert one(f"title = {{x}}, author = {{{source}}}").authors == authors


@pytest.mark.parametrize(
    ("fields", "number", "categories"),
    [
        ("eprint={2101.00123v2}, archivePrefix={arXiv}, primaryClass={cs.LG}", "2101.00123", ("cs.LG",)),
        ("eprint={hep-th/9711200}, eprinttype=arxiv, eprintclass={hep-th}", "hep-th/9711200", ("hep-th",)),
        ("eprint={2101.00123}, archivePrefix={PubMed}, primaryClass={cs.LG}", "", ()),
        ("journal={arXiv preprint arXiv:2101.00123}", "2101.00123", ()),
        ("journal={Physical Review 2101.00123}", "", ()),
        (r"howpublished={\url{https://arxiv.org/abs/2101.00123}}", "2101.00123", ()),
        ("doi={10.48550/arXiv.2101.00123}", "2101.00123", ()),
    ],
)
def test_arxiv_ids_are_found_where_people_put_them(fields: str, number: str, categories: tuple[str, ...]) -> None:
    record = one(f"title={{x}}, {fields}")
    assert (record.arxiv_id, record.categories) == (number, categories)


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ("year = 2020", (2020, 1, 1)),
        ("year = {2020}, month = aug", (2020, 8, 1)),
        ('year = "2020", month = "15~" # aug', (2020, 8, 15)),
        ("year = 2020, month = {August 15}", (2020, 8, 15)),
        ("year = 2020, month = 8, day = 15", (2020, 8, 15)),
        ("year = 2019, date = {2020-08-15}", (2020, 8, 15)),
        ("year = {in press (2020)}", (2020, 1, 1)),
        ("year = {forthcoming}", None),
    ],
)
def test_the_date_comes_from_what_there_is(fields: str, date: tuple[int, int, int] | None) -> None:
    assert one(f"title={{x}}, {fields}").published_at == (datetime(*date, tzinfo=UTC) if date else None)


def test_strings_of_strings_cannot_fill_the_memory() -> None:
    strings = "".join(f"@string{{s{i} = s{i - 1} # s{i - 1}}}\n" for i in range(1, 80))
    data = "@string{s0 = {words }}\n" + strings + "@misc{a, title = {x}, abstract = s79}"
    (record,) = bibtex.parse(data.encode(), where="a.bib").records
    assert 90_000 < len(record.abstract) <= 100_000
    with pytest.raises(NotADigestError, match="many times as long"):
        bibtex.parse(
            (data + "".join(f"@misc{{k{i}, title = {{x}}, abstract = s79}}\n" for i in range(20))).encode(), where="a"
        )


def test_papers_do_not_inherit_the_identifiers_of_their_volume() -> None:
    data = (
        b"@misc{a, title={x}, crossref={V}} @proceedings{v, title={y}, doi={10.1234/v}, url={https://e.org}, year=2019}"
    )
    child, volume = bibtex.parse(data, where="a.bib").records
    assert (child.doi, child.url, child.published_at) == ("", "", volume.published_at)


@pytest.mark.parametrize("hostile", ["{" * 1_000_000, "}" * 1_000_000, '"' * 500_000, "{" * 500_000 + "}" * 500_000])
def test_a_megabyte_of_braces_is_read_in_passing(hostile: str) -> None:
    data = "@misc{good, title={x}}\n@misc{bad, title=" + hostile + "\n@misc{better, title={y}}\n"
    titles = [record.title for record in bibtex.parse(data.encode(), where="a.bib").records]
    assert titles[0] == "x"


def test_names_of_unbalanced_braces_are_read_in_passing() -> None:
    assert one('title={x}, author="' + "}" * 100_000 + ' and Ann Marsh"').authors[-1:] == ("Ann Marsh",)


def test_what_is_too_large_to_parse_in_seconds_is_refused() -> None:
    for data in ("@misc{a,b=c}\n" * 50_001, "@misc{a," + "b=c," * 500_001, "@misc{a,}" + "{" * 2_500_001):
        with pytest.raises(NotADigestError, match="too many entries or fields"):
            bibtex.parse(data.encode(), where="a.bib")


def test_the_library_does_not_report_each_broken_entry_itself(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        bibtex.parse(b"@misc{a, title={x}}\n@misc{b, title={y\n@misc{c, =}\n", where="a.bib")
    assert [record.name for record in caplog.records] == ["newsletter.sources.entries"]
    assert "entry 2: line 2: " in caplog.text


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "papers"), [("twente.bib", 1), ("ArXivQuantumMock.bib", 3), ("entryWithMultilineAbstract.bib", 0)]
)
def test_real_files_are_read_whole(shared: Path, name: str, papers: int) -> None:
    # The last has an entry with an abstract and no title, of which nothing can be shown.
    data = (shared / "data" / "bib" / name).read_bytes()
    assert bibtex.recognises(data)
    found = bibtex.parse(data, where=name)
    assert len(found.records) == papers
    if name == "twente.bib":
        (record,) = found.records
        assert len(record.authors) == 10
        assert {"Krste Asanovíc", "Shih-Lien Lu"} <= set(record.authors)
        assert record.published_at == datetime(2006, 8, 1, tzinfo=UTC)
