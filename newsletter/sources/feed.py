"""RSS, Atom and RDF feeds: arXiv's RSS and API, bioRxiv, journals."""

from __future__ import annotations

import io
import logging
import re
from calendar import timegm
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from newsletter import identity
from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Announce, Digest, PaperRecord
from newsletter.sources import blurbs, entries, sniff, titles
from newsletter.sources.text import decode, from_html, http_url, paragraphs, plain, split_authors

NEEDS = "XML whose first element is <rss>, <feed> or <rdf:RDF>"
_HINT = "open the address in a browser: it must show XML that begins with <rss>, <feed> or <rdf:RDF>"

# "arXiv:2508.10433v1 Announce Type: new \nAbstract: …"
_ARXIV_PREFIX = re.compile(r"^\s*arXiv:\S+\s+Announce Type:\s*\S+\s*(?:Abstract:\s*)?", re.IGNORECASE)
_ARXIV_ERROR = re.compile(r"arxiv\.org/api/errors", re.IGNORECASE)
_FEED_ERROR = re.compile(r"\s*feed error for query", re.IGNORECASE)
_ENCODING = re.compile(r"^(\s*<\?xml[^>]*?)\s+encoding\s*=\s*[\"'][^\"']*[\"']")
_HEAD = 200
_EXPLODES = "limit on input amplification factor"  # as expat says it
_JOURNAL = ("prism_publicationname", "dc_source")
# What of an entry is read as it is. Namespaced elements come as prefix_name, in lower case.
_FIELDS = (
    *("id", "title", "link", "summary", "arxiv_announce_type", "arxiv_doi", "prism_doi", "dc_identifier"),
    *_JOURNAL,
)
_READ = (Announce.NEW, Announce.CROSS)
_HTML_TYPES = ("text/html", "application/xhtml+xml")
# The kind of news that arXiv's old feeds put behind the title.
_MARKED = {"UPDATED": Announce.REPLACE, "CROSS LISTED": Announce.CROSS}

_log = logging.getLogger(__name__)


def parse(data: bytes, *, where: str) -> Digest:
    """Read a feed; one that is valid and empty (arXiv at weekends) has no records.

    Replacements of earlier papers are left out, and what is no paper (errata, tables of contents). feedparser takes
    minutes over some feeds (64 KB of unbroken text as an author, 50,000 categories): those of strangers are for
    `sandbox`. Raises NotADigestError: no feed, or a broken one without entries; SourceError: the feed reports an error
    of its own.
    """
    if not sniff.is_feed(data):
        looks = sniff.looks_like(data) or "text of another kind"
        raise NotADigestError(f"{where} is not a feed but {looks}: needed is {NEEDS}", hint=_HINT)
    answer = _parsed(_in_utf_8(data), where)
    _refuse(answer, where)
    title = plain(answer["title"])
    read = [entry for entry in answer["entries"] if _announce(entry) in _READ]
    found = entries.digest(read, lambda entry: _record(entry, title), where=where, title=title, needs=NEEDS)
    return replace(found, day=_day(answer["published"]))


def _in_utf_8(data: bytes) -> bytes:
    """Recode UTF-16 and UTF-32, which feedparser does not know by their marks alone."""
    if b"\0" not in data[:_HEAD]:
        return data
    return _ENCODING.sub(r"\1", decode(data).lstrip("\ufeff"), count=1).encode("utf-8", errors="replace")


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    try:
        return _extract(data)
    except MemoryError:
        raise
    except Exception as error:  # feedparser raises what its parsers and codecs happen to raise
        said = f"{type(error).__name__}: {error}"[:300]
        raise NotADigestError(f"{where} is a feed that cannot be parsed: {said}", hint=_HINT) from error


def _extract(data: bytes) -> dict[str, Any]:
    """Give what feedparser finds in `data`, as plain lists, dicts and strings. Raises whatever feedparser raises."""
    import feedparser  # noqa: PLC0415  only needed for this format

    # BytesIO, because a string may be taken for a path or a URL. Unsanitised, because sanitising deletes "$n<m$".
    result = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    return {
        "version": result.get("version") or "",
        "title": result.feed.get("title", ""),
        "published": _instant(result.feed, "published_parsed"),
        "bozo": str(result.get("bozo_exception", "") if result.get("bozo") else "")[:300],
        "entries": [_entry(entry) for entry in result.entries],
    }


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: entry[name] for name in _FIELDS if isinstance(entry.get(name), str)}
    found["title_type"] = entry.get("title_detail", {}).get("type", "")
    found["texts"] = _texts(entry)
    found["authors"] = _creators(entry.get("authors", []))
    found["categories"] = [tag.get("term") or "" for tag in entry.get("tags", [])]
    found["published"] = _instant(entry, "published_parsed") or _instant(entry, "updated_parsed")
    return found


