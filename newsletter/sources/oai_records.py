"""Records of OAI-PMH as papers: Dublin Core (`oai_dc`, any repository) and arXiv's own `arXiv` and `arXivRaw`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

from newsletter import identity
from newsletter.model import Announce, PaperRecord
from newsletter.sources import arxiv_taxonomy
from newsletter.sources.entries import UntitledError
from newsletter.sources.moments import moment
from newsletter.sources.text import from_html, http_url, plain, split_authors

_ARXIV = "oai:arxiv.org:"
_COMMENT = "comment:"
_LONGEST_SUBJECT = 100
# A datestamp is that of the latest change, be it only a journal reference. What was submitted long before it is no
# news; how long arXiv's moderators may hold a paper decides what is long.
_LONGEST_HOLD = timedelta(days=60)
_SOON_REVISED = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Header:
    """What stands above a record: its name, and when it last changed."""

    identifier: str
    changed_at: datetime | None


@dataclass(slots=True)
class _Found:
    """What one format says about a paper, before it is made plain and safe. `dates` are those of the versions."""

    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    names: list[str]
    dates: list[str]


def record(header: Header, metadata: Element) -> PaperRecord:
    """Give the paper that `metadata` (`dc`, `arXiv` or `arXivRaw`) describes, its LaTeX as it is.

    Raises ValueError for metadata in another format, or without a title.
    """
    read = _FORMATS.get(metadata.tag)
    if read is None:
        raise ValueError(f"metadata in the format {metadata.tag[:40]!r}")
    found = read(metadata, header)
    if not found.title:
        raise UntitledError("no title")
    names = [header.identifier, *found.names]
    arxiv_id = next((number for name in names if (number := identity.arxiv_id(name))), "")
    doi = next((doi for name in names if (doi := identity.doi(name))), "")
    links = (http_url(name) for name in found.names)
    resolver = http_url(f"https://doi.org/{doi}") if doi else ""
    dates = [date for text in found.dates if (date := moment(text))]
    return PaperRecord(
        title=found.title,
        abstract=found.abstract,
        authors=tuple(dict.fromkeys(filter(None, found.authors))),
        url=f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else next(filter(None, links), resolver),
        arxiv_id=arxiv_id,
        doi=doi,
        categories=tuple(dict.fromkeys(found.categories)),
        published_at=min(dates, default=None),
        announce=_announce(dates, header.changed_at),
    )


def _announce(dates: list[datetime], changed_at: datetime | None) -> Announce:
    if not dates or changed_at is None:
        return Announce.NEW
    long = _SOON_REVISED if len(set(dates)) > 1 else _LONGEST_HOLD
    return Announce.REPLACE if changed_at - min(dates) > long else Announce.NEW


# The formats ---------------------------------------------------------------------------------------------------------


def _dublin_core(metadata: Element, header: Header) -> _Found:
    arxiv = header.identifier.lower().startswith(_ARXIV)
    # arXiv writes plain text, in which "<p>" is an average; publishers write HTML.
    words = plain if arxiv else from_html
    descriptions = [words(text) for text in _texts(metadata, "description")]
    # Behind the abstract arXiv puts "Comment: 12 pages"; elsewhere there may be notes, which are shorter.
    abstracts = [text for text in descriptions if not text.lower().startswith(_COMMENT)] or descriptions
    subjects = [_subject(text, arxiv=arxiv) for text in _texts(metadata, "subject")]
    return _Found(
        title=words(_first(metadata, "title")),
        abstract=max(abstracts, key=len, default="") if not arxiv else next(iter(abstracts), ""),
        authors=tuple(_spoken(name) for name in _texts(metadata, "creator")),
        categories=tuple(filter(None, subjects)),
        names=_texts(metadata, "identifier"),
        dates=_texts(metadata, "date"),
    )


def _subject(text: str, *, arxiv: bool) -> str:
    """Give the category that arXiv calls `text`; a word of another repository as it is. MSC and ACM codes are none."""
    if found := arxiv_taxonomy.category(text):
        return found
    return "" if arxiv or len(text) > _LONGEST_SUBJECT else text


def _arxiv(metadata: Element, _: Header) -> _Found:
    people = metadata.iterfind("authors/author")
    return _Found(
        title=_first(metadata, "title"),
        abstract=_first(metadata, "abstract"),
        authors=tuple(_name(_first(each, part) for part in ("forenames", "keyname", "suffix")) for each in people),
        categories=tuple(_first(metadata, "categories").split()),
        names=[_first(metadata, "id"), _first(metadata, "doi")],
        dates=[_first(metadata, "created"), _first(metadata, "updated")],
    )


def _arxiv_raw(metadata: Element, _: Header) -> _Found:
    return _Found(
        title=_first(metadata, "title"),
        abstract=_first(metadata, "abstract"),
        authors=split_authors(_first(metadata, "authors")),
        categories=tuple(_first(metadata, "categories").split()),
        names=[_first(metadata, "id"), _first(metadata, "doi")],
        dates=[_first(version, "date") for version in metadata.iterfind("version")],
    )


_FORMATS: dict[str, Callable[[Element, Header], _Found]] = {
    "dc": _dublin_core,
    "arXiv": _arxiv,
    "arXivRaw": _arxiv_raw,
}


def _texts(parent: Element, name: str) -> list[str]:
    """Give the texts of all children called `name` that have one."""
    return [text for child in parent.iterfind(name) if (text := plain("".join(child.itertext())))]


def _first(parent: Element, name: str) -> str:
    return next(iter(_texts(parent, name)), "")


def _spoken(name: str) -> str:
    """Give "Lovelace, Ada B." and "Lovelace, Ada B., Jr." in the order of speech; "CMS Collaboration" as it is."""
    family, *others = (part.strip() for part in name.split(","))
    return _name([*others[:1], family, *others[1:]])


def _name(parts: Iterable[str]) -> str:
    return plain(" ".join(parts))
