"""RSS, Atom and RDF feeds: arXiv's RSS and API, bioRxiv, journals."""

from __future__ import annotations

import io
import logging
import re
from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from newsletter import identity
from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Announce, Digest, PaperRecord
from newsletter.sources import sniff
from newsletter.sources.latex import readable
from newsletter.sources.text import decode, from_html, http_url, plain, split_authors

NEEDS = "XML whose first element is <rss>, <feed> or <rdf:RDF>"
_HINT = "open the address in a browser: it must show XML that begins with <rss>, <feed> or <rdf:RDF>"

# "arXiv:2508.10433v1 Announce Type: new \nAbstract: …"
_ARXIV_PREFIX = re.compile(r"^\s*arXiv:\S+\s+Announce Type:\s*\S+\s*(?:Abstract:\s*)?", re.IGNORECASE)
_ABSTRACT_LABEL = re.compile(r"^(?:abstract|summary)\s*[:.]\s+", re.IGNORECASE)
_ARXIV_ERROR = re.compile(r"arxiv\.org/api/errors", re.IGNORECASE)
_FEED_ERROR = re.compile(r"\s*feed error for query", re.IGNORECASE)
_ENCODING = re.compile(r"^(\s*<\?xml[^>]*?)\s+encoding\s*=\s*[\"'][^\"']*[\"']")
_HEAD = 200
# What of an entry is read as it is. Namespaced elements come as prefix_name, in lower case.
_FIELDS = ("id", "title", "link", "summary", "arxiv_announce_type", "arxiv_doi", "prism_doi", "dc_identifier")
_READ = (Announce.NEW, Announce.CROSS)
_HTML_TYPES = ("text/html", "application/xhtml+xml")

_log = logging.getLogger(__name__)


def parse(data: bytes, *, where: str) -> Digest:
    """Read a feed; one that is valid and empty (arXiv at weekends) has no records.

    Replacements of earlier papers are left out. feedparser takes minutes over some feeds (64 KB of unbroken text as an
    author, 50,000 categories): those of strangers are for `sandbox`. Raises NotADigestError: no feed, or a broken one
    without entries; SourceError: the feed reports an error of its own.
    """
    if not sniff.is_feed(data):
        found = sniff.looks_like(data) or "text of another kind"
        raise NotADigestError(f"{where} is not a feed but {found}: needed is {NEEDS}", hint=_HINT)
    answer = _parsed(_in_utf_8(data), where)
    _refuse(answer, where)
    records = [record for entry in answer["entries"] if (record := _record(entry, where)) is not None]
    moment = answer["published"]
    return Digest(title=plain(answer["title"]), records=tuple(records), day=_day(moment))


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
    found["summary_type"] = entry.get("summary_detail", {}).get("type", "")
    found["content"] = [(part.get("type", ""), part.get("value", "")) for part in entry.get("content", [])]
    found["authors"] = [author.get("name", "") for author in entry.get("authors", []) if author]
    found["categories"] = [tag.get("term") or "" for tag in entry.get("tags", [])]
    found["published"] = _instant(entry, "published_parsed") or _instant(entry, "updated_parsed")
    return found


def _instant(source: Mapping[str, Any], key: str) -> datetime | None:
    # Not by get(): feedparser answers with "published" where "updated" is asked for and missing.
    moment = dict(source).get(key)
    try:
        return datetime.fromtimestamp(timegm(moment), UTC) if moment else None
    except (ValueError, OverflowError, OSError):
        return None


def _refuse(answer: dict[str, Any], where: str) -> None:
    """Raise for errors that come dressed as feeds; say when a broken feed was read as far as it goes."""
    entries = answer["entries"]
    if not answer["version"] or (answer["bozo"] and not entries):
        raise NotADigestError(f"{where} is a broken feed: {answer['bozo'] or 'no known version'}", hint=_HINT)
    if _FEED_ERROR.match(answer["title"]):
        said = from_html(entries[0].get("summary", "")) if entries else plain(answer["title"])
        raise SourceError(f"{where}: the feed reports an error: {said[:300]}", hint="check the address's parameters")
    if len(entries) == 1 and entries[0].get("title") == "Error" and _ARXIV_ERROR.search(entries[0].get("id", "")):
        said = plain(entries[0].get("summary", ""))
        raise SourceError(f"{where}: the arXiv API reports an error: {said[:300]}", hint="check the search query")
    if answer["bozo"]:
        _log.warning("%s: the feed is not well-formed (%s); read %d entries", where, answer["bozo"], len(entries))


def _record(entry: dict[str, Any], where: str) -> PaperRecord | None:
    announce = _announce(entry)
    if announce not in _READ:
        return None
    title = readable(_words(entry.get("title", ""), entry["title_type"]))
    if not title:
        _log.warning("%s: an entry without a title was left out (%s)", where, entry.get("link", "no link"))
        return None
    link = http_url(entry.get("link", ""))
    arxiv_id = identity.arxiv_id(entry.get("id", "")) or identity.arxiv_id(link)
    named = (entry.get(name, "") for name in ("prism_doi", "arxiv_doi", "dc_identifier", "id", "link"))
    doi = next((found for text in named if (found := identity.doi(text))), "")
    return PaperRecord(
        title=title,
        abstract=readable(_abstract(entry)),
        authors=_authors(entry["authors"]),
        url=f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else link or _resolver(doi),
        arxiv_id=arxiv_id,
        doi=doi,
        categories=_categories(entry["categories"]),
        published_at=entry["published"],
        announce=announce,
    )


def _announce(entry: dict[str, Any]) -> Announce:
    try:
        return Announce(entry.get("arxiv_announce_type", Announce.NEW).strip().lower())
    except ValueError:
        return Announce.NEW  # a word arXiv has not used yet is no reason to lose a paper


def _words(text: str, mime: str) -> str:
    return from_html(text) if mime in _HTML_TYPES else plain(text)


def _abstract(entry: dict[str, Any]) -> str:
    """Give the longer of summary and content: journals put the abstract into either, and a teaser into the other."""
    candidates = [_words(entry.get("summary", ""), entry["summary_type"])]
    candidates += [_words(text, mime) for mime, text in entry["content"]]
    text = max(candidates, key=len)
    return _ABSTRACT_LABEL.sub("", _ARXIV_PREFIX.sub("", text))


def _authors(names: list[str]) -> tuple[str, ...]:
    found = (author for name in names for author in split_authors(readable(from_html(name))))
    return tuple(dict.fromkeys(found))


def _categories(terms: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term for text in terms if (term := plain(text))))


def _resolver(doi: str) -> str:
    return http_url(f"https://doi.org/{doi}") if doi else ""


def _day(moment: datetime | None) -> date | None:
    """Give the day of RSS's channel date. arXiv writes midnight in New York, which in UTC is the same day."""
    return moment.date() if moment else None