def _texts(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the media type and text of summary and content. A summary of no type is feedparser's copy of the content."""
    parts = [entry["summary_detail"]] if "summary_detail" in entry else []
    return [(part.get("type", ""), part.get("value") or "") for part in (*parts, *entry.get("content", []))]


def _creators(value: Any) -> list[str]:
    """Give the names: feedparser's list; or the text of an element <authors>, as IEEE and JMLR have it."""
    if isinstance(value, str):
        return [value]
    return [author.get("name", "") for author in value if isinstance(author, Mapping)]


def _instant(source: Mapping[str, Any], key: str) -> datetime | None:
    # Not by get(): feedparser answers with "published" where "updated" is asked for and missing.
    moment = dict(source).get(key)
    try:
        return datetime.fromtimestamp(timegm(moment), UTC) if moment else None
    except (ValueError, OverflowError, OSError):
        return None


def _refuse(answer: dict[str, Any], where: str) -> None:
    """Raise for errors that come dressed as feeds; say when a broken feed was read as far as it goes."""
    found = answer["entries"]
    if _EXPLODES in answer["bozo"]:  # feedparser would go on and take "&a9;" for a title
        raise NotADigestError(f"{where} is a feed whose entities grow without end", hint=_HINT)
    if not answer["version"] or (answer["bozo"] and not found):
        raise NotADigestError(f"{where} is a broken feed: {answer['bozo'] or 'no known version'}", hint=_HINT)
    if _FEED_ERROR.match(answer["title"]):
        said = from_html(found[0].get("summary", "")) if found else plain(answer["title"])
        raise SourceError(f"{where}: the feed reports an error: {said[:300]}", hint="check the address's parameters")
    if len(found) == 1 and found[0].get("title") == "Error" and _ARXIV_ERROR.search(found[0].get("id", "")):
        said = plain(found[0].get("summary", ""))
        raise SourceError(f"{where}: the arXiv API reports an error: {said[:300]}", hint="check the search query")
    if answer["bozo"]:
        _log.warning("%s: the feed is not well-formed (%s); read %d entries", where, answer["bozo"], len(found))


def _record(entry: dict[str, Any], feed_title: str) -> PaperRecord:
    """Give the paper of an entry, its LaTeX as it is. Raises UntitledError and NoPaperError."""
    words = _words(entry.get("title", ""), entry["title_type"])
    categories = _categories(entry["categories"])
    mark = titles.ARXIV_MARK.search(words)
    title = titles.bare(words, (*categories, feed_title))
    blurb = _blurb(entry, (title, words, *feed_title.split(": "), *(entry.get(name, "") for name in _JOURNAL)))
    link = http_url(entry.get("link", ""))
    arxiv_id = identity.arxiv_id(entry.get("id", "")) or identity.arxiv_id(link)
    named = (*(entry.get(name, "") for name in ("prism_doi", "arxiv_doi", "dc_identifier", "id", "link")), blurb.doi)
    doi = next((found for text in named if (found := identity.doi(text))), "")
    return entries.news(
        PaperRecord(
            title=entries.titled(title),
            abstract=blurb.abstract,
            authors=_authors(entry["authors"]) or blurb.authors,
            url=f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else link or _resolver(doi),
            arxiv_id=arxiv_id,
            doi=doi,
            categories=categories or ((mark["category"],) if mark and mark["category"] else ()),
            published_at=entry["published"] or entries.moment(blurb.published),
            announce=_announce(entry),
        )
    )


def _announce(entry: dict[str, Any]) -> Announce:
    if mark := titles.ARXIV_MARK.search(plain(entry.get("title", ""))):
        return _MARKED.get(mark["kind"] or "", Announce.NEW)
    try:
        return Announce(entry.get("arxiv_announce_type", Announce.NEW).strip().lower())
    except ValueError:
        return Announce.NEW  # a word arXiv has not used yet is no reason to lose a paper


def _words(text: str, mime: str) -> str:
    return from_html(text) if mime in _HTML_TYPES else plain(text)


def _blurb(entry: dict[str, Any], known: tuple[str, ...]) -> blurbs.Blurb:
    """Give the longer of the abstracts in summary and content: journals put it into either, a teaser into the other."""
    found = [blurbs.read(_paragraphs(text, mime), known=known) for mime, text in entry["texts"]]
    longest = max(found, key=lambda one: len(one.abstract), default=blurbs.read(()))
    return replace(
        longest,
        authors=next((one.authors for one in found if one.authors), ()),
        doi=next((one.doi for one in found if one.doi), ""),
    )


def _paragraphs(text: str, mime: str) -> list[str]:
    parts = paragraphs(entries.without_tex(text)) if mime in _HTML_TYPES else [plain(text)]
    return [cut for part in parts if (cut := _ARXIV_PREFIX.sub("", part))]


def _authors(names: list[str]) -> tuple[str, ...]:
    texts = [words for name in names if (words := from_html(name))]
    if len(texts) > 1 and all(text.count(",") == 1 and " and " not in text for text in texts):
        return tuple(dict.fromkeys(map(entries.spoken, texts)))  # "Kukla, Dora", each in an element of its own
    return tuple(dict.fromkeys(author for text in texts for author in split_authors(text)))


def _categories(terms: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term for text in terms if (term := plain(text))))


def _resolver(doi: str) -> str:
    return http_url(f"https://doi.org/{doi}") if doi else ""


def _day(moment: datetime | None) -> date | None:
    """Give the day of RSS's channel date. arXiv writes midnight in New York, which in UTC is the same day."""
    return moment.date() if moment else None
