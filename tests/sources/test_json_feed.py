from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Digest
from newsletter.sources import json_feed
from tests.sources.described import DATA, described, expected, mutated

INPUTS = ["feed_1_0.json_feed", "feed_1_1.json_feed"]
VERSION = "https://jsonfeed.org/version/1.1"


def parse(data: Any) -> Digest:
    return json_feed.parse(data if isinstance(data, bytes) else json.dumps(data).encode(), where="the feed")


@pytest.mark.parametrize("name", INPUTS)
def test_a_feed_gives_all_that_it_says(name: str) -> None:
    data = (DATA / name).read_bytes()
    assert json_feed.recognises(data)
    assert described(parse(data)) == expected(name)


def test_a_feed_without_items_is_a_day_without_papers() -> None:
    assert parse({"version": VERSION, "title": "x", "items": []}).records == ()


def test_other_json_is_not_taken_for_a_feed() -> None:
    documents: list[Any] = [[], {"items": []}, {"version": "1.1", "items": []}, [{"summary": '"version": "other"'}]]
    for document in documents:
        assert not json_feed.recognises(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"<rss/>", "feed"),
        (b'{"version": ', "broken"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"items": []}', "another form"),
        (b"[]", "another form"),
        ({"version": VERSION}, "without a list of items"),
        ({"version": VERSION, "items": {}}, "without a list of items"),
        ({"version": VERSION, "items": [1, "a"]}, "no paper"),
    ],
)
def test_other_documents_are_refused_with_the_reason(data: Any, what: str) -> None:
    with pytest.raises(NotADigestError, match="the feed") as caught:
        parse(data)
    assert what in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", INPUTS)
def test_a_damaged_feed_gives_papers_or_an_error_and_the_same_twice(name: str) -> None:
    data = (DATA / name).read_bytes()
    for seed in range(300):
        again = [outcome(mutated(data, seed)) for _ in range(2)]
        assert again[0] == again[1]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a"]), inner, max_size=2),
    max_leaves=5,
)
_KEYS = ["id", "url", "external_url", "title", "summary", "content_text", "content_html", "image", "date_published",
         "date_modified", "authors", "author", "tags"]  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(_KEYS), _VALUES) | _VALUES, max_size=3), _VALUES)
def test_items_of_any_form_give_papers_or_an_error(items: list[Any], title: Any) -> None:
    outcome(json.dumps({"version": VERSION, "title": title, "items": items}).encode())


def test_a_large_feed_takes_seconds_not_hours() -> None:
    item = {
        "title": "Dunes $\\alpha_1^{x}$ " * 50,
        "content_html": "<p>a<b" * 200,
        "authors": [{"name": "A. B, " * 50}],
    }
    began = time.process_time()
    outcome(json.dumps({"version": VERSION, "items": [item] * 1000}).encode())
    assert time.process_time() - began < 10


def outcome(data: bytes) -> Digest | str:
    json_feed.recognises(data)
    try:
        return parse(data)
    except SourceError as error:
        return error.message
