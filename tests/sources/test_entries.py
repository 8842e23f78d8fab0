from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from newsletter.errors import NotADigestError
from newsletter.model import Digest
from newsletter.sources import entries


def digest(titles: list[str]) -> Digest:
    return entries.digest(titles, lambda title: entries.paper(title=title), where="list.txt", title="", needs="a list")


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("2020-05-17", (2020, 5, 17)),
        ("2020", (2020, 1, 1)),
        (2020, (2020, 1, 1)),
        ("2014//", (2014, 1, 1)),
        ("2014/05/", (2014, 5, 1)),
        ("2014/05/03/spring", (2014, 5, 3)),
        ("2014-05-03/2014-05-09", (2014, 5, 3)),
        ("June 2014", (2014, 6, 1)),
        ("8 June 2014", (2014, 6, 8)),
        ("JUN 8 2004", (2004, 6, 8)),
        ("Mon, 17 Aug 2020 23:30:00 -0200", (2020, 8, 18)),
        ("2020-02-31", (2020, 1, 1)),
    ],
)
def test_dates_are_read_in_many_forms(said: Any, date: tuple[int, int, int]) -> None:
    found = entries.moment(said)
    assert found is not None
    assert (found.year, found.month, found.day) == date
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "said", ["", "in press", "8 June", "0000", "99999", "0001-01-01", True, 10**30, -5, None, [], "9" * 200]
)
def test_what_is_no_date_is_unknown(said: Any) -> None:
    assert entries.moment(said) is None


def test_a_month_may_be_a_name_or_a_number() -> None:
    assert entries.on("2020", "aug", "3") == entries.on(2020, 8, 3) == datetime(2020, 8, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("where", "title"),
    [
        ("/home/ann/my shelf.bib", "my shelf"),
        ("shelf.bib", "shelf"),
        ("https://example.org/lists/ponds%20and%20dunes.bib?x=1", "ponds and dunes"),
        ("https://example.org", "example.org"),
        ("https://[", "["),
    ],
)
def test_the_title_is_the_name_of_the_file_or_the_host(where: str, title: str) -> None:
    assert entries.title_from(where) == title


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Marsh, Ann", "Ann Marsh"),
        ("Marsh, Ann, Jr.", "Ann Marsh Jr."),
        ("Ann Marsh", "Ann Marsh"),
        ("Marsh,", "Marsh"),
        ("a, b, c, d", "a, b, c, d"),
    ],
)
def test_names_come_in_the_order_of_speech(name: str, spoken: str) -> None:
    assert entries.spoken(name) == spoken


def test_a_link_holds_the_doi_without_what_a_publisher_puts_behind_it() -> None:
    ours = entries.paper(title="x", links=["https://doi.org/10.1234/AB/full"])
    theirs = entries.paper(title="x", links=["https://example.org/doi/10.1234/ab/full"])
    given = entries.paper(title="x", links=["https://example.org/doi/10.1234/ab"], dois=["10.1234/other"])
    assert (ours.doi, theirs.doi, given.doi) == ("10.1234/ab/full", "10.1234/ab", "10.1234/other")


def test_a_list_of_papers_without_titles_is_a_digest_without_papers() -> None:
    assert digest(["", " "]).records == ()


def test_entries_of_which_none_is_a_paper_are_an_error() -> None:
    with pytest.raises(NotADigestError, match=r"list\.txt holds no paper .*more than 2,000 characters"):
        digest(["", "x" * 2001])


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MOST_PAPERS", 3)
    assert len(digest(["a"] * 3).records) == 3
    with pytest.raises(NotADigestError, match="more than 3 entries"):
        digest(["a"] * 4)


def test_formulas_beyond_the_budget_of_a_document_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(entries, "_MOST_MARKUP", 500)
    with caplog.at_level(logging.WARNING):
        found = digest([r"$\alpha$", "plain", r"$\beta$", r"$\gamma$"])
    assert [record.title for record in found.records] == ["α", "plain", r"$\beta$", r"$\gamma$"]
    assert "so much LaTeX" in caplog.text
