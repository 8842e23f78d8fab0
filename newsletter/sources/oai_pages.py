"""Responses of OAI-PMH, the protocol by which arXiv and other repositories give their records (openarchives.org)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from xml.etree.ElementTree import Element

from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Announce, Digest, PaperRecord
from newsletter.sources import entries, oai_records, safe_xml, sniff
from newsletter.sources.moments import moment
from newsletter.sources.oai_records import Header
from newsletter.sources.text import plain

NEEDS = "an answer to the OAI-PMH verb ListRecords, with metadata in the format oai_dc, arXiv or arXivRaw"

_ROOT = re.compile(r"<(?:[\w-]+:)?OAI-PMH[\s>]")
_REPOSITORY = re.compile(r"oai:([\w.-]{1,100}):", re.IGNORECASE)
_NOTHING = "noRecordsMatch"
_STALE = "badResumptionToken"


@dataclass(frozen=True, slots=True)
class Page:
    """One response: its papers, the day of its latest change, its repository, and the token of the next page or ''."""

    records: tuple[PaperRecord, ...]
    day: date | None
    title: str
    token: str


def recognises(data: bytes) -> bool:
    """Tell whether the first element is that of an OAI-PMH response."""
    return bool(_ROOT.match(sniff.opening(data)))


def parse(data: bytes, *, where: str) -> Digest:
    """Read one response; records that were deleted are left out, "noRecordsMatch" is a response without papers.

    The day is that of the latest change. All of a document's records count as new: whoever chose it wants them. (A
    visit of `arxiv_oai.OaiSource` tells the new from those that only changed.) Raises NotADigestError: broken or
    refused XML, another document, no record in a known format; SourceError: the repository reports an error.
    """
    digest = together([read(data, where=where)])
    return replace(digest, records=tuple(replace(each, announce=Announce.NEW) for each in digest.records))


def read(data: bytes, *, where: str) -> Page:
    """Read one response, as `parse` does, with the token that leads to the next."""
    root = safe_xml.read(data, where=where, needs=NEEDS)
    if root.tag != "OAI-PMH":
        raise NotADigestError(f"{where} is an XML document (<{root.tag[:60]}>)", hint=f"needed is {NEEDS}")
    _refuse(root, where)
    listing = root.find("ListRecords")
    listed = listing if listing is not None else root.iterfind("GetRecord/*")
    found = [(_header(each), each) for each in listed if each.tag == "record"]
    changed = [header.changed_at for header, _ in found if header.changed_at]
    title = _title(header for header, _ in found)
    token = listing.findtext("resumptionToken") if listing is not None else None
    papers = entries.digest(_present(found), _record, where=where, title=title, needs=NEEDS)
    return Page(
        records=papers.records,
        day=max(changed).date() if changed else None,
        title=title,
        token=(token or "").strip(),
    )


def _refuse(root: Element, where: str) -> None:
    errors = [(each.get("code", "")[:60], plain(each.text or "")[:300]) for each in root.iterfind("error")]
    if serious := [(code, text) for code, text in errors if code != _NOTHING]:
        code, text = serious[0]
        hint = "it will be tried again" if code == _STALE else "check the source's url, set and format"
        raise SourceError(
            f"{where}: the repository reports {code or 'an error'}: {text}", hint=hint, permanent=code != _STALE
        )
    if not errors and root.find("ListRecords") is None and root.find("GetRecord") is None:
        raise NotADigestError(f"{where} is an OAI-PMH answer to another question", hint=f"needed is {NEEDS}")


def _header(element: Element) -> Header:
    return Header(
        identifier=plain(element.findtext("header/identifier") or ""),
        changed_at=moment(element.findtext("header/datestamp") or ""),
    )


def _present(found: Iterable[tuple[Header, Element]]) -> Iterator[tuple[Header, Element]]:
    """Give the records that have metadata: those that were deleted have a header alone."""
    for header, element in found:
        metadata = element.find("metadata/*")
        outer = element.find("header")
        if metadata is not None and (outer is None or outer.get("status") != "deleted"):
            yield header, metadata


def _record(found: tuple[Header, Element]) -> PaperRecord:
    return oai_records.record(*found)


def _title(headers: Iterable[Header]) -> str:
    named = next((found[1] for each in headers if (found := _REPOSITORY.match(each.identifier))), "")
    return "arXiv" if named.lower() == "arxiv.org" else named


def together(pages: Iterable[Page], categories: frozenset[str] = frozenset()) -> Digest:
    """Give the papers of all pages, or those of some categories: of one that stands on two pages, the later counts."""
    pages = list(pages)
    records = {
        record.arxiv_id or record.doi or record.url or record.title: record for page in pages for record in page.records
    }
    kept = tuple(each for each in records.values() if not categories or categories.intersection(each.categories))
    days = [page.day for page in pages if page.day]
    title = next((page.title for page in pages if page.title), "") or "OAI-PMH"
    return Digest(title=title, records=kept, day=max(days, default=None))
