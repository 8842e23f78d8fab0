"""JSON as Semantic Scholar, Crossref, OpenReview, OpenAlex, INSPIRE, DBLP and Zotero give it, and as people save it.

- Semantic Scholar: https://api.semanticscholar.org/api-docs/graph
- Crossref: https://api.crossref.org/swagger-ui/index.html
- OpenReview: https://docs.openreview.net/reference/api-v2 (and its first version, where values are not wrapped)
- OpenAlex: https://docs.openalex.org/api-entities/works/work-object
- INSPIRE: https://github.com/inspirehep/rest-api-doc
- DBLP: https://dblp.org/faq/How+to+use+the+dblp+search+API.html
- Zotero: https://www.zotero.org/support/dev/web_api/v3/basics
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from newsletter.model import PaperRecord
from newsletter.sources.csl_json import when
from newsletter.sources.entries import NoPaperError, moment, news, of_arxiv, paper, people, spoken, text_of
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

_INSPIRE_OTHERS = frozenset({"proceedings"})
_DBLP_OTHERS = frozenset({"Editorship", "Data and Artifacts", "Withdrawn Items"})
_ZOTERO_OTHERS = frozenset({"attachment", "note", "annotation"})
_ZOTERO_NUMBERS = ("archiveID", "archiveLocation", "publicationTitle")  # the last before there were preprints
_NO_AUTHORS = frozenset({"editor", "seriesEditor", "bookAuthor", "reviewedAuthor", "translator", "contributor"})
_DOI_OF_EXTRA = re.compile(r"^DOI:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_LONGEST_EXTRA = 2_000
_NAMESAKE = re.compile(r"\s\d{4}$")  # DBLP tells people of one name apart by numbers: "Wei Wang 0001"


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


def _inspire(entry: Mapping[str, Any]) -> PaperRecord:
    metadata = _object(entry, "metadata")
    if set(_strings(metadata.get("document_type"))) & _INSPIRE_OTHERS:
        raise NoPaperError("no paper but proceedings")
    eprints, number = _objects(metadata, "arxiv_eprints"), metadata.get("control_number")
    names = [text_of(person, "full_name") for person in _objects(metadata, "authors")]
    groups = [text_of(group, "value") for group in _objects(metadata, "collaborations")]
    days = [text_of(metadata, key) for key in ("preprint_date", "earliest_date")]
    return news(
        paper(
            title=_first_of(metadata, "titles", "title"),
            abstract=_first_of(metadata, "abstracts", "value"),
            authors=[spoken(name) for name in names] or [f"{group} Collaboration" for group in groups if group],
            links=[f"https://inspirehep.net/literature/{number}" if isinstance(number, int) else ""],
            arxiv=[text_of(eprint, "value") for eprint in eprints],
            dois=[text_of(doi, "value") for doi in _objects(metadata, "dois")],
            categories=[name for eprint in eprints for name in _strings(eprint.get("categories"))],
            published_at=next((found for day in days if (found := moment(day))), None),
        )
    )


def _dblp(entry: Mapping[str, Any]) -> PaperRecord:
    info = _object(entry, "info")
    if (kind := text_of(info, "type")) in _DBLP_OTHERS:
        raise NoPaperError(f"no paper but {kind.lower()}")
    people_at = _object(info, "authors").get("author")
    people_at = people_at if isinstance(people_at, list) else [people_at]  # one alone stands in no list
    names = [text_of(person, "text") if isinstance(person, dict) else person for person in people_at]
    electronic = info.get("ee")
    return news(
        paper(
            title=text_of(info, "title").removesuffix("."),
            authors=[_NAMESAKE.sub("", name) for name in names if isinstance(name, str)],
            links=[*(_strings(electronic) or [text_of(info, "ee")]), text_of(info, "url")],
            dois=[text_of(info, "doi")],
            published_at=moment(text_of(info, "year")),
        )
    )


def _zotero(entry: Mapping[str, Any]) -> PaperRecord:
    data = _object(entry, "data")
    if (kind := text_of(data, "itemType")) in _ZOTERO_OTHERS or data.get("deleted"):
        raise NoPaperError(f"no paper but a {kind}" if kind in _ZOTERO_OTHERS else "it is in the bin")
    creators = _objects(data, "creators")
    # Fields that a kind of item lacks are kept in `extra`, a line each; the number of a preprint has a field by now.
    extra = text_of(data, "extra")[:_LONGEST_EXTRA]
    dates = [text_of(_object(entry, "meta"), "parsedDate"), text_of(data, "date")]
    return paper(
        title=text_of(data, "title"),
        abstract=text_of(data, "abstractNote"),
        authors=people([one for one in creators if text_of(one, "creatorType") not in _NO_AUTHORS]),
        links=[text_of(data, "url")],
        arxiv=of_arxiv([*(text_of(data, key) for key in _ZOTERO_NUMBERS), extra]),
        dois=[text_of(data, "DOI"), *_DOI_OF_EXTRA.findall(extra)],
        published_at=next((found for each in dates if (found := moment(each))), None),
    )


def _first_of(entry: Mapping[str, Any], key: str, part: str) -> str:
    return next((text for each in _objects(entry, key) if (text := text_of(each, part))), "")


def _strings(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


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
INSPIRE = JsonFormat(
    name="INSPIRE's JSON",
    title="INSPIRE",
    needs='{"hits": {"hits": [{"metadata": {"titles", "abstracts", "authors", …}}]}}, or one such record or list',
    places=(("hits", "hits"),),
    # Lists of thousands of authors may stand before the title.
    marks=tuple(
        frozenset({f"metadata.{key}"}) for key in ("titles[]", "abstracts[]", "arxiv_eprints[]", "control_number")
    ),
    without=frozenset(),
    record=_inspire,
)
DBLP = JsonFormat(
    name="DBLP's JSON",
    title="DBLP",
    needs='{"result": {"hits": {"hit": [{"info": {"title", "authors", …}}]}}}, an answer of dblp.org/search/publ/api',
    places=(("result", "hits", "hit"),),
    marks=(frozenset({"info", "@score"}), frozenset({"info", "@id"}), frozenset({"result.hits.@total"})),
    without=frozenset(),
    record=_dblp,
    object_at=("result", "hits", "hit"),
    sent_at=("result", "hits", "@sent"),
)
ZOTERO = JsonFormat(
    name="Zotero's JSON",
    title="Zotero",
    needs='a JSON list of {"key", "data": {"itemType", "title", …}}, an answer of api.zotero.org',
    places=(),
    marks=(frozenset({"data.itemType"}),),
    without=frozenset(),
    record=_zotero,
)
