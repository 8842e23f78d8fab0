"""Papers as rows: CSV from a spreadsheet or reference manager, JSONL, one object a line, any JSON list of objects."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import csl_json, json_format, json_records, sniff
from newsletter.sources.entries import digest, moment, on, paper, people, title_from
from newsletter.sources.text import decode, plain, split_authors

NEEDS_CSV = 'a first row with the names of the columns, of which one is "title"'
NEEDS_JSONL = 'one JSON object a line, or a list of objects, each with a "title" and "abstract", "authors" or "url"'
_HEAD = 262_144
_DELIMITERS = ",;\t"
_MOST_CELLS = 2_000_000
_SAMPLE = 20
_LONGEST_LIST = 100_000  # the names of 3,303 authors take 60,000

# What other programs call the columns: arXiv's archive, Zotero, Scopus, PubMed. "-" and "_" are spaces here.
_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "paper title", "article title", "document title"),
    "abstract": ("abstract", "summary", "abstract note", "abstractnote", "abstracttext", "tldr"),
    "authors": ("authors", "author", "author names", "authorstring", "creators"),
    "url": ("url", "link", "abs url", "url abs", "paper url", "html url", "pdf url", "url pdf", "pdf"),
    "doi": ("doi",),
    "arxiv": ("arxiv id", "arxiv", "arxivid", "eprint", "id"),
    "categories": ("categories", "category", "primary category", "arxiv categories"),
    "published": (
        *("published", "publication date", "published at", "published date", "firstpublicationdate", "date"),
        "update date",
    ),
    "year": ("year", "publication year", "pubyear"),
    "month": ("month",),
}
_NOTHING: tuple[Any, ...] = (None, "", [], "NA", "N/A")
_FIELD = {name: field for field, names in _NAMES.items() for name in names}
_ORDER = {name: number for number, name in enumerate(_FIELD)}
_ARXIV_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z-]{2,})?")
_LONGEST_COLUMN = 100

Row = Mapping[str, Any]


def parse_csv(data: bytes, *, where: str) -> Digest:
    """Read rows; the delimiter is a comma, semicolon or tab, whichever makes most of the first row.

    Rows that are no papers are left out with a warning in the log. Raises NotADigestError: no column "title", no row
    that is a paper, or too many cells.
    """
    text = decode(data)
    looks = "" if _header(text)[1] else sniff.looks_like(data)
    if looks:
        raise NotADigestError(f"{where} is not a CSV of papers but {looks}", hint=f"needed is {NEEDS_CSV}")
    delimiter, columns = _header(text)
    if "title" not in map(_field, columns):
        found = ", ".join(plain(column)[:_LONGEST_COLUMN] or "(no name)" for column in columns[:20])
        raise NotADigestError(
            f'{where} is not a CSV of papers: it has no column "title"; its columns are: {found}',
            hint=f"needed is {NEEDS_CSV}",
        )
    if text.count(delimiter) > _MOST_CELLS:
        raise NotADigestError(f"{where}: a CSV of more than {_MOST_CELLS:,} cells", hint="split it into several files")
    rows = _rows(text, delimiter, columns)
    return digest(rows, _record, where=where, title=title_from(where), needs=NEEDS_CSV)


def recognises_csv(data: bytes) -> bool:
    """Tell whether the first row names a title and at least one more column that we know."""
    if sniff.looks_like(data):
        return False
    fields = {_field(column) for column in _header(decode(data[:_HEAD]))[1]} - {""}
    return "title" in fields and len(fields) > 1


def parse_jsonl(data: bytes, *, where: str) -> Digest:
    """Read one object a line, or a list of objects; what is no paper is left out with a warning in the log.

    Raises NotADigestError: no object is a paper, or there are too many values.
    """
    text = decode(data)
    if json_format.too_many(text):
        raise NotADigestError(f"{where}: JSON of too many values", hint="split it into several files")
    if not sniff.is_json(data):
        found = sniff.looks_like(data) or "other text"
        raise NotADigestError(f"{where} is not JSON but {found}", hint=f"needed is {NEEDS_JSONL}")
    if not (listed := _listed(text)) and not _is_json(text.lstrip("\ufeff \t\r\n").partition("\n")[0]):
        json_format.load(data, where=where, name="a list of papers", needs=NEEDS_JSONL)  # says where it is broken
    rows: Iterable[Row | str] = listed or (line for line in io.StringIO(text) if line.strip())
    return digest(rows, _from_json, where=where, title=title_from(where), needs=NEEDS_JSONL)


def recognises_jsonl(data: bytes) -> bool:
    """Tell whether lines or a list are objects that are papers, and no answer of an API or feed that we know."""
    if not sniff.is_json(data):
        return False
    head = decode(data[:_HEAD])
    lines = [line for line in head.split("\n") if line.strip()][:2]
    try:
        first = json_format.loads(lines[0])
    except (ValueError, RecursionError):
        first = None
    if isinstance(first, dict) and "title" in map(_field, first) and (len(lines) > 1 or _is_paper(data, first)):
        return len(lines) == 1 or lines[1].lstrip().startswith("{")
    return any(map(_are_papers, _keys_of_lists(data))) and not _of_a_service(data)


def _is_paper(data: bytes, only: Row) -> bool:
    """Tell whether the only line is a paper, and no answer of an API or feed with papers in it."""
    return not _LISTS & only.keys() and not _of_a_service(data)


def _is_json(line: str) -> bool:
    try:
        json_format.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _of_a_service(data: bytes) -> bool:
    return any(each.recognises(data) for each in _SERVICES)


_LISTS = frozenset({"items", "data", "papers", "entries", "results", "notes", "message", "paper"})
_SERVICES = (
    *(csl_json, json_records.SEMANTIC_SCHOLAR, json_records.CROSSREF, json_records.OPENREVIEW),
    *(json_records.OPENALEX, json_records.INSPIRE, json_records.DBLP),
)
_OTHER_FIELDS = frozenset({"abstract", "authors", "url", "doi", "published"})
# Of the daily papers of Hugging Face, which has a format of its own.
_HUGGING_FACE = frozenset({"paper", "upvotes", "publishedAt", "submittedOnDailyAt", "numComments", "submittedBy"})
_DEEPEST_LIST = 3


def _are_papers(keys: Iterable[str]) -> bool:
    keys = set(keys)
    fields = {_field(key) for key in keys}
    return "title" in fields and bool(fields & _OTHER_FIELDS) and not keys & _HUGGING_FACE


def _keys_of_lists(data: bytes) -> Iterator[set[str]]:
    """Give the keys of the objects in each list, from the beginning of `data`."""
    found: dict[str, set[str]] = {}
    for path in json_format.shape(data):
        place, _, key = path.rpartition("[].")
        if "[]." in path and not place.count("[]") and "." not in key:
            found.setdefault(place, set()).add(key.removesuffix("[]"))
    yield from (keys for place, keys in found.items() if place.count(".") <= _DEEPEST_LIST)


def _listed(text: str) -> list[Any]:
    """Give the first list of papers in a JSON document; nothing where there is none, or where it is no document."""
    try:
        document = json_format.loads(text)
    except (ValueError, RecursionError):
        return []
    level = [document]
    for _ in range(_DEEPEST_LIST + 1):
        for value in level:
            if isinstance(value, list) and any(isinstance(row, dict) and _are_papers(row) for row in value[:_SAMPLE]):
                return value
        level = [inner for value in level if isinstance(value, dict) for inner in value.values()]
    return []


# Rows ----------------------------------------------------------------------------------------------------------------


def _header(text: str) -> tuple[str, list[str]]:
    """Give the delimiter and the columns. Excel may name the delimiter in a line of its own ("sep=;")."""
    lines = (line.strip("\r\n") for line in io.StringIO(text[:_HEAD], newline=""))
    first = next((line for line in lines if line.strip() and not _is_separator(line)), "")
    best: tuple[str, list[str]] = (",", [])
    for delimiter in _DELIMITERS:
        try:
            columns = next(csv.reader([first], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:  # a cell larger than the module allows
            continue
        if _worth(columns) > _worth(best[1]):
            best = (delimiter, columns)
    return best


def _is_separator(line: str) -> bool:
    return line.lower().startswith("sep=") and len(line) <= len("sep=;") + 1


def _worth(columns: list[str]) -> tuple[bool, int]:
    return "title" in map(_field, columns), len(columns)


def _field(column: str) -> str:
    return _FIELD.get(_name(column), "")


@lru_cache(maxsize=1024)
def _name(column: str) -> str:
    return re.sub(r"[\s_-]+", " ", plain(column[:_LONGEST_COLUMN]).strip("\"'# ").lower())


def _rows(text: str, delimiter: str, columns: list[str]) -> Iterator[Row | str]:
    """Give each row by its columns, or in words what is wrong with it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    begun = False
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"line {reader.line_num}: {error}"
            continue
        if not begun:
            begun = cells == columns
        elif len(cells) > len(columns) and any(cells[len(columns) :]):
            # A delimiter without quotes around it: the values stand in the wrong columns.
            yield f"line {reader.line_num}: {len(cells)} cells, but there are {len(columns)} columns"
        elif any(cells):
            yield dict(zip(reversed(columns), reversed([*cells, *[""] * len(columns)][: len(columns)]), strict=True))


