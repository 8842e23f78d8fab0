from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import NotADigestError, SourceError
from newsletter.sources import opml
from newsletter.sources.opml import Feed
from tests.sources.described import DATA, expected, mutated

FOLDERS = (DATA / "folders.opml").read_bytes()


def parse(data: bytes | str) -> tuple[Feed, ...]:
    return opml.parse(data.encode() if isinstance(data, str) else data, where="the list")


def test_a_list_gives_its_feeds_with_their_folders_each_once() -> None:
    assert opml.recognises(FOLDERS)
    assert json.loads(json.dumps([asdict(feed) for feed in parse(FOLDERS)])) == expected("folders.opml")


@pytest.mark.shared_data
def test_a_real_list_is_read_whole(shared: Path) -> None:
    data = (shared / "data" / "opml" / "Programming.opml").read_bytes()
    found = parse(data)
    assert opml.recognises(data)
    assert [feed.url for feed in found] == list(dict.fromkeys(re.findall(r'xmlUrl="([^"]+)"', data.decode())))
    assert all(feed.title for feed in found)
    assert {feed.tags for feed in found} == {("Programming",)}


def test_an_empty_list_has_no_feeds() -> None:
    assert parse("<opml version='2.0'><body/></opml>") == ()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"<rss/>", "feed"),
        (b"<html><title>Log in</title></html>", 'titled "Log in"'),
        (b"words", "another kind"),
        (b"<opml>" + b"<outline text='a'>" * 100, "20 folders"),
        (b"<opml>" + b"<outline xmlUrl='http://a.example'/>" * 50_000, "20,000 entries"),
    ],
)
def test_other_documents_are_refused_with_the_reason(data: bytes, what: str) -> None:
    with pytest.raises(NotADigestError, match="the list") as caught:
        parse(data)
    assert what in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "data",
    [
        "<opml>" + "<outline " * 2_000_000,
        "<opml><outline" + " a=" * 4_000_000,
        "<opml><outline " + "a='b' " * 3_000_000,
        "<opml>" + "<!--" * 4_000_000,
        "<opml><outline a='" + "b" * 15_000_000,
        "<opml><outline " + "a=\"b' " * 3_000_000,
        "<opml>" + "</outline>" * 1_500_000,
        "<opml><outline text='" + "x" * 15_000_000 + "'/>",
        "<opml>"
        + "".join(f"<outline text='{i}' xmlUrl='http://a.example/{i}' category='a/b,c'/>" for i in range(19_000)),
    ],
    ids=range(9),
)
def test_a_hostile_list_takes_seconds_not_hours(data: str) -> None:
    began = time.process_time()
    outcome(data.encode())
    assert time.process_time() - began < 10


def test_a_damaged_list_gives_safe_feeds_or_an_error_and_the_same_twice() -> None:
    for seed in range(300):
        again = [outcome(mutated(FOLDERS, seed)) for _ in range(2)]
        assert again[0] == again[1]


@given(st.binary(max_size=200))
def test_any_bytes_give_safe_feeds_or_an_error(data: bytes) -> None:
    outcome(data)
    outcome(FOLDERS[:400] + data + FOLDERS[400:])


def outcome(data: bytes) -> tuple[Feed, ...] | str:
    try:
        found = parse(data)
    except SourceError as error:
        return error.message
    assert all(feed.url.lower().startswith(("http://", "https://")) and feed.title for feed in found)
    return found


def test_the_parser_is_imported_only_when_a_list_is_read() -> None:
    code = "import newsletter.sources.opml, sys; sys.exit('listparser' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
