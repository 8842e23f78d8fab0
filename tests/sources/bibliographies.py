"""The formats of lists of references, and our own inputs for each, for the tests of what they have in common."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from newsletter.model import Digest
from newsletter.sources import bibtex, csl_json, endnote, endnote_xml, pubmed_xml, ris, tables
from newsletter.sources.json_records import CROSSREF, DBLP, INSPIRE, OPENALEX, OPENREVIEW, SEMANTIC_SCHOLAR, ZOTERO

FOLDER = Path(__file__).parents[1] / "data" / "sources" / "bibliographies"


class Parse(Protocol):
    def __call__(self, data: bytes, *, where: str) -> Digest: ...


@dataclass(frozen=True)
class Kind:
    parse: Parse
    recognises: Callable[[bytes], bool]
    files: tuple[str, ...]


KINDS = {
    "bibtex": Kind(bibtex.parse, bibtex.recognises, ("shelf.bib",)),
    "ris": Kind(ris.parse, ris.recognises, ("shelf.ris", "ponds.ris")),
    "endnote": Kind(endnote.parse, endnote.recognises, ("shelf.enw",)),
    "endnote-xml": Kind(endnote_xml.parse, endnote_xml.recognises, ("shelf.endnote.xml",)),
    "pubmed-xml": Kind(pubmed_xml.parse, pubmed_xml.recognises, ("answer.pubmed.xml",)),
    "csl-json": Kind(csl_json.parse, csl_json.recognises, ("library.csl.json",)),
    "semantic-scholar": Kind(SEMANTIC_SCHOLAR.parse, SEMANTIC_SCHOLAR.recognises, ("answer.semantic_scholar.json",)),
    "crossref": Kind(CROSSREF.parse, CROSSREF.recognises, ("answer.crossref.json",)),
    "openreview": Kind(OPENREVIEW.parse, OPENREVIEW.recognises, ("answer.openreview.json",)),
    "openalex": Kind(OPENALEX.parse, OPENALEX.recognises, ("answer.openalex.json",)),
    "inspire": Kind(INSPIRE.parse, INSPIRE.recognises, ("answer.inspire.json",)),
    "dblp": Kind(DBLP.parse, DBLP.recognises, ("answer.dblp.json",)),
    "zotero": Kind(ZOTERO.parse, ZOTERO.recognises, ("answer.zotero.json",)),
    "jsonl": Kind(tables.parse_jsonl, tables.recognises_jsonl, ("lines.jsonl",)),
    "csv": Kind(tables.parse_csv, tables.recognises_csv, ("spreadsheet.csv",)),
}


def as_json(found: Digest) -> dict[str, Any]:
    """Give a digest as the expected files have it: what is empty is left out."""
    records = [
        {
            key: value.isoformat()
            if isinstance(value, datetime)
            else list(value)
            if isinstance(value, tuple)
            else value
            for key, value in asdict(record).items()
            if value not in ("", (), None, "new")
        }
        for record in found.records
    ]
    return {"title": found.title, "records": records}


def expected(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.expected.json").read_text(encoding="utf-8"))
