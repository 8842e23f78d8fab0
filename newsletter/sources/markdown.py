"""Lists of papers in Markdown, as people keep them on GitHub: tables, items of lists, headings that are links.

A row, an item or a heading counts where it names a paper: by a link to arXiv, a DOI, OpenReview and the like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import blurbs, entries, sniff
from newsletter.sources.paper_pages import PAPER_PAGE
from newsletter.sources.text import decode, http_url, paragraphs, plain, split_authors

NEEDS = "Markdown with a table that has a column Title or Paper, or a list or headings with links to papers"
_MOST_LINES = 200_000
_LONGEST_LINE = 20_000
_LONGEST_TITLE = 300
_SHORTEST_ABSTRACT = 80
_FEW = 2
_MOSTLY = 0.6

_RULE = re.compile(r"\s*\|?(?:\s*:?-{2,}:?\s*\|)+(?:\s*:?-{2,}:?\s*)?\s*")
_CELL = re.compile(r"(?<!\\)\|")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(?P<text>.*?)\s*#*\s*")
_ITEM = re.compile(r"(?P<indent>\s{0,3})(?:[-*+]|\d{1,4}[.)])\s+(?P<text>\S.*)")
IMAGE = re.compile(r"!\[[^\]]{0,500}\]\([^()\s]{0,2000}(?:\s\"[^\"]{0,300}\")?\)")
_LINK = re.compile(
    r"\[(?P<text>(?:[^\[\]]|\[[^\[\]]{0,200}\]){0,500})\]"
    r"\(\s*<?(?P<url>https?://[^\s<>]{1,2000}?)>?(?:\s\"[^\"]{0,300}\")?\)"
)
_BARE_URL = re.compile(r"https?://[^\s)>\]|\"'<]{4,2000}")
_BOLD = re.compile(r"(?P<mark>\*\*|__)(?P<text>[^*]{3,400}?)(?P=mark)")
_ITALIC = re.compile(r"(?<![*\w])[*_](?P<text>[^*_]{3,2000})[*_](?![*\w])")
_MARKS = re.compile(r"\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|`|(?:^|(?<=\s))#{1,6}(?=\s)|\\(?=[|*_`\[\]#])")
_BUTTON = re.compile(
    r"(?:paper|pdf|arxiv|abs|html|link|code|github|project(?: page)?|website|page|blog|tweet|video|demo|dataset|doi|url"
    r"|model|slides|poster|bibtex|supp(?:lementary)?|read|view|\d{4}\.\d{4,5}(?:v\d+)?|arxiv:\s?\S+)s?\W*",
    re.IGNORECASE,
)
_EMPTY = re.compile(r"\[\s*\]|\(\s*\)")
_BEFORE_TITLE = re.compile(r"(?:\d{1,4}[.)]\s+|\[[^\[\]]{1,40}\]\s+(?!\()|\([^()]{1,60}\)\s+|[^\w\s\[*_\"“‘'$(]+\s+)+")
_AFTER_TITLE = re.compile(r"\s*[-\u2013\u2014:,.;|]+\s*")
_SENTENCE_END = re.compile(r"(?<=[^\W\d_]{2})[.]\s")
_REPOSITORY = re.compile(r"https?://(?:www\.)?(?:github|gitlab)\.com/[^/\s]+/[^/\s)]+")
_COLUMNS = {
    "title": frozenset({"title", "paper", "papers", "paper title", "paper name", "name"}),
    "authors": frozenset({"author", "authors"}),
    "date": frozenset({"date", "publish date", "published", "publication date", "year", "time"}),
    "abstract": frozenset({"abstract", "summary", "tldr", "tl;dr", "description"}),
}


@dataclass(frozen=True, slots=True)
class _Item:
    """A paper as the list has it: Markdown of its title and what follows, and of all of it; plain fields of a table."""

    title: str
    whole: str
    authors: str = ""
    date: str = ""
    abstract: str = ""
    body: tuple[str, ...] = ()


def recognises(data: bytes) -> bool:
    """Tell whether a text is, in the main, a list of papers in Markdown."""
    if sniff.binary(data) or sniff.is_feed(data) or sniff.is_json(data) or not (b"](" in data or b"|" in data):
        return False
    lines = _lines(decode(data))
    if len(lines) > _MOST_LINES:
        return False
    # Headings with plain text below are a copied page, which has more to it (votes, a day).
    folded = b"<details" in data and len(_from_headings(lines)) >= _FEW
    return folded or len(_from_tables(lines)) >= _FEW or _is_list(lines)


def parse(data: bytes, *, where: str) -> Digest:
    """Read the papers; rows and items without a title are left out with a warning in the log.

    Raises NotADigestError: there is no such list, or it is too long.
    """
    lines = [] if sniff.binary(data) else _lines(decode(data))
    if len(lines) > _MOST_LINES:
        raise NotADigestError(f"{where} has {len(lines):,} lines", hint="split it into several files")
    found = [*_from_tables(lines), *_from_headings(lines)] or [*_from_lists(lines)]
    if not found:
        what = sniff.looks_like(data) or "other text"
        raise NotADigestError(f"{where} is no Markdown list of papers but {what}", hint=f"needed is {NEEDS}")
    heading = next((_words(match["text"]) for line in lines if (match := _HEADING.fullmatch(line))), "")
    return entries.digest(found, _record, where=where, title=heading, needs=NEEDS)


def _lines(text: str) -> list[str]:
    return [IMAGE.sub("", line[:_LONGEST_LINE]).rstrip() for line in text.splitlines()]


# The three shapes -----------------------------------------------------------------------------------------------------


def _from_tables(lines: Sequence[str]) -> list[_Item]:
    found: list[_Item] = []
    for i, line in enumerate(lines[1:], start=1):
        if not _RULE.fullmatch(line):
            continue
        names = [_words(cell).lower() for cell in _cells(lines[i - 1])]
        places = {
            field: next((n for n, name in enumerate(names) if name in known), -1) for field, known in _COLUMNS.items()
        }
        if places["title"] >= 0:
            rows = (_cells(row) for row in takewhile(lambda row: "|" in row, lines[i + 1 :]))
            found += [_row(cells, places) for cells in rows if len(cells) > places["title"]]
    return found


def _row(cells: Sequence[str], places: dict[str, int]) -> _Item:
    fields = {field: cells[n] if 0 <= n < len(cells) else "" for field, n in places.items()}
    return _Item(
        title=fields["title"],
        whole=" ".join(cells),
        authors=_words(fields["authors"]),
        date=_words(fields["date"]),
        abstract=_words(fields["abstract"]),
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL.split(line.strip().strip("|"))] if "|" in line else []


def _from_headings(lines: Sequence[str]) -> list[_Item]:
    """Give the headings that are links to papers, each with what stands below it."""
    found: list[_Item] = []
    heads = [i for i, line in enumerate(lines) if line.lstrip().startswith("#") and _HEADING.fullmatch(line)]
    for i, end in pairwise([*heads, len(lines)]):
        link = _LINK.search(lines[i])
        if link and PAPER_PAGE.search(link["url"]) and not _BUTTON.fullmatch(_words(link["text"])):
            found.append(_Item(title=link[0], whole=lines[i], body=tuple(lines[i + 1 : end])))
    return found


def _from_lists(lines: Sequence[str]) -> Iterator[_Item]:
    """Give the items of lists that link to a paper; what is indented below an item belongs to it."""
    whole: list[str] = []
    for line in [*lines, ""]:
        item = _ITEM.fullmatch(line)
        if whole and line[:1].isspace() and line.strip() and not (item and len(item["indent"]) < _FEW):
            whole.append(line.strip())
            continue
        text = " ".join(whole)
        if PAPER_PAGE.search(text):
            yield _Item(title=text, whole=text)
        whole = [item["text"]] if item else []


def _is_list(lines: Sequence[str]) -> bool:
    """Tell whether most lines are items that link to papers, so that nothing stands between them."""
    full = [line for line in lines if line.strip() and not line[0].isspace() and not _HEADING.fullmatch(line)]
    full = [line for line in full if "](#" not in line]  # the table of contents
    items = sum(bool(_ITEM.fullmatch(line) and PAPER_PAGE.search(line)) for line in full)
    return items > _FEW and items >= _MOSTLY * len(full)


# Papers ---------------------------------------------------------------------------------------------------------------


def _record(item: _Item) -> PaperRecord:
    title, rest = _titled(item.title)
    if not any(map(str.isalpha, title)) or len(title) > _LONGEST_TITLE:
        raise entries.UntitledError("no title")
    blurb = blurbs.read([_words(part) for part in paragraphs("\n".join(item.body))])
    urls = _urls(item.whole)
    others = [url for url in urls if not _REPOSITORY.match(url)]
    names = next((names for found in _ITALIC.finditer(rest) if (names := blurbs.people(found["text"]))), ())
    record = entries.paper(
        title=title,
        abstract=blurb.abstract or item.abstract or _described(rest),
        authors=split_authors(item.authors) or blurb.authors or names,
        links=sorted(others, key=lambda url: not PAPER_PAGE.search(url)),
        published_at=entries.moment(item.date),
    )
    if not record.url and not record.abstract and not record.authors:
        raise entries.NoPaperError("nothing but a name")
    return replace(record, repository=next((url for url in urls if _REPOSITORY.match(url)), ""))


def _urls(text: str) -> list[str]:
    named = (link["url"] for link in _LINK.finditer(text))
    return list(dict.fromkeys(url for found in (*named, *_BARE_URL.findall(text)) if (url := http_url(found))))


def _titled(text: str) -> tuple[str, str]:
    """Part Markdown into the title and what follows: bold words, a link's, or those before the first link."""
    before = _BEFORE_TITLE.match(text)
    text = text[before.end() :] if before else text
    bold = _BOLD.match(text)
    inner = _LINK.match(bold["text"] if bold else text)
    if bold:
        return _words(inner["text"] if inner else bold["text"]), _behind(text[bold.end() :])
    if inner and not _BUTTON.fullmatch(_words(inner["text"])):
        return _words(inner["text"]), _behind(text[inner.end() :])
    link = re.search(r"\[|https?://|<br|\s[*_]", text)
    head, rest = (text[: link.start()], text[link.start() :]) if link else (text, "")
    end = _SENTENCE_END.search(head)
    title, more = (head[: end.start()], head[end.end() :]) if end else (head, "")
    return _words(title).strip(" -\u2013:,;.("), f"{more} {rest}"


def _described(rest: str) -> str:
    """Give what a list says of a paper, where it is more than names, a venue and buttons."""
    words = _words(_EMPTY.sub("", _LINK.sub(_unless_button, rest)))
    return words if len(words) >= _SHORTEST_ABSTRACT else ""


def _behind(text: str) -> str:
    dash = _AFTER_TITLE.match(text)
    return text[dash.end() :] if dash else text


def _unless_button(link: re.Match[str]) -> str:
    return "" if _BUTTON.fullmatch(_words(link["text"]).strip("[]")) else link["text"]


def _words(text: str) -> str:
    """Give Markdown's words: of links their text, and no marks."""
    text = " ".join(paragraphs(_LINK.sub(lambda link: link["text"], text)))
    return plain(_MARKS.sub("", text)).strip(" |")
