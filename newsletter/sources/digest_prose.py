"""Text that is no digest, however willingly it lets itself be cut into titles and paragraphs: letters, code, tables."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from statistics import median

_SAMPLE_LINES = 200
_ROWS = 50
_MOSTLY = 0.9
_CODE_SHARE = 0.3
_FEW_ROWS = 3

_CODE = re.compile(
    r"\s*(?:#include\b|import\s+[\w.{*]|from\s+[\w.]+\s+import\b|(?:async\s+)?def\s+\w+\s*\(|class\s+\w+\s*[:({]|@\w+"
    r"|(?:pub\s+)?fn\s+\w+|func\s+\w+|function\b.*\(|(?:const|let|var)\s+\w+\s*=|(?:public|private|static|void|int)\s+\w+"
    r"|return\b.*|self\.\w+|el(?:se|if)\b.*:|try:|except\b.*:|//|/\*|\*/|<\?php|[})\]]+[;,]?$|[\w.\[\]\"']+\s*[-+]?=\s*\S+"
    r"|\$\s?\w+)|.*[;{}]\s*$|.*\w\(.*\)\s*:?\s*$"
)
_BIBTEX = re.compile(r"\s*@\w+\s*\{", re.MULTILINE)
_RIS = re.compile(r"^(?:TY  - |PT [A-Z]\s*$|FN .*\n(?:VR|PT) )", re.MULTILINE)
_LISTING = re.compile(r"^\\\\\s*\n\s*arXiv:", re.MULTILINE)
_GREETING = re.compile(
    r"(?:dear|hi|hello|hey|greetings|good (?:morning|afternoon|evening))\b.{0,60}[,!:]?"
    r"|(?:yours|sincerely|best|kind|warm|many|with) ?(?:regards|wishes|truly|sincerely|faithfully|thanks|love)?.{0,20},"
    r"|(?:cheers|thanks|thank you|love|sincerely|regards)[,!.]?",
    re.IGNORECASE,
)
# Titles begin with a letter, a digit, a quotation mark or a formula, and are seldom shouted.
_ODD_TITLE = re.compile(r"[|(\[{<>*#+=~/%&@;:.,!?-]|[^a-z]{20,}$")
_ONE_WORD = re.compile(r"[^\W\d_][^\WA-Z\d_]*|\d+")  # "Introduction", not "DINOv3"
_ITEM = re.compile(r"[-*+•▪|>]\s?|\(?(?:\d{1,2}|[a-z])[.)]\s|```|~~~")
_FEW_PARAGRAPHS = 3
_SHORTEST_ABSTRACT = 80


def other_format(text: str) -> str:
    """Say which other kind of text this is ("program source", "a table"); '' where it may be a digest."""
    lines = [line for line in text.splitlines()[:_SAMPLE_LINES] if line.strip()]
    if not lines:
        return "empty"
    code = sum(bool(_CODE.match(line)) for line in lines) >= _CODE_SHARE * len(lines)
    kinds = (
        (_BIBTEX.match(text), "a BibTeX bibliography"),
        (_RIS.search(text), "a bibliography (RIS)"),
        (_LISTING.search(text), "an arXiv listing mail"),
        (code, "program source"),
        (_is_table(lines[:_ROWS]), "a table (CSV)"),
    )
    return next((kind for found, kind in kinds if found), "")


def _is_table(lines: Sequence[str]) -> bool:
    if len(lines) < _FEW_ROWS:
        return False
    for delimiter in ",\t;|":
        try:
            sizes = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if len(sizes) >= _FEW_ROWS and sizes[0] > 1 and sizes.count(sizes[0]) >= _MOSTLY * len(sizes):
            return True
    return False


def doubt(papers: Sequence[tuple[str, Sequence[str]]], preface: Sequence[str], *, bannered: bool) -> str:
    """Say why these titles with their paragraphs are no digest; '' where they are one.

    The banner of the Hugging Face page settles it. Without, titles must look like titles and have abstracts.
    """
    if not papers:
        return "it has the page's banner, but no papers" if bannered else "it has no titles"
    if bannered:
        return ""
    whole = [paragraphs for _, paragraphs in papers if paragraphs]
    titles = [title for title, _ in papers]
    reasons = (
        (len(whole) * 2 < len(papers), "most of its headings have no text"),
        (any(_GREETING.fullmatch(title) for title in titles), "it is a letter"),
        (_share(titles, (".", ",", ";", ":")) > 1 / 3, "its short lines are sentences, not titles"),
        (sum(bool(_ODD_TITLE.match(title)) for title in titles) > len(titles) / 4, "its short lines are no titles"),
        (sum(bool(_ONE_WORD.fullmatch(title)) for title in titles) > len(titles) / 2, "its headings are single words"),
        (len(preface) > _FEW_PARAGRAPHS + len(papers), "most of it stands before the first title"),
        (_listed(paragraphs for _, paragraphs in papers), "its paragraphs are lists or tables"),
        (bool(whole) and median(map(len, whole)) > _FEW_PARAGRAPHS, "its sections are too long to be abstracts"),
        (
            bool(whole) and median(sum(map(len, paragraphs)) for paragraphs in whole) < _SHORTEST_ABSTRACT,
            "its paragraphs are too short to be abstracts",
        ),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _listed(sections: Iterable[Sequence[str]]) -> bool:
    """Tell whether a good part of the paragraphs begin as items of lists, rows of tables or quotations."""
    paragraphs = [paragraph for section in sections for paragraph in section]
    return sum(bool(_ITEM.match(paragraph)) for paragraph in paragraphs) > len(paragraphs) / 5


def _share(titles: Sequence[str], ends: tuple[str, ...]) -> float:
    return sum(title.endswith(ends) for title in titles) / len(titles)
