from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.config import Fetching
from newsletter.errors import ConfigError, FetchError, NotADigestError, SourceError
from newsletter.sources.arxiv_api import ArxivApiSource
from newsletter.sources.source import Source
from tests.sources.replies import Clock, Reply, Server, answering

NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)
LIMITS = Fetching(timeout=60, allow_private=True)


def entry(number: int, age: float = 1.0) -> str:
    at = (NOW - timedelta(days=age)).isoformat()
    return f"""<entry><id>http://arxiv.org/abs/2608.{number:05}v1</id><title>Dunes {number}</title>
      <summary>They sing.</summary><published>{at}</published><updated>{at}</updated>
      <author><name>Ann Marsh</name></author>
      <category term="cs.CL" scheme="http://arxiv.org/schemas/atom"/></entry>"""


def page(*entries: str, total: int) -> str:
    return f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>ArXiv Query: x</title><id>x</id>
      <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">{total}</opensearch:totalResults>
      {"".join(entries)}</feed>"""


def source(server: Server, clock: Clock | None = None, *, days: int = 7, most_pages: int = 25) -> Source:
    clock = clock or Clock()
    return ArxivApiSource(
        "arxiv",
        categories=["cs.CL"],
        url=server.url,
        limits=LIMITS,
        sleep=clock.sleep,
        clock=clock,
        page=2,
        days=days,
        most_pages=most_pages,
    )


def test_pages_are_read_three_seconds_apart_until_all_entries_are_there() -> None:
    clock = Clock()
    first, second = page(entry(1), entry(2), total=3), page(entry(2), entry(3), total=3)
    with answering(first, second) as server:
        found = source(server, clock).pull(NOW)
    assert [one.arxiv_id for one in found.records] == ["2608.00001", "2608.00002", "2608.00003"]
    assert found.title == "arXiv"
    assert clock.waits == [3]
    assert server.queries[1] == {
        "search_query": "(cat:cs.CL)",
        "start": "2",
        "max_results": "2",
        "sortBy": "submittedDate",
        "sortOrder": "descending",
    }


def test_reading_ends_where_the_papers_are_older_than_the_window() -> None:
    with answering(page(entry(1), entry(2, age=9), total=500)) as server:
        found = source(server, days=7).pull(NOW)
    assert [one.arxiv_id for one in found.records] == ["2608.00001"]
    assert len(server.queries) == 1


def test_only_so_many_pages_are_read_and_the_newest_papers_kept(caplog: pytest.LogCaptureFixture) -> None:
    pages = [page(entry(2 * i), entry(2 * i + 1), total=500) for i in range(9)]
    with answering(*pages) as server, caplog.at_level(logging.WARNING):
        found = source(server, most_pages=3).pull(NOW)
    assert len(found.records) == 6
    assert "only the newest 6 entries were read, of 500" in caplog.text


@pytest.mark.parametrize("said", [3, 0])
def test_an_empty_page_in_the_middle_is_asked_for_once_more(said: int) -> None:
    clock = Clock()
    with answering(page(entry(1), entry(2), total=3), page(total=said), page(entry(3), total=3)) as server:
        assert len(source(server, clock).pull(NOW).records) == 3
    assert clock.waits == [3, 3]
    clock = Clock()
    with (
        answering(page(entry(1), entry(2), total=3), page(total=said)) as server,
        pytest.raises(SourceError, match="no entries from number 2") as caught,
    ):
        source(server, clock).pull(NOW)
    assert len(server.queries) == 3
    assert not caught.value.permanent


def test_no_results_are_a_day_without_papers() -> None:
    with answering(page(total=0)) as server:
        assert source(server).pull(NOW).records == ()


@pytest.mark.shared_data
def test_real_answers_are_read(shared: Path) -> None:
    folder = shared / "data" / "arxiv" / "api"
    with answering((folder / "arxiv_empty.xml").read_bytes()) as server:
        assert source(server).pull(NOW).records == ()
    real = (folder / "arxiv_response.xml").read_bytes()
    with answering(real) as server:
        found = source(server, most_pages=1).pull(datetime(2025, 10, 17, tzinfo=UTC))
    assert len(found.records) == real.count(b"</entry>") == 2
    assert all(one.abstract and one.authors and one.categories and one.arxiv_id for one in found.records)


def test_an_error_of_arxiv_is_one_with_its_words() -> None:
    wrong = """<entry><id>http://arxiv.org/api/errors#incorrect_id_format</id><title>Error</title>
      <summary>incorrect query: cat:</summary></entry>"""
    with answering(page(wrong, total=1)) as server, pytest.raises(SourceError, match="incorrect query"):
        source(server).pull(NOW)


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (Reply("Rate exceeded.", status=429), FetchError),
        (Reply(status=500), FetchError),
        (Reply(page(entry(3), total=3), length=100_000), FetchError),
        (Reply("<html><title>Down</title></html>"), NotADigestError),
    ],
)
def test_a_listing_that_breaks_off_in_the_middle_gives_nothing_but_an_error(
    end: Reply, kind: type[SourceError]
) -> None:
    clock = Clock()
    with answering(page(entry(1), entry(2), total=3), end) as server, pytest.raises(kind):
        source(server, clock).pull(NOW)
    assert clock() < 900


def test_a_passing_failure_is_waited_out() -> None:
    clock = Clock()
    with answering(Reply(status=503), Reply(status=502), page(entry(1), total=1)) as server:
        assert len(source(server, clock).pull(NOW).records) == 1
    assert 1.5 <= clock() <= 10


def test_query_and_categories_narrow_together() -> None:
    words = "ti:dunes OR\n ti:sand"
    with answering(page(total=0)) as server:
        ArxivApiSource("x", query=words, categories=["cs.CL", "math.*"], url=server.url, limits=LIMITS).pull(NOW)
    assert server.queries[0]["search_query"] == "(ti:dunes OR ti:sand) AND (cat:cs.CL OR cat:math.*)"


def test_a_source_that_asks_for_everything_or_for_no_category_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="query or categories"):
        ArxivApiSource("x", query=" ")
    with pytest.raises(ConfigError, match=r"'cs\.CL OR all:x'"):
        ArxivApiSource("x", categories=["cs.CL OR all:x"])
