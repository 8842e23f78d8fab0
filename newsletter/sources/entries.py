"""What lists of references have in common: records from foreign fields, names, dates, and the loss of no good entry.

Used by the parsers of bibliographies, tables and JSON records. They hand over texts as the source has them; making
them plain, finding identifiers and choosing the link happen here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import PurePath
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from newsletter import identity
from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import blurbs, days, moments, titles
from newsletter.sources.latex import readable
from newsletter.sources.text import from_html, http_url, plain

# More papers than this in one document are an archive, not news; it bounds memory too.
MOST_PAPERS = 100_000
_LONGEST_TITLE = 2_000
_LONGEST_TEXT = 100_000
# Real author lists reach 3,303 names. An address that is cut here is longer than any that we print.
_MOST_AUTHORS = 10_000
_MOST_LINKS = 50
_LONGEST_FIELD = 2_100
_SAMPLE = 3
# What pylatexenc may cost one document, in its microseconds as measured: 80 a mark, 4 a character of a formula.
_MOST_MARKUP = 6_000_000

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# "2014", "2014-05", "2014/05/03", RIS's "2014//" and "2014/05/03/spring", BibLaTeX's "2014-05-03/2014-05-09".
_NUMBERS = re.compile(r"(\d{4})(?:[-/.](\d{0,2})(?:[-/.](\d{0,2})(?:/.*)?)?)?")
_MONTH_AND_YEAR = re.compile(r"([A-Za-z]{3,9})\.?,?\s+(\d{4})")
_YEAR = re.compile(r"[12]\d{3}")
_EARLIEST = 1000
_JATS = "<jats:"
_ESCAPED_TWICE = re.compile(r"&amp;(lt|gt|amp);")
_MATH_ML = re.compile(r"<(?:mml:)?math\b", re.IGNORECASE)
_TEX_MATH = re.compile(r"<(?:jats:)?tex-math\b", re.IGNORECASE)
_TEX_MATH_END = re.compile(r"</(?:jats:)?tex-math\s*>", re.IGNORECASE)

Entry = TypeVar("Entry")
_log = logging.getLogger(__name__)


class UntitledError(ValueError):
    """An entry is in order but has no title, so that nothing can be shown of it."""


class NoPaperError(UntitledError):
    """An entry is in order but announces something else than a paper: an erratum, a table of contents."""


def digest(
    entries: Iterable[Entry],
    make: Callable[[Entry], PaperRecord],
    *,
    where: str,
    title: str,
    needs: str,
    polish: Callable[[str], str] = readable,
) -> Digest:
    """Give the papers that `make` makes of `entries`, their texts freed of LaTeX by `polish`.

    An entry for which `make` raises ValueError is left out, with a warning in the log. Raises NotADigestError when
    none is a paper (but where all that are left out only lack a title or announce something else, the digest is
    empty), or more than MOST_PAPERS.
    """
    records: list[PaperRecord] = []
    wrong: list[str] = []
    lost = untitled = others = markup = 0
    for number, entry in enumerate(entries, start=1):
        if number > MOST_PAPERS:
            raise NotADigestError(
                f"{where} holds more than {MOST_PAPERS:,} entries", hint="split it into several files"
            )
        try:
            record = make(entry)
        except ValueError as error:
            lost += 1
            untitled += isinstance(error, UntitledError)
            others += isinstance(error, NoPaperError)
            wrong += [f"entry {number}: {error}"] if len(wrong) < _SAMPLE else []
            continue
        markup += sum(_cost(text) for text in (record.title, record.abstract, *record.authors))
        records.append(_polished(record, polish) if markup <= _MOST_MARKUP else record)
    if markup > _MOST_MARKUP:
        _log.warning("%s holds so much LaTeX that only the formulas of the first papers were made readable", where)
    listed = "; ".join(wrong) + (f"; and {lost - len(wrong)} more" if lost > len(wrong) else "")
    if lost > untitled and not records:
        raise NotADigestError(f"{where} holds no paper ({listed})", hint=f"needed is {needs}")
    if lost:
        level = logging.WARNING if lost > others else logging.INFO
        _log.log(level, "%s: %d of %d entries were left out (%s)", where, lost, lost + len(records), listed)
    return Digest(title=title or title_from(where), records=tuple(records))


def _cost(text: str) -> int:
    marks = text.count("$") + text.count("\\")
    return 80 * marks + 4 * sum(map(len, text.split("$")[1::2])) if marks else 0


def _polished(record: PaperRecord, polish: Callable[[str], str]) -> PaperRecord:
    return replace(
        record,
        title=plain(polish(record.title)) or record.title,
        abstract=plain(polish(record.abstract)),
        authors=tuple(dict.fromkeys(name for text in record.authors if (name := plain(polish(text))))),
    )


def paper(
    *,
    title: str,
    abstract: str = "",
    authors: Iterable[str] = (),
    links: Iterable[str] = (),
    arxiv: Iterable[str] = (),
    dois: Iterable[str] = (),
    categories: Iterable[str] = (),
    published_at: datetime | None = None,
) -> PaperRecord:
    """Give a record from the fields as the source has them: texts may be HTML; `arxiv` is what may be an arXiv id.

    Of `links` the first that is http(s) counts, but arXiv's page comes before all; an id in one is taken where none is
    given. Raises ValueError without a title.
    """
    words = titled(from_html(title[: 2 * _LONGEST_TITLE]))
    links = [link for text in _short(links) if (link := http_url(text))]
    dois = [*_short(dois), *links]  # many a publisher's address has the DOI in it
    number = _first(identity.arxiv_id, [*_short(arxiv), *links, *dois])
    doi = _first(identity.doi, dois)
    resolved = [f"https://doi.org/{doi}"] if doi else []
    names = (from_html(text[:_LONGEST_FIELD]) for text in islice(authors, _MOST_AUTHORS))
    return PaperRecord(
        title=words,
        abstract=blurbs.unlabelled(from_html(_once(without_tex(abstract[:_LONGEST_TEXT])))),
        authors=tuple(dict.fromkeys(filter(None, names))),
        url=f"https://arxiv.org/abs/{number}" if number else _first(http_url, [*links, *resolved]),
        arxiv_id=number,
        doi=doi,
        categories=tuple(dict.fromkeys(filter(None, _short(categories)))),
        published_at=published_at,
    )


def titled(words: str) -> str:
    """Give a title in plain words. Raises UntitledError where there is none, ValueError for one without end."""
    if not words:
        raise UntitledError("no title")
    if len(words) > _LONGEST_TITLE:
        raise ValueError(f"a title of more than {_LONGEST_TITLE:,} characters")
    return words


def news(record: PaperRecord) -> PaperRecord:
    """Give `record`. Raises NoPaperError where its title is that of an erratum or a part of the issue.

    On arXiv all are papers.
    """
    if titles.is_front_matter(record.title) and not record.arxiv_id:
        raise NoPaperError("no paper but an erratum or part of the issue")
    return record


def of_arxiv(texts: Iterable[str]) -> list[str]:
    """Give those of some texts that say themselves that they name a paper on arXiv, for `paper`.

    A number alone may be anything, a volume or a report.
    """
    return [text for text in texts if "arxiv" in text[:1000].lower()]


def _short(texts: Iterable[str]) -> list[str]:
    return [plain(text[:_LONGEST_FIELD]) for text in islice(texts, _MOST_LINKS)]


def _first(find: Callable[[str], str], texts: Iterable[str]) -> str:
    return next((found for text in texts if (found := find(text))), "")


def _once(text: str) -> str:
    """Give Crossref's JATS without its second escaping: publishers send "p &amp;lt; 0.05"."""
    return _ESCAPED_TWICE.sub(r"&\1;", text) if _JATS in text else text