def _from_json(row: Any) -> PaperRecord:
    if isinstance(row, str):
        try:
            row = json_format.loads(row)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        except ValueError as error:
            raise ValueError("broken JSON") from error
    if not isinstance(row, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  one kind of error for all that is wrong with a line
    return _record(row)


def _record(row: Row | str) -> PaperRecord:
    if isinstance(row, str):
        raise ValueError(row)  # noqa: TRY004
    values: dict[str, Any] = {}
    # In the order of the names, so that "abstract" comes before "tldr" and "published" before "update date".
    known = sorted((key for key in row if _field(key)), key=lambda key: _ORDER[_name(key)])
    for key in known:
        if row[key] not in _NOTHING:
            values.setdefault(_field(key), row[key])
    return paper(
        title=_text(values.get("title")),
        abstract=_text(values.get("abstract")),
        authors=_authors(values.get("authors")),
        links=[_text(values.get("url"))],
        arxiv=[_text(values.get("arxiv"))],
        dois=[_text(values.get("doi"))],
        categories=_categories(values.get("categories")),
        published_at=moment(values.get("published")) or on(values.get("year"), values.get("month")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _authors(value: Any) -> list[str]:
    return people(value) if isinstance(value, list) else list(split_authors(_text(value)[:_LONGEST_LIST]))


def _categories(value: Any) -> list[str]:
    """Give a list, or what a text lists: "cs.LG cs.CL", "cs.LG; stat.ML", "Robotics, Vision"."""
    if isinstance(value, list):
        return [text for text in value if isinstance(text, str)]
    text = _text(value)[:_LONGEST_LIST]
    mark = next((mark for mark in (";", "|", ",") if mark in text), None)
    words = text.split(mark)
    return words if mark or all(map(_ARXIV_CATEGORY.fullmatch, words)) else [text]
