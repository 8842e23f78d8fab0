r"""BibTeX and BibLaTeX, by bibtexparser 2: strings, concatenation, LaTeX accents, protective braces, crossref.

bibtexparser splits a file into entries and fields in time linear in its length, and goes on behind an entry that is
broken. It resolves a string only where it stands alone (`month = aug`); `Lu # { and } # Oskin` is put together here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from newsletter import identity
from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import sniff
from newsletter.sources.entries import digest, moment, of_arxiv, on, paper
from newsletter.sources.latex import readable
from newsletter.sources.text import decode, plain, split_authors

NEEDS = "entries such as @article{key, title = {…}, author = {…}}"
_HEAD = 65_536
# The splitter takes 0.5 µs a mark and 15 µs a block, and a field takes 400 bytes: below these, seconds and 300 MB.
_MOST_MARKS = 2_500_000
_MOST_BLOCKS = 50_000
_MOST_FIELDS = 500_000
_LONGEST_VALUE = 200_000
_SPLIT = "split it into several files"
_LONGEST_NAME = 500

_ENTRY = re.compile(
    r"^[ \t]*@(?P<type>[A-Za-z]{2,30})[ \t]*[{(][ \t\n]*(?P<key>[^\s,={}\"]*)[ \t\n]*(?P<next>.?)", re.MULTILINE
)
_LONGEST_PRELUDE = 5
_PART = re.compile(r"[^\s#{}\"]+")
_MATHS_OR_BRACE = re.compile(r"(\$[^$]*\$)|(?<!\\)[{}]")
_ESCAPED_IN_LINK = re.compile(r"\\url\s*\{|\\(?=[_%&#~$])|[{}]")
_INHERITED = ("year", "month", "day", "date")  # never a parent's DOI or link: its papers would all be one
_OTHERS = ("others", "et al", "et al.")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry, its fields by lower-case name, resolved; `fault` says what is wrong with one that is broken."""

    key: str
    fields: Mapping[str, str]
    fault: str = ""


def parse(data: bytes, *, where: str) -> Digest:
    """Read the entries; those without a title are left out with a warning in the log.

    Raises NotADigestError: no entry at all, none that can be read, or more of them than is safe to parse.
    """
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    if not any(_is_entry(found) for found in _ENTRY.finditer(text)):
        looks = sniff.looks_like(data) or "text without an entry"
        raise NotADigestError(f"{where} is not BibTeX but {looks}", hint=f"needed are {NEEDS}")
    marks = sum(map(text.count, '{}",=\n'))
    if marks > _MOST_MARKS or text.count("@") > _MOST_BLOCKS or text.count("=") > _MOST_FIELDS:
        raise NotADigestError(f"{where}: BibTeX of too many entries or fields", hint=_SPLIT)
    found = list(_entries(text, where))
    parents = {entry.key.lower(): entry.fields for entry in found if not entry.fault}
    return digest(
        found, lambda entry: _record(entry, parents), where=where, title="", needs=NEEDS, polish=_without_latex
    )


def recognises(data: bytes) -> bool:
    """Tell whether `data` begins with a BibTeX entry, after comments and a few lines such as JabRef's."""
    if sniff.looks_like(data):
        return False
    head = decode(data[:_HEAD]).replace("\r\n", "\n").replace("\r", "\n")
    first = next((found for found in _ENTRY.finditer(head) if _is_block(found)), None)
    if first is None:
        return False
    before = (line.strip() for line in head[: first.start()].split("\n"))
    return sum(1 for line in before if line and not line.startswith("%")) <= _LONGEST_PRELUDE


def _is_block(found: re.Match[str]) -> bool:
    return found["type"].lower() in ("string", "preamble", "comment") or _is_entry(found)


def _is_entry(found: re.Match[str]) -> bool:
    kind = found["type"].lower()
    return kind not in ("string", "preamble", "comment") and (found["next"] == "," or found["next"] in ("}", ")"))


# Entries and values --------------------------------------------------------------------------------------------------


def _entries(text: str, where: str) -> Iterator[_Entry]:
    from bibtexparser import model  # noqa: PLC0415  only needed for this format
    from bibtexparser.splitter import Splitter  # noqa: PLC0415

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # it reports each broken entry in two lines of its own
    try:
        blocks = Splitter(text).split().blocks
    except MemoryError:
        raise
    except Exception as error:  # its own ParserStateException, or what a defect of it raises
        raise NotADigestError(
            f"{where} is BibTeX that cannot be parsed: {error}", hint=f"needed are {NEEDS}"
        ) from error
    strings: dict[str, str] = {}
    room = 4 * len(text) + 1_000_000
    for block in blocks:
        # The same key twice, in a file or an entry, is common in collections and costs neither.
        whole = block.ignore_error_block if isinstance(block, model.ParsingFailedBlock) else block
        if isinstance(whole, model.String):
            strings[whole.key.lower()] = _value(whole.value, strings)
        elif isinstance(whole, model.Entry):
            fields: dict[str, str] = {}
            for field in whole.fields:
                fields.setdefault(field.key.lower(), value := _value(field.value, strings))
                room -= len(value)
            if room < 0:
                raise NotADigestError(f"{where}: BibTeX whose @strings make it many times as long", hint=_SPLIT)
            yield _Entry(whole.key, fields)
        elif isinstance(block, model.ParsingFailedBlock):
            reason = getattr(block.error, "abort_reason", "") or str(block.error)
            yield _Entry("", {}, fault=f"line {(block.start_line or 0) + 1}: {plain(reason)[:200]}")


