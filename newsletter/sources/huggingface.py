"""The daily papers of Hugging Face as JSON: `GET https://huggingface.co/api/daily_papers?date=YYYY-MM-DD`.

A list of `{"paper": {…}, …}`. Archives of it also hold entries as Python literals in strings, and wrap the list as
`{"status", "date", "count", "data": […]}`; both are read.
"""

from __future__ import annotations

import ast
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from newsletter import identity
from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import json_format
from newsletter.sources.latex import readable
from newsletter.sources.text import http_url, plain

TITLE = "Hugging Face Daily Papers"
NEEDS = (
    'a JSON list of {"paper": {"id", "title", "summary", …}} objects, as https://huggingface.co/api/daily_papers gives'
)

# An entry of the archives takes 10 KB; literal_eval builds a syntax tree 50 times as large as its source.
_LONGEST_LITERAL = 1_000_000
_SAMPLE = 3

_log = logging.getLogger(__name__)


def parse(data: bytes, *, where: str) -> Digest:
    """Read daily papers from JSON; an empty list is a day without papers.

    Entries that are no papers are left out with a warning in the log. Raises NotADigestError when `data` is not JSON,
    is JSON of another form, or holds entries of which none is a paper.
    """
    hint = f'{NEEDS}; for a copied page set kind = "digest", for RSS or Atom kind = "feed"'
    document = json_format.load(data, where=where, name="the daily papers JSON of Hugging Face", needs=hint)
    entries = _entries(document, where)
    records: list[PaperRecord] = []
    days: Counter[date] = Counter()
    wrong: list[str] = []
    for number, entry in enumerate(entries, start=1):
        try:
            paper, outer = _paper(entry)
            records.append(_record(paper, outer))
        except ValueError as error:
            wrong.append(f"entry {number}: {error}")
            continue
        if put_on := _put_on(paper, outer):
            days[put_on.date()] += 1
    _tell(wrong, good=len(records), where=where)
    return Digest(title=TITLE, records=tuple(records), day=_day(days, document))


def _entries(document: Any, where: str) -> list[Any]:
    if isinstance(document, dict):
        document = next((document[key] for key in ("data", "papers") if key in document), document)
    if isinstance(document, list):
        return document
    said = document.get("error") or document.get("message") if isinstance(document, dict) else None
    what = f"an answer that says: {plain(str(said))[:200]}" if said else "JSON of another form"
    raise NotADigestError(f"{where} is {what}", hint=f"needed is {NEEDS}")


def _paper(entry: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Give the paper, and the object around it, which repeats some of its fields and adds others."""
    if isinstance(entry, str):
        entry = _literal(entry)
    if not isinstance(entry, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  one kind of error for all that is wrong with an entry
    paper = entry.get("paper", entry)
    if not isinstance(paper, dict):
        raise ValueError('"paper" is no JSON object')  # noqa: TRY004
    return paper, entry


def _literal(text: str) -> Any:
    if len(text) > _LONGEST_LITERAL:
        raise ValueError(f"a Python literal of {len(text):,} characters")
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("a string that is no Python literal") from error


def _record(paper: Mapping[str, Any], outer: Mapping[str, Any]) -> PaperRecord:
    title = readable(_text(paper, "title") or _text(outer, "title"))
    if not title:
        raise ValueError("no title")
    name = _text(paper, "id")
    arxiv_id = identity.arxiv_id(name)
    return PaperRecord(
        title=title,
        abstract=readable(_text(paper, "summary") or _text(outer, "summary")),
        authors=_authors(paper.get("authors")),
        url=f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else _page(name),
        arxiv_id=arxiv_id,
        published_at=_moment(paper.get("publishedAt") or outer.get("publishedAt")),
        upvotes=_count(paper.get("upvotes")),
        repository=http_url(_text(paper, "githubRepo")),
        project_page=http_url(_text(paper, "projectPage")),
        thumbnail=http_url(_text(outer, "thumbnail") or _text(paper, "thumbnail")),
    )


def _text(source: Mapping[str, Any], key: str) -> str:
    value = source.get(key)
    return plain(value) if isinstance(value, str) else ""


def _page(name: str) -> str:
    return http_url(f"https://huggingface.co/papers/{name}") if name else ""


def _authors(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    names = (author.get("name") if isinstance(author, dict) else author for author in value)
    return tuple(dict.fromkeys(name for text in names if isinstance(text, str) and (name := readable(plain(text)))))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # a year so near the calendar's end that UTC is beyond it
        return None


def _put_on(paper: Mapping[str, Any], outer: Mapping[str, Any]) -> datetime | None:
    """Give the moment a paper was put on the daily page; archives of 2024 have it as the outer "publishedAt"."""
    said = paper.get("submittedOnDailyAt")
    if said is None and outer is not paper and outer.get("publishedAt") != paper.get("publishedAt"):
        said = outer.get("publishedAt")
    return _moment(said)


def _day(days: Mapping[date, int], document: Any) -> date | None:
    """Give the day most papers were put on; of two, the later. An archive without such dates names its day itself."""
    if days:
        return max(days, key=lambda day: (days[day], day))
    said = _moment(document.get("date")) if isinstance(document, dict) else None
    return said.date() if said else None


def _tell(wrong: Iterable[str], *, good: int, where: str) -> None:
    wrong = list(wrong)
    if not wrong:
        return
    listed = "; ".join(wrong[:_SAMPLE]) + (f"; and {len(wrong) - _SAMPLE} more" if len(wrong) > _SAMPLE else "")
    if not good:
        raise NotADigestError(f"{where} holds no paper ({listed})", hint=f"needed is {NEEDS}")
    _log.warning(
        "%s: %d of %d entries are no papers and were left out (%s)", where, len(wrong), len(wrong) + good, listed
    )
