"""Making one paper of what several records say about it. No database here: a `Draft` is what will be written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from newsletter import identity
from newsletter.model import Paper, PaperRecord

_COLUMNS = ("id", "title", "abstract", "authors", "categories", "url", "arxiv_id", "doi", "published_at", "upvotes",
            "repository", "project_page", "thumbnail")  # fmt: skip
_CUT = ("…", "...")


@dataclass(eq=False)
class Draft:
    """A paper while it is put together.

    `key` is 0 until it is stored; `new_names` are those not stored yet. `fresh`: it is news now, and was not before.
    `absorbed` are the stored papers that turned out to be this one.
    """

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    url: str
    arxiv_id: str
    doi: str
    published_at: datetime | None
    upvotes: int | None
    repository: str
    project_page: str
    thumbnail: str
    key: int = 0
    announced: bool = False
    fresh: bool = False
    absorbed: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    new_names: set[str] = field(default_factory=set)
    changed: bool = False

    @classmethod
    def of(cls, paper: Paper, names: Collection[str]) -> Self:
        """Take up a stored paper."""
        values = {name: getattr(paper, name) for name in _COLUMNS}
        return cls(**values, key=paper.key, announced=paper.announced, names=set(names))

    def row(self) -> dict[str, Any]:
        """Give the columns to write."""
        values: dict[str, Any] = {name: getattr(self, name) for name in (*_COLUMNS, "announced")}
        return {**values, "authors": list(self.authors), "categories": list(self.categories)}

    def announce(self) -> None:
        """Make it news, if it was not before."""
        if not self.announced:
            self.announced = self.fresh = self.changed = True


def known_as(record: PaperRecord) -> tuple[str, ...]:
    """Give every name by which a record's paper is found again, strongest first.

    A record without an arXiv id is known by all that it says, too: what it is matched by otherwise (a title that
    nothing contradicts) depends on what else is known, and the same record must always be the same paper.
    """
    names = identity.names(record)
    return names if record.arxiv_id or not names else (f"said:{_fingerprint(record)}", *names)


def _fingerprint(record: PaperRecord) -> str:
    # The title's own fingerprint goes in first, so that this one is never that of a bare title.
    own = identity.title_fingerprint(record.title)
    return identity.title_fingerprint(" ".join((own, record.doi, record.title, *record.authors, record.abstract)))


def new_draft(record: PaperRecord, *, taken: Collection[str]) -> Draft:
    """Start a paper from its first record. `taken` are the names of other papers: an id is never given twice."""
    best = identity.names(record)[0]
    own = best if best not in taken else f"title:{_fingerprint(record)}"  # another work of the same title
    values = {name: getattr(record, name) for name in _COLUMNS if name != "id"}
    return Draft(id=own, names={own, *known_as(record)}, **values)


def merged(draft: Draft, record: PaperRecord) -> None:
    """Take from a record what it says better, field by field: the longer text, the longer list, the earlier date.

    Repeating a record changes nothing, and the outcome does not depend on how often each was seen.
    """
    before = draft.row()
    _take(draft, record)
    best = identity.names(draft)[0]
    if not best.startswith("title:"):
        draft.id = best
    _also_called(draft, known_as(record))
    draft.changed = draft.changed or draft.row() != before


def united(draft: Draft, other: Draft) -> None:
    """Make one of two papers that a record showed to be the same: `draft`, which takes over all that `other` says."""
    old_news = any(one.announced and not one.fresh for one in (draft, other))
    _take(draft, other)
    _also_called(draft, other.names)
    draft.announced = draft.announced or other.announced
    draft.fresh = draft.announced and not old_news
    draft.absorbed += [*other.absorbed, *([other.key] if other.key else [])]
    draft.changed = True


def _also_called(draft: Draft, names: Collection[str]) -> None:
    draft.new_names |= set(names) - draft.names
    draft.names |= draft.new_names


def _take(draft: Draft, record: PaperRecord | Draft) -> None:
    draft.title = max(draft.title, record.title, key=_whole)  # of two that are whole, the first
    draft.abstract = max(draft.abstract, record.abstract, key=lambda text: (_whole(text), len(text)))
    draft.authors = max(draft.authors, record.authors, key=_spelt_out)
    draft.categories += tuple(name for name in record.categories if name not in draft.categories)
    if record.arxiv_id and not draft.arxiv_id:
        draft.arxiv_id, draft.url = record.arxiv_id, record.url or draft.url
    draft.url = draft.url or record.url
    draft.doi = draft.doi or record.doi
    draft.repository = draft.repository or record.repository
    draft.project_page = draft.project_page or record.project_page
    draft.thumbnail = draft.thumbnail or record.thumbnail
    draft.published_at = min(filter(None, (draft.published_at, record.published_at)), default=None)
    draft.upvotes = max((n for n in (draft.upvotes, record.upvotes) if n is not None), default=None)


def _whole(text: str) -> int:
    """Tell how far a text can be trusted to be all there is: 0 for none, 1 for one that was cut ("… of the …")."""
    return 0 if not text else 1 if text.endswith(_CUT) else 2


def _spelt_out(authors: tuple[str, ...]) -> tuple[int, int]:
    """Tell how much a list of authors says: how many they are, and then whether they are "Ada Lovelace" or "A L"."""
    return len(authors), sum(map(len, authors))
