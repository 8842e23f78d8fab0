"""What everybody may see: issues, papers, the search and the feed."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import feedparser
import pytest

from newsletter.model import Cadence, IssueState, PaperRecord, Window
from tests.store.rows import EVER, digest, dump, sketch
from tests.web.house import HOSTILE, House, words

DAY = date(2026, 8, 20)
HARM = "/papers/doi:10.1000/harm(1)%3C2%3E"


def opened(house: House, day: date = DAY, cadence: Cadence = Cadence.DAILY, **changes: object) -> None:
    """Open an issue that covers everything, unless told otherwise."""
    issue = replace(sketch(day, cadence=cadence), window=EVER)
    house.store.issues.open(replace(issue, **changes), now=house.clock())  # type: ignore[arg-type]


def titles(page: str) -> list[str]:
    return [html.unescape(title) for title in re.findall(r'<h2 class="title"[^>]*><a [^>]*>([^<]*)</a>', page)]


def test_reading_changes_nothing(house: House) -> None:
    opened(house)
    before = dump(house.store)
    for path in ("/", "/issues", "/issues/2026-08-20", "/papers/arxiv:2508.00001", "/search?q=sand", "/feed.xml"):
        assert house.get(path).status_code == house.client.head(path).status_code == 200
    assert dump(house.store) == before


def test_an_issue_has_all_papers_those_with_most_votes_first(house: House) -> None:
    opened(house)
    page = house.get("/issues/2026-08-20")
    assert titles(page.text) == [
        " ".join(HOSTILE.split()),
        "Dunes that sing, and how sand grains keep time",
        "Speech recognition without speech",
    ]
    assert "3 papers" in words(page)
    assert "X-Robots-Tag" not in page.headers


def test_the_issues_are_listed_and_the_newest_stands_on_the_first_page(house: House) -> None:
    for ago in range(40):
        opened(house, DAY - timedelta(days=ago), window=sketch(DAY - timedelta(days=ago)).window)
    first, second = house.get("/issues").text, house.get("/issues?page=2").text
    days = re.findall(r'href="/issues/([\d-]+)"', first) + re.findall(r'href="/issues/([\d-]+)"', second)
    assert days == [(DAY - timedelta(days=ago)).isoformat() for ago in range(40)]
    assert "Thursday, 20 August 2026" in words(house.get("/"))


def test_a_draft_is_nobodys_business_yet(house: House) -> None:
    opened(house, state=IssueState.DRAFT)
    assert house.get("/issues/2026-08-20").status_code == 404
    assert "2026" not in words(house.get("/issues"))
    assert feedparser.parse(BytesIO(house.get("/feed.xml").content)).entries == []


def test_a_day_may_have_issues_of_several_cadences(house: House) -> None:
    weekly = Window(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 2, tzinfo=UTC))
    opened(house)
    opened(house, cadence=Cadence.WEEKLY, window=weekly)
    assert "3 papers" in words(house.get("/issues/2026-08-20"))
    assert "?cadence=weekly" in house.get("/issues/2026-08-20").text
    assert "0 papers" in words(house.get("/issues/2026-08-20?cadence=weekly"))
    assert "3 papers" in words(house.get("/issues/2026-08-20?cadence=hourly"))


def test_a_long_issue_is_shown_page_by_page(house: House) -> None:
    many = [PaperRecord(f"A study of tides number {number}", arxiv_id=f"2508.1{number:04d}") for number in range(65)]
    house.store.papers.add(digest(*many), source="tides", now=house.clock())
    opened(house)
    found = [titles(house.get(f"/issues/2026-08-20?page={number}").text) for number in (1, 2, 3)]
    assert [len(some) for some in found] == [30, 30, 8]
    assert len({title for some in found for title in some}) == 68


@pytest.mark.parametrize("day", ["2026-08-19", "2026-8-20", "2026-13-01", "today", "20260820", "٢٠٢٦-08-20", "%2e%2e"])
def test_a_day_without_an_issue_is_not_there(house: House, day: str) -> None:
    opened(house)
    assert house.get(f"/issues/{day}").status_code == 404


def test_a_paper_is_found_by_any_name_that_it_goes_by(house: House) -> None:
    page = house.get("/papers/arxiv:2508.00001")
    assert "Sand dunes hum" in words(page)
    assert "Ada Lovelace, Marie Curie" in words(page)
    assert 'href="https://arxiv.org/pdf/2508.00001"' in page.text
    better = PaperRecord("Speech recognition without speech", arxiv_id="2508.00003", doi="10.1000/speech")
    house.store.papers.add(digest(better), source="journal", now=house.clock())
    for name in ("arxiv:2508.00003", "doi:10.1000/speech"):
        assert "Speech recognition" in words(house.get(f"/papers/{name}"))


@pytest.mark.parametrize("path", ["/issues/2026-08-20", HARM, "/search?q=harm"])
def test_what_sources_write_is_only_text(house: House, path: str) -> None:
    opened(house)
    page = house.get(path)
    assert page.status_code == 200
    assert " ".join(HOSTILE.split()) in words(page)
    assert "<script>alert" not in page.text
    assert "<b onmouseover" not in page.text
    assert "<i>Mallory" not in page.text


def test_what_stands_only_in_somebodys_library_is_shown_to_nobody(house: House) -> None:
    house.store.papers.keep([PaperRecord("A secret love of sand", "Sand.", doi="10.1000/secret")], now=house.clock())
    assert house.get("/papers/doi:10.1000/secret").status_code == 404
    assert "secret" not in words(house.get("/search?q=sand"))
    assert "secret love" not in words(house.get("/search?q=10.1000/secret"))


def test_a_page_says_when_a_paper_was_published_where_a_source_told(house: House) -> None:
    known = PaperRecord("On ice", "It creeps.", arxiv_id="2508.40001", published_at=datetime(2019, 5, 3, tzinfo=UTC))
    unknown = PaperRecord("On older ice", "It crept.", arxiv_id="2508.40002")
    house.store.papers.add(digest(known, unknown), source="ice", now=house.clock())
    assert "Published Friday, 3 May 2019" in words(house.get("/papers/arxiv:2508.40001"))
    assert "Published" not in words(house.get("/papers/arxiv:2508.40002"))


@pytest.mark.parametrize("name", ["", "arxiv:9999.99999", "x" * 3000, "doi:10.1/%00", "%ff", "..%2f..%2fetc/passwd"])
def test_a_paper_that_is_not_there_is_a_page_that_says_so(house: House, name: str) -> None:
    assert house.get(f"/papers/{name}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("dunes", ["Dunes that sing, and how sand grains keep time"]),
        ("SPEECH short", ["Speech recognition without speech"]),
        ("lovelace sand", ["Dunes that sing, and how sand grains keep time"]),
        ("2508.00003", ["Speech recognition without speech"]),
        ("https://arxiv.org/abs/2508.00003v2", ["Speech recognition without speech"]),
        ("arxiv:9999.99999", []),
        ("sand speech", []),
        ("100%", []),
        ("_", []),
        ("\\", []),
        ("'; DROP TABLE papers; --", []),
        ("", []),
        ("\x00\x1b \ud83d\udca9".encode("utf-16", "surrogatepass").decode("utf-16"), []),
    ],
)
def test_a_search_finds_papers_that_have_all_words(house: House, asked: str, found: list[str]) -> None:
    page = house.get("/search", params={"q": asked})
    assert page.status_code == 200
    assert titles(page.text) == found


def test_a_title_that_has_the_words_goes_before_an_abstract_that_has_them(house: House) -> None:
    one = PaperRecord("Glaciers and their ice", "They creep.", arxiv_id="2508.20001")
    two = PaperRecord("Slow rivers of the poles", "On glaciers.", arxiv_id="2508.20002")
    house.store.papers.add(digest(two, one), source="ice", now=house.clock())
    assert titles(house.get("/search?q=glaciers").text) == [one.title, two.title]


def test_names_beyond_ascii_are_found(house: House) -> None:
    record = PaperRecord("On sand", "Grains.", authors=("Émilie du Châtelet",), arxiv_id="2508.30001")
    house.store.papers.add(digest(record), source="x", now=house.clock())
    assert titles(house.get("/search", params={"q": "Châtelet"}).text) == ["On sand"]


def test_what_was_searched_for_is_only_text(house: House) -> None:
    page = house.get("/search", params={"q": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text
    assert "<script>alert(1)</script>" in html.unescape(page.text)


@pytest.mark.parametrize("path", ["/issues?page=", "/issues/2026-08-20?page=", "/search?q=sand&page="])
def test_pages_beyond_the_last_are_empty_and_what_is_no_number_is_told(house: House, path: str) -> None:
    opened(house)
    for number in ("0", "-1", "7", "999999999999999999999"):
        assert house.get(path + number).status_code == 200
    assert house.get(f"{path}x").status_code == 422


def test_the_feed_is_one_that_readers_take(house: House) -> None:
    opened(house)
    opened(house, DAY - timedelta(days=1), window=sketch(DAY - timedelta(days=1)).window)
    answer = house.get("/feed.xml")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    feed = feedparser.parse(BytesIO(answer.content))
    assert not feed.bozo
    assert [entry.link for entry in feed.entries] == [
        f"https://newsletter.example.org/issues/{day}" for day in ("2026-08-20", "2026-08-19")
    ]
    assert "3 papers" in feed.entries[0].title
    content = feed.entries[0].content[0].value
    assert "Dunes that sing" in content
    assert "<script" not in content
    assert "&lt;script&gt;" in content


def test_programs_are_kept_away_from_pages_that_are_somebodys_own(house: House) -> None:
    text = house.get("/robots.txt").text
    for name in ("unsubscribe", "preferences", "feedback", "my-data", "confirm"):
        assert f"Disallow: /{name}/" in text