def without_tex(text: str) -> str:
    """Drop <tex-math> where MathML says the same: Springer's TeX is a whole document with its preamble."""
    if not _MATH_ML.search(text):
        return text
    first, *others = _TEX_MATH.split(text)
    ends = ((piece, _TEX_MATH_END.search(piece)) for piece in others)
    return first + "".join(piece[end.end() :] for piece, end in ends if end) if others else text


def title_from(where: str) -> str:
    """Give what a reader is shown as the place: the file's name without its ending, of an address else the host."""
    parts = urlsplit(where) if re.match(r"https?://[\w.-]+(?=[/:?#]|$)", where) else None
    name = plain(PurePath(unquote(parts.path) if parts else where).stem)
    return name or (parts.netloc if parts else "") or plain(where)


def spoken(name: str) -> str:
    """Give "Lovelace, Ada, III" in the order of speech; any other name as it is."""
    parts = [part.strip() for part in name.split(",")]
    if len(parts) not in (2, 3) or not all(parts[:2]):
        return name.strip(" ,")
    family, given, *suffix = parts
    return " ".join(filter(None, (given, family, *suffix)))


def people(value: Any) -> list[str]:
    """Give the names in a list as CSL and Crossref write it: strings, or objects with given and family names."""
    if not isinstance(value, list):
        return []
    return [name for person in value if (name := _person(person))]


_SPOKEN = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix", "firstName", "lastName")


def _person(value: Any) -> str:
    if isinstance(value, str):
        return spoken(value)
    if not isinstance(value, Mapping):
        return ""
    whole = " ".join(part for key in _SPOKEN if (part := text_of(value, key)))
    return whole or text_of(value, "literal") or text_of(value, "name")


def text_of(source: Mapping[str, Any], key: str) -> str:
    """Give the text under `key`; '' where there is none or something else."""
    value = source.get(key)
    return value if isinstance(value, str) else ""


def on(year: Any, month: Any = None, day: Any = None) -> datetime | None:
    """Give midnight UTC of a day, of the first of a month or of a year; None where that is no date.

    The parts may be numbers or texts; a month may be a name ("aug", "August").
    """
    parts = (_number(year), _month(month) or 1, _number(day) or 1)
    if parts[0] is None or parts[0] < _EARLIEST:
        return None
    try:
        return datetime(parts[0], parts[1], parts[2], tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime(parts[0], 1, 1, tzinfo=UTC) if parts[0] <= date.max.year else None


def moment(value: Any) -> datetime | None:
    """Give the moment that a text or a number is: an ISO date or time, a year, "2014//", "June 2014", "8 June 2014"."""
    if isinstance(value, int) and not isinstance(value, bool):
        return on(value)
    if not isinstance(value, str) or len(value) > 100:
        return None
    value = plain(value)
    if numbers := _NUMBERS.fullmatch(value):
        return on(*numbers.groups())
    if words := _MONTH_AND_YEAR.fullmatch(value):
        return on(words[2], words[1]) if _month(words[1]) else None
    if not _YEAR.search(value):  # it would be guessed
        return None
    named = days.day_of(value, today=date.max)
    return on(named.year, named.month, named.day) if named else moments.moment(value)


def _number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,4}\s*", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10_000 else None


def _month(value: Any) -> int | None:
    name = value.strip()[:3].lower() if isinstance(value, str) else ""
    return _MONTHS.index(name) + 1 if name in _MONTHS else _number(value)
