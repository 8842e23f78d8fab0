"""Bytes to papers: the formats we know, and which of them a document is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from newsletter.config import SourceKind
from newsletter.errors import NotADigestError
from newsletter.model import Digest
from newsletter.sources import (
    arxiv_mail,
    bibtex,
    csl_json,
    digest,
    endnote,
    endnote_xml,
    feed,
    huggingface,
    json_feed,
    markdown,
    oai_pages,
    opml,
    pubmed_xml,
    ris,
    scholar_mail,
    sniff,
    tables,
)
from newsletter.sources.json_records import CROSSREF, DBLP, INSPIRE, OPENALEX, OPENREVIEW, SEMANTIC_SCHOLAR, ZOTERO


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes to be parsed, with all that a parser may need: `where` they came from, and the day."""

    data: bytes
    where: str
    today: date


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it needs, in words for an error; how its beginning is known; and its parser."""

    name: str
    needs: str
    recognises: Callable[[bytes], bool]
    parse: Callable[[Document], Digest]


def _simple(name: str, needs: str, recognises: Callable[[bytes], bool], read: Callable[..., Digest]) -> Format:
    """Give a format whose parser needs nothing but the bytes and where they came from."""
    return Format(name, needs, recognises, lambda document: read(document.data, where=document.where))


# In the order in which they are tried: those with the surest marks first. Copied text has no mark of its own, so it
# comes last and judges by its contents.
FORMATS: dict[SourceKind, Format] = {
    SourceKind.ARXIV_OAI: _simple("OAI-PMH", oai_pages.NEEDS, oai_pages.recognises, oai_pages.parse),
    SourceKind.FEED: _simple("feed", feed.NEEDS, sniff.is_feed, feed.parse),
    SourceKind.PUBMED_XML: _simple("PubMed XML", pubmed_xml.NEEDS, pubmed_xml.recognises, pubmed_xml.parse),
    SourceKind.ENDNOTE_XML: _simple("EndNote XML", endnote_xml.NEEDS, endnote_xml.recognises, endnote_xml.parse),
    SourceKind.BIBTEX: _simple("BibTeX", bibtex.NEEDS, bibtex.recognises, bibtex.parse),
    SourceKind.RIS: _simple("RIS", ris.NEEDS, ris.recognises, ris.parse),
    SourceKind.ENDNOTE: _simple("EndNote", endnote.NEEDS, endnote.recognises, endnote.parse),
    **{
        kind: _simple(records.name, records.needs, records.recognises, records.parse)
        for kind, records in (
            (SourceKind.SEMANTIC_SCHOLAR, SEMANTIC_SCHOLAR),
            (SourceKind.CROSSREF, CROSSREF),
            (SourceKind.OPENREVIEW, OPENREVIEW),
            (SourceKind.OPENALEX, OPENALEX),
            (SourceKind.INSPIRE, INSPIRE),
            (SourceKind.DBLP, DBLP),
            (SourceKind.ZOTERO, ZOTERO),
        )
    },
    SourceKind.CSL_JSON: _simple("CSL-JSON", csl_json.NEEDS, csl_json.recognises, csl_json.parse),
    SourceKind.JSON_FEED: _simple("JSON Feed", json_feed.NEEDS, json_feed.recognises, json_feed.parse),
    SourceKind.JSONL: _simple("JSON and JSONL", tables.NEEDS_JSONL, tables.recognises_jsonl, tables.parse_jsonl),
    SourceKind.HUGGINGFACE: _simple("Hugging Face JSON", huggingface.NEEDS, sniff.is_json, huggingface.parse),
    SourceKind.CSV: _simple("CSV", tables.NEEDS_CSV, tables.recognises_csv, tables.parse_csv),
    SourceKind.SCHOLAR_MAIL: _simple(
        "Google Scholar alert mail", scholar_mail.NEEDS, scholar_mail.recognises, scholar_mail.parse
    ),
    SourceKind.ARXIV_MAIL: _simple("arXiv listing mail", arxiv_mail.NEEDS, arxiv_mail.recognises, arxiv_mail.parse),
    SourceKind.MARKDOWN: _simple("Markdown list", markdown.NEEDS, markdown.recognises, markdown.parse),
    SourceKind.DIGEST: Format(
        name="copied digest",
        needs=digest.NEEDS,
        recognises=lambda data: not sniff.looks_like(data),
        parse=lambda document: digest.parse(document.data, where=document.where, today=document.today),
    ),
}


def parse(data: bytes, *, kind: SourceKind, where: str, today: date) -> Digest:
    """Give the papers in `data`. `where` is the file or address for errors.

    For documents of strangers use `sandbox`, which runs this where it can be stopped. Raises NotADigestError when the
    bytes are not of the format (under AUTO: of any format), and SourceError when a feed reports an error of its own.
    """
    document = Document(data, where, today)
    if kind in FORMATS:
        return FORMATS[kind].parse(document)
    if opml.recognises(data):
        raise NotADigestError(f"{where} is a list of feeds (OPML), not papers", hint='give the source kind = "opml"')
    found = next((known for known, each in FORMATS.items() if each.recognises(data)), None)
    if found is None:
        raise _unknown(f"{where} is {sniff.looks_like(data)}", _hint(data))
    try:
        return FORMATS[found].parse(document)
    except NotADigestError as error:
        raise _unknown(error.message, _hint(data) if found in _UNSURE else error.hint) from error


# Of these any JSON and any text may be; what is wrong with a document of another format is what its parser says.
_UNSURE = (SourceKind.HUGGINGFACE, SourceKind.DIGEST)


def _unknown(what: str, hint: str) -> NotADigestError:
    looked_for = ", ".join(each.name for each in FORMATS.values())
    return NotADigestError(f"{what}. Looked for: {looked_for}", hint=hint)


def _hint(data: bytes) -> str:
    if sniff.is_json(data):
        return f"of JSON that is no service's, needed is {tables.NEEDS_JSONL}"
    if sniff.packed(data):
        return "unpack it, and give the file that is in it"
    return "for a web page, give the address of its feed or raw file, or copy the page's text into a file"
