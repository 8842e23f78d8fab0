"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import blurbs, entries, json_format, sniff, titles
from newsletter.sources.moments import moment
from newsletter.sources.text import http_url, paragraphs, plain, split_authors

NAME = "a JSON Feed"
NEEDS = 'JSON of the form {"version": "https://jsonfeed.org/version/1.1", "items": [{"title", …}]}'

_VERSION = re.compile(rb'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\\?/version')
_VERSION_URL = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/")


def recognises(data: bytes) -> bool:
    """Tell whether `data` is JSON that calls itself a JSON Feed, wherever in it (some programs sort the keys)."""
    return sniff.is_json(data) and bool(_VERSION.search(data))


def parse(data: bytes, *, where: str) -> Digest:
    """Read a JSON Feed; one without items is a day without papers. Items without a title are left out.

    Raises NotADigestError: no JSON, JSON of another form, too many values, or items of which none is an object.
    """
    document = json_format.load(data, where=where, name=NAME, needs=NEEDS)
    if not isinstance(document, dict) or not _VERSION_URL.match(_text(document, "version")):
        raise NotADigestError(f"{where} is not {NAME} but JSON of another form", hint=f"needed is {NEEDS}")
    items = document.get("items")
    if not isinstance(items, list):
        raise NotADigestError(f"{where} is {NAME} without a list of items", hint=f"needed is {NEEDS}")
    return entries.digest(items, _record, where=where, title=_text(document, "title"), needs=NEEDS)


def _record(item: Any) -> PaperRecord:
    if not isinstance(item, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  one kind of error for all that is wrong with an entry
    name = _text(item, "id")
    links = [_text(item, key) for key in ("url", "external_url")]
    title = _text(item, "title")
    blurb = _blurb(item, title)
    record = entries.paper(
        title=titles.bare(title, _tags(item)),
        authors=_authors(item) or blurb.authors,
        links=[*links, name],
        arxiv=[name],
        dois=["" if http_url(name) else name, blurb.doi],
        categories=_tags(item),
        published_at=moment(_text(item, "date_published")) or moment(_text(item, "date_modified")),
    )
    return entries.news(replace(record, abstract=blurb.abstract, thumbnail=http_url(_text(item, "image"))))


def _text(source: Mapping[str, Any], key: str) -> str:
    """Give a text; an id may be a number."""
    value = source.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return plain(value) if isinstance(value, str) else ""


def _blurb(item: Mapping[str, Any], title: str) -> blurbs.Blurb:
    """Give the longest of the abstracts: publishers put it into any of the texts, and a teaser into another."""
    texts = [[_text(item, "content_text")], paragraphs(_text(item, "content_html")), [_text(item, "summary")]]
    return max((blurbs.read([*filter(None, text)], known=[title]) for text in texts), key=lambda one: len(one.abstract))


def _authors(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the item's own authors (1.1, or the one of 1.0). The feed's are its publisher, who wrote no paper."""
    authors = item.get("authors")
    people = authors if isinstance(authors, list) and authors else [item.get("author")]
    names = (_text(each, "name") for each in people if isinstance(each, dict))
    return tuple(name for text in names for name in split_authors(text))


def _tags(item: Mapping[str, Any]) -> list[str]:
    tags = item.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
