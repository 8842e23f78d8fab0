"""CSL-JSON: the references of Zotero, Pandoc and citation processors, described at https://docs.citationstyles.org."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from newsletter.model import Digest, PaperRecord
from newsletter.sources.entries import moment, of_arxiv, on, paper, people, text_of
from newsletter.sources.json_format import JsonFormat

NEEDS = 'a JSON list of {"type", "title", "author": [{"family", "given"}], "issued", …} objects, as Zotero exports'
# Where something other than a citation has a title and a type, it has none of these.
_OTHERS = ("author[].family", "author[].literal", "author[].given", "issued", "DOI", "container-title")


def parse(data: bytes, *, where: str) -> Digest:
    """Read CSL-JSON: a list, one item, or `{"items": […]}`. Raises NotADigestError as every parser of JSON does."""
    return _FORMAT.parse(data, where=where)


def recognises(data: bytes) -> bool:
    """Tell whether `data` begins as CSL-JSON does."""
    return _FORMAT.recognises(data)


def when(entry: Mapping[str, Any], *keys: str) -> datetime | None:
    """Give the date under the first of `keys` that has one: `{"date-parts": [[2020, 5, 17]]}`, `{"raw": …}`."""
    return next((found for key in keys if (found := _date(entry.get(key)))), None)


def _date(value: Any) -> datetime | None:
    if not isinstance(value, dict):
        return moment(value)
    parts = value.get("date-parts")
    first = parts[0] if isinstance(parts, list) and parts else None
    if isinstance(first, list) and first and (found := on(*first[:3])):
        return found
    return moment(value.get("raw")) or moment(value.get("literal"))


def _record(entry: Mapping[str, Any]) -> PaperRecord:
    # Zotero puts "arXiv:2301.00001" into the number, older versions into the note.
    return paper(
        title=text_of(entry, "title"),
        abstract=text_of(entry, "abstract"),
        authors=people(entry.get("author")),
        links=[text_of(entry, "URL")],
        arxiv=of_arxiv(text_of(entry, key) for key in ("number", "archive_location", "note")),
        dois=[text_of(entry, "DOI")],
        published_at=when(entry, "issued"),
    )


_FORMAT = JsonFormat(
    name="CSL-JSON",
    title="",
    needs=NEEDS,
    places=(("items",),),
    marks=tuple(frozenset({"type", "title", other}) for other in _OTHERS),
    without=frozenset({"title[]", "paperId"}),
    record=_record,
)
