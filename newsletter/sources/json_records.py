"""JSON as the APIs of Semantic Scholar, Crossref, OpenReview and OpenAlex give it, and as people save it.

- Semantic Scholar: https://api.semanticscholar.org/api-docs/graph
- Crossref: https://api.crossref.org/swagger-ui/index.html
- OpenReview: https://docs.openreview.net/reference/api-v2 (and its first version, where values are not wrapped)
- OpenAlex: https://docs.openalex.org/api-entities/works/work-object
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from newsletter.model import PaperRecord
from newsletter.sources.csl_json import when
from newsletter.sources.entries import NoPaperError, moment, news, paper, people, spoken, text_of
from newsletter.sources.json_format import JsonFormat


def _object(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


def _semantic_scholar(entry: Mapping[str, Any]) -> PaperRecord:
    ids = _object(entry, "externalIds")
    return paper(
        title=text_of(entry, "title"),
        abstract=text_of(entry, "abstract") or text_of(_object(entry, "tldr"), "text"),
        authors=people(entry.get("authors")),
        links=[text_of(entry, "url"), text_of(_object(entry, "openAccessPdf"), "url")],
        arxiv=[text_of(ids, "ArXiv")],
        dois=[text_of(ids, "DOI")],
        published_at=moment(entry.get("publicationDate")) or moment(entry.get("year")),
    )


# What has a DOI besides papers.
_CROSSREF_OTHERS = frozenset(
    {
        *("journal", "journal-issue", "journal-volume", "proceedings", "proceedings-series", "report-series"),
        *("book-series", "book-set", "component", "peer-review", "grant", "database"),
    }
)
_OPENALEX_OTHERS = frozenset({"paratext", "erratum", "retraction", "peer-review", "grant", "supplementary-materials"})


def _crossref(entry: Mapping[str, Any]) -> PaperRecord:
    if (kind := text_of(entry, "type")) in _CROSSREF_OTHERS:
        raise NoPaperError(f"no paper but a {kind}")
    titles = entry.get("title")
    titles = titles if isinstance(titles, list) else [titles]
    return news(
        paper(
            title=next((title for title in titles if isinstance(title, str) and title.strip()), ""),
            abstract=text_of(entry, "abstract"),
            authors=people(entry.get("author")),
            links=[text_of(entry, "URL")],
            dois=[text_of(entry, "DOI")],
            published_at=when(entry, "published", "published-online", "published-print", "posted", "issued"),
        )
    )


def _openreview(entry: Mapping[str, Any]) -> PaperRecord:
    forum = text_of(entry, "forum") or text_of(entry, "id")
    own = text_of(entry, "id") or forum
    if entry.get("replyto") or own != forum:
        raise ValueError("a review or comment")
    content = _object(entry, "content")
    authors = _value(content, "authors")
    return paper(
        title=_words(content, "title"),
        abstract=_words(content, "abstract") or _words(content, "TLDR") or _words(content, "TL;DR"),
        authors=[spoken(name) for name in authors if isinstance(name, str)] if isinstance(authors, list) else [],
        links=[f"https://openreview.net/forum?id={quote(forum, safe='', errors='replace')}" if forum else ""],
        published_at=next((on for key in ("pdate", "cdate", "tcdate") if (on := _milliseconds(entry.get(key)))), None),
    )


def _openalex(entry: Mapping[str, Any]) -> PaperRecord:
    if (kind := text_of(entry, "type")) in _OPENALEX_OTHERS:
        raise NoPaperError(f"no paper but a {kind}")
    places = [_object(entry, "primary_location"), *_objects(entry, "locations")]
    people_at = [_object(one, "author") for one in _objects(entry, "authorships")]
    return news(
        paper(
            title=text_of(entry, "title") or text_of(entry, "display_name"),
            abstract=_in_order(_object(entry, "abstract_inverted_index")),
            authors=[text_of(person, "display_name") for person in people_at],
            links=[*(text_of(place, "landing_page_url") for place in places), text_of(entry, "id")],
            dois=[text_of(entry, "doi")],
            published_at=moment(entry.get("publication_date")) or moment(entry.get("publication_year")),
        )
    )


def _objects(entry: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = entry.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _in_order(index: Mapping[str, Any]) -> str:
    """Give the text of which `index` has the places of each word."""
    places = ((at, word) for word, found in index.items() if isinstance(found, list) for at in found)
    return " ".join(word for _, word in sorted((at, word) for at, word in places if isinstance(at, int)))


def _value(content: Mapping[str, Any], key: str) -> Any:
    """Give what is under `key`: since version 2 of the API, inside `{"value": …}`."""
    value = content.get(key)
    return value.get("value") if isinstance(value, dict) else value


def _words(content: Mapping[str, Any], key: str) -> str:
    value = _value(content, key)
    return value if isinstance(value, str) else ""


def _milliseconds(value: Any) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        return None
    try:
        return datetime.fromtimestamp(value // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


SEMANTIC_SCHOLAR = JsonFormat(
    name="Semantic Scholar's JSON",
    title="Semantic Scholar",
    needs='a JSON list of {"paperId", "title", "abstract", …} objects, alone or under "data" or "papers"',
    places=(("data",), ("papers",), ("recommendedPapers",)),
    marks=(frozenset({"paperId"}), frozenset({"externalIds", "title"})),
    without=frozenset(),
    record=_semantic_scholar,
)
CROSSREF = JsonFormat(
    name="Crossref's JSON",
    title="Crossref",
    needs='{"message": {"items": [{"DOI", "title": […], …}]}}, or one such work or list',
    places=(("message", "items"), ("items",)),
    marks=(frozenset({"DOI", "title[]"}), frozenset({"message.items[]", "message-type"})),
    without=frozenset(),
    record=_crossref,
    object_at=("message",),
)
OPENREVIEW = JsonFormat(
    name="OpenReview's JSON",
    title="OpenReview",
    needs='{"notes": [{"forum", "content": {"title", "abstract", "authors"}}]}, or such a list',
    places=(("notes",),),
    marks=(frozenset({"content.title"}), frozenset({"notes[]", "count"})),
    without=frozenset(),
    record=_openreview,
)
OPENALEX = JsonFormat(
    name="OpenAlex's JSON",
    title="OpenAlex",
    needs='{"results": [{"display_name", "authorships", "abstract_inverted_index", …}]}, or one such work or list',
    places=(("results",),),
    marks=(frozenset({"authorships[]", "display_name"}), frozenset({"abstract_inverted_index", "display_name"})),
    without=frozenset(),
    record=_openalex,
)
