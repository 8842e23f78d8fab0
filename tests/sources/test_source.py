from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from newsletter.config import Fetching, SourceKind
from newsletter.errors import FetchError, NotADigestError
from newsletter.sources.source import FileSource, Source, UrlSource, visit

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
TEXT = (
    "Daily Papers\n\nAug 20\n\nOn Ripples\n\nSand ripples move with the wind and against it. We film a dune for forty "
    "days and find that the smallest ripples travel upwind.\n"
)


def test_a_file_gives_its_papers(tmp_path: Path) -> None:
    path = tmp_path / "misleading.xml"
    path.write_text(TEXT, encoding="utf-8")
    source: Source = FileSource("inbox", path)
    found = source.pull(NOW)
    assert source.name == "inbox"
    assert [record.title for record in found.records] == ["On Ripples"]
    assert found.day == date(2026, 8, 20)


def test_a_file_that_is_missing_a_folder_or_empty_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b" \n")
    for name, what in (("none.txt", "no file"), ("", "folder"), ("empty.txt", "empty"), ("a\0b", "cannot read")):
        with pytest.raises(FetchError, match=what) as caught:
            FileSource("inbox", tmp_path / name).pull(NOW)
        assert str(tmp_path) in caught.value.message


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text(TEXT, encoding="utf-8")
    path.chmod(0)
    with pytest.raises(FetchError, match="may not be read"):
        FileSource("inbox", path).pull(NOW)


def test_a_file_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    path.write_bytes(b"x" * 1001)
    with pytest.raises(FetchError, match="larger than 1,000 bytes"):
        FileSource("inbox", path, limits=Fetching(max_bytes=1000)).pull(NOW)


def test_a_named_format_is_the_only_one_tried(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(NotADigestError, match="not a feed"):
        FileSource("inbox", path, kind=SourceKind.FEED).pull(NOW)


def test_an_address_that_is_no_address_is_a_source_error() -> None:
    source: Source = UrlSource("feed", "ftp://example.org/feed")
    with pytest.raises(FetchError, match="not an http or https address"):
        source.pull(NOW)


def test_slow_libraries_are_not_imported_before_they_are_needed() -> None:
    slow = ("httpx", "feedparser", "pylatexenc")
    code = f"import sys, newsletter.sources.source; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ENTRY = "<item><title>{title}</title><link>https://dunes.example/{title}</link>{date}</item>"


@pytest.mark.parametrize(
    ("date", "published"),
    [
        ("", NOW),
        ("<pubDate>Wed, 19 Aug 2026 23:30:00 -0400</pubDate>", datetime(2026, 8, 20, 3, 30, tzinfo=UTC)),
        ("<pubDate>Tue, 01 Jan 2097 00:00:00 GMT</pubDate>", NOW),
        ("<pubDate>some day soon</pubDate>", NOW),
    ],
)
def test_what_has_no_date_or_one_to_come_was_published_when_it_was_first_seen(
    tmp_path: Path, date: str, published: datetime
) -> None:
    file = tmp_path / "feed.xml"
    entry = ENTRY.format(title="Dunes", date=date)
    file.write_text(f"<rss version='2.0'><channel><title>Sand</title>{entry}</channel></rss>")
    [record] = visit(FileSource("feed", file), NOW).digest.records
    assert record.published_at == published


def test_a_day_to_come_is_no_day_of_a_digest(tmp_path: Path) -> None:
    file = tmp_path / "digest.txt"
    file.write_text("Daily Papers\n1 January 2097\n\nDunes move against the wind\n\n" + "Sand moves in the wind. " * 9)
    assert visit(FileSource("digest", file), NOW).digest.day is None
