"""RIS, the references of EndNote, Zotero and publishers, and the like-minded formats of Web of Science and PubMed.

rispy reads one reference at a time: a reference that is broken, or not closed, costs no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import sniff
from newsletter.sources.entries import digest, moment, of_arxiv, on, paper, spoken, text_of
from newsletter.sources.text import decode, split_authors

NEEDS = 'lines such as "TY  - JOUR" and "TI  - …" (RIS), "PT J" (Web of Science) or "PMID- 1" (PubMed) and "TI …"'
_HEAD = 4096
_MOST_LINES = 1_000_000
_LONGEST_LINKS = 20_000
_MOST_LINKS = 20
_MOST_TAGS = 20_000  # real references have up to 3,303 authors

_TAG = re.compile(r"([A-Z][A-Z0-9])  -(?:\s+(.*)|)$")
_WOK_TAG = re.compile(r"([A-Z][A-Z0-9])(?:$| (.*)$)")
# A first line of the reference and, below it, another of the format: no prose has both.
_RIS_START = re.compile(r"^TY  - .*\n\s*[A-Z][A-Z0-9]  -", re.MULTILINE)
_WOK_START = re.compile(r"(?:FN .*\nVR .*\n\s*)?^PT [A-Z]\s*\n[A-Z][A-Z0-9] ", re.MULTILINE)
_NBIB_START = re.compile(r"^PMID- \d+[ \t]*\n[A-Z]{2,4}\s*- ", re.MULTILINE)
_NBIB_TAG = re.compile(r"([A-Z]{2,4})\s{0,2}- (.*)")
# Exporters put a few lines before the first reference ("Provider: …", "1.").
_LONGEST_PRELUDE = 10

Lines = list[tuple[str, str]]


def parse(data: bytes, *, where: str) -> Digest:
    """Read references; those without a title are left out with a warning in the log.

    Raises NotADigestError: no reference at all, none that can be read, or more lines than are safe.
    """
    text = _text(data)
    if text.count("\n") > _MOST_LINES:
        raise NotADigestError(f"{where}: RIS of more than {_MOST_LINES:,} lines", hint="split it into several files")
    if _NBIB_START.search(text):
        return digest(_nbib_references(text), _nbib, where=where, title="", needs=NEEDS)
    wok = not re.search(r"^TY  - ", text, re.MULTILINE)
    if wok and not re.search(r"^PT [A-Z][ \t]*$", text, re.MULTILINE):
        found = sniff.looks_like(data) or "other text"
        raise NotADigestError(f"{where} is not RIS but {found}", hint=f"needed are {NEEDS}")
    make = _web_of_science if wok else _reference
    return digest(_references(text, wok=wok), make, where=where, title="", needs=NEEDS)


def recognises(data: bytes) -> bool:
    """Tell whether `data` begins as RIS or a Web of Science export does."""
    if sniff.looks_like(data):
        return False
    head = _text(data[:_HEAD]).lstrip()
    start = _RIS_START.search(head) or _WOK_START.match(head) or _NBIB_START.search(head)
    return start is not None and head.count("\n", 0, start.start()) <= _LONGEST_PRELUDE


def _text(data: bytes) -> str:
    return decode(data).replace("\r\n", "\n").replace("\r", "\n")


def _references(text: str, *, wok: bool) -> Iterator[Lines]:
    """Give each reference as tags and values, lines that go on joined (rispy takes quadratic time for them)."""
    start, pattern = ("PT", _WOK_TAG) if wok else ("TY", _TAG)
    lines: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        found = None if wok and line.startswith(" ") else pattern.match(line)
        tag = found[1] if found else ""
        if tag in (start, "ER") and lines:
            yield [(name, _joined(name, values, wok=wok)) for name, values in lines]
            lines = []
        if tag == start or (tag and tag != "ER" and 0 < len(lines) <= _MOST_TAGS):
            lines.append((tag, [(found[2] or "").strip() if found else ""]))
        elif not tag and lines and (more := line.strip()):
            lines[-1][1].append(more)
    if lines:
        yield [(name, _joined(name, values, wok=wok)) for name, values in lines]


def _joined(tag: str, values: list[str], *, wok: bool) -> str:
    # Web of Science lists one author a line; to rispy and below a list in one value has semicolons.
    return ("; " if wok and tag in ("AU", "AF") else " ").join(values)


def _reference(lines: Lines) -> PaperRecord:
    entry = _read(_parser(), "".join(f"{tag}  - {value}\n" for tag, value in lines) + "ER  - \n")
    dates = [moment(text_of(entry, key)) for key in ("date", "year", "publication_year")]
    return paper(
        title=next((words for key in _TITLES if (words := text_of(entry, key))), ""),
        abstract=text_of(entry, "abstract") or text_of(entry, "notes_abstract"),
        authors=[spoken(name) for name in _list(entry, "authors")],
        links=_links(_list(entry, "urls")),
        # A bare number of the form of an arXiv id is one only where it stands as the reference's own.
        arxiv=[text_of(entry, "id"), *of_arxiv(_list(entry, "notes"))],
        dois=[text_of(entry, "doi")],
        published_at=next((date for date in dates if date), None),
    )


# CT and BT are titles in references from before 2011.
_TITLES = ("title", "primary_title", "translated_title", "short_title")


def _web_of_science(lines: Lines) -> PaperRecord:
    entry = _read(_wok_parser(), "".join(f"{tag} {value}\n" for tag, value in lines) + "ER\n")
    year = text_of(entry, "publication_year")
    names = _list(entry, "author_full_name") or _list(entry, "authors")
    return paper(
        title=text_of(entry, "document_title"),
        abstract=text_of(entry, "abstract"),
        authors=[spoken(name) for value in names for name in value.split(";")],
        dois=[text_of(entry, "doi")],
        published_at=moment(f"{text_of(entry, 'publication_date')} {year}") or moment(year),
    )


def _nbib_references(text: str) -> Iterator[dict[str, list[str]]]:
    """Give each reference of PubMed's format (.nbib): its values by tag, lines that go on joined."""
    for block in re.split(r"^(?=PMID- )", text, flags=re.MULTILINE)[1:]:
        found: dict[str, list[str]] = {}
        tag = ""
        for line in block.split("\n")[:_MOST_TAGS]:
            if begins := _NBIB_TAG.fullmatch(line):
                tag = begins[1]
                found.setdefault(tag, []).append(begins[2].strip())
            elif tag and line.strip():
                found[tag][-1] += f" {line.strip()}"
        yield found


