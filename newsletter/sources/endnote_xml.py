"""EndNote's XML, as EndNote, Zotero and Mendeley export a library: `<xml><records><record>`.

Every text may stand in `<style>` elements of its own font. The tags are those of EndNote's RSXML.dtd.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import safe_xml, sniff
from newsletter.sources.entries import digest, moment, of_arxiv, on, paper, spoken
from newsletter.sources.text import plain

NEEDS = "EndNote's XML: <xml><records> with a <record> for each reference"
_ROOT = re.compile(r"<xml>\s*<records\b", re.IGNORECASE)


def parse(data: bytes, *, where: str) -> Digest:
    """Read references; those without a title are left out with a warning in the log.

    Raises NotADigestError: broken or refused XML, another document, or records of which none is a paper.
    """
    root = safe_xml.read(data, where=where, needs=NEEDS)
    records = root if root.tag == "records" else root.find("records")
    if records is None:
        raise NotADigestError(f"{where} is an XML document (<{root.tag[:60]}>)", hint=f"needed is {NEEDS}")
    return digest(records.iterfind("record"), _record, where=where, title="", needs=NEEDS)


def recognises(data: bytes) -> bool:
    """Tell whether the first elements are those of EndNote's XML."""
    return bool(_ROOT.match(sniff.opening(data)))


def _record(record: Element) -> PaperRecord:
    year, day = _text(record, "dates/year"), _text(record, "dates/pub-dates/date")
    links = [*_texts(record, "urls/web-urls/url"), *_texts(record, "urls/related-urls/url")]
    names = record.iterfind("contributors/authors/author")
    said = [_text(record, tag) for tag in ("electronic-resource-num", "number", "pages", "notes", "secondary-title")]
    return paper(
        title=_text(record, "titles/title"),
        abstract=_text(record, "abstract"),
        authors=[spoken(_whole(name)) for name in names],
        links=links,
        arxiv=of_arxiv([*said, _text(record, "periodical/full-title")]),
        dois=[_text(record, "electronic-resource-num")],
        published_at=moment(day) or moment(f"{day} {year}") or on(year),
    )


def _texts(parent: Element, path: str) -> list[str]:
    return [_whole(each) for each in parent.iterfind(path)]


def _text(parent: Element, path: str) -> str:
    return next(filter(None, _texts(parent, path)), "")


def _whole(element: Element) -> str:
    return plain("".join(element.itertext()))