def _value(source: str, strings: Mapping[str, str]) -> str:
    """Give the text of `{braced} # "quoted" # name`, at most so long that strings of strings cannot explode."""
    parts: list[str] = []
    at = length = 0
    while at < len(source) and length < _LONGEST_VALUE:
        if source[at] in '{"':
            end = _closing(source, at)
            part = source[at + 1 : end]
        else:
            found = _PART.match(source, at)
            end = found.end() - 1 if found else at
            part = strings.get(found[0].lower(), found[0]) if found else ""
        parts.append(part)
        length += len(part)
        at = end + 1
    return "".join(parts)[:_LONGEST_VALUE]


_BRACE_OR_QUOTE = re.compile(r"(?<!\\)[{}\"]")


def _closing(source: str, start: int) -> int:
    """Give where what opens at `start` closes, as bibtexparser counts: an escaped brace is none; else the end."""
    quoted = source[start] == '"'
    depth = 0
    for mark in _BRACE_OR_QUOTE.finditer(source, start + quoted):
        depth += {"{": 1, "}": -1}.get(mark[0], 0)
        if (quoted and mark[0] == '"' and depth <= 0) or (not quoted and depth == 0 and mark[0] == "}"):
            return mark.start()
    return len(source)


# Records -------------------------------------------------------------------------------------------------------------


def _record(entry: _Entry, parents: Mapping[str, Mapping[str, str]]) -> PaperRecord:
    if entry.fault:
        raise ValueError(entry.fault)
    parent = parents.get(entry.fields.get("crossref", "").strip().lower(), {})
    fields = {**{name: parent[name] for name in _INHERITED if name in parent}, **entry.fields}
    number, category = _eprint(fields)
    return paper(
        title=_titled(fields),
        abstract=fields.get("abstract", ""),
        authors=_authors(fields.get("author", "")),
        links=[_link(fields.get(name, "")) for name in ("url", "howpublished", "bdsk-url-1", "note")],
        # Google Scholar writes journal = {arXiv preprint arXiv:2101.00001}.
        arxiv=[number, *of_arxiv(fields.get(name, "") for name in ("journal", "note"))],
        dois=[_link(fields.get("doi", ""))],
        categories=[category],
        published_at=_published(fields),
    )


def _titled(fields: Mapping[str, str]) -> str:
    title, subtitle = fields.get("title", "").strip(), fields.get("subtitle", "").strip()
    return f"{title}: {subtitle}" if title and subtitle else title


def _eprint(fields: Mapping[str, str]) -> tuple[str, str]:
    """Give the arXiv id and its category; an eprint of another archive has neither."""
    archive = (fields.get("archiveprefix") or fields.get("eprinttype") or "arxiv").strip().lower()
    number = identity.arxiv_id(fields.get("eprint", "").strip()) if archive == "arxiv" else ""
    return number, (fields.get("primaryclass") or fields.get("eprintclass") or "") if number else ""


def _link(text: str) -> str:
    return _ESCAPED_IN_LINK.sub("", text).strip() if len(text) < _LONGEST_VALUE else ""


def _published(fields: Mapping[str, str]) -> Any:
    year, month = fields.get("year", ""), fields.get("month", "")
    digits = re.search(r"\b[12]\d{3}\b", year[:50])
    # "15 # aug" and "aug # { 15}" come as "15aug" and "aug 15".
    day = fields.get("day") or next(iter(re.findall(r"\d{1,2}", month[:50])), "")
    name = next(iter(re.findall(r"[A-Za-z]{3,}", month[:50])), "")
    dated = on(digits[0], name or month, day if name or fields.get("day") else None) if digits else None
    return moment(fields.get("date", "").strip()) or dated


def _authors(text: str) -> list[str]:
    from bibtexparser.middlewares.names import split_multiple_persons_names  # noqa: PLC0415  only for this format

    people = [name for name in split_multiple_persons_names(text) if name.lower() not in _OTHERS]
    if len(people) == 1 and "{" not in text and text.count(",") > 2:
        return list(split_authors(text))  # "A. One, B. Two, C. Three, D. Four": no BibTeX, but often seen
    return [_spoken(name) for name in people]


def _spoken(name: str) -> str:
    from bibtexparser.middlewares.names import parse_single_name_into_parts  # noqa: PLC0415

    if len(name) > _LONGEST_NAME:  # unbalanced braces take it quadratic time
        return name[:_LONGEST_NAME]
    return parse_single_name_into_parts(name, strict=False).merge_first_name_first


def _without_latex(text: str) -> str:
    """Give `text` readable and without the braces that keep capitals; those in formulas stay."""
    if not any(mark in text for mark in "\\{}~$"):
        return text
    read = readable(text.replace("\\~", "\0").replace("~", " ").replace("\0", "\\~"))
    return _MATHS_OR_BRACE.sub(lambda found: found[1] or "", read).replace("\\{", "{").replace("\\}", "}")