def _nbib(found: dict[str, list[str]]) -> PaperRecord:
    dois = [value.removesuffix("[doi]") for tag in ("LID", "AID") for value in found.get(tag, []) if "[doi]" in value]
    full = found.get("FAU")
    authors = [spoken(name) for name in full] if full else list(split_authors(", ".join(found.get("AU", []))))
    # "2025 Aug 14", "2025 Aug", "2025 Jul-Aug".
    year, month, day = (*next(iter(found.get("DP", [])), "").replace("-", " ").split(), "", "", "")[:3]
    return paper(
        title=next(iter(found.get("TI", [])), ""),
        abstract=next(iter(found.get("AB", [])), ""),
        authors=authors,
        links=[f"https://pubmed.ncbi.nlm.nih.gov/{number}/" for number in found["PMID"] if number.isdigit()],
        dois=dois,
        published_at=on(year, month, day),
    )


def _read(parser: Any, text: str) -> dict[str, Any]:
    if text.count("\n") > _MOST_TAGS:
        raise ValueError(f"more than {_MOST_TAGS:,} lines")
    try:
        found: list[dict[str, Any]] = parser.parse(text)
        entry = found[0]
    except MemoryError:
        raise
    except Exception as error:  # whatever rispy raises for lines it does not expect, one reference is no paper
        raise ValueError(f"cannot be read ({type(error).__name__})") from error
    return entry


def _list(entry: dict[str, Any], key: str) -> list[str]:
    value = entry.get(key)
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _links(values: list[str]) -> list[str]:
    """Give the addresses; some exporters put several into one value, but an address may itself hold a semicolon."""
    return [
        part.strip(" ;")
        for value in values[:_MOST_LINKS]
        for part in re.split(r"[\s;](?=https?:)", value[:_LONGEST_LINKS])
    ]


@lru_cache(maxsize=1)
def _parser() -> Any:
    from rispy.config import TAG_KEY_MAPPING  # noqa: PLC0415  only needed for this format
    from rispy.parser import RisParser  # noqa: PLC0415

    # "First authors" are the authors, under the name of an older version: together, in the order of the file.
    mapping = {**TAG_KEY_MAPPING, "A1": TAG_KEY_MAPPING["AU"]}
    return RisParser(mapping=mapping, skip_unknown_tags=True, delimiter_tags_mapping={})


@lru_cache(maxsize=1)
def _wok_parser() -> Any:
    from rispy.parser import WokParser  # noqa: PLC0415  only needed for this format

    return WokParser(skip_unknown_tags=True)
