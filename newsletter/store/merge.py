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


@dataclass(eq=False)
class Draft:
    """A paper while it is put together. `key` is 0 until it is stored; `new_names` are those not stored yet."""

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
    names: set[str] = field(default_factory=set)
    new_names: set[str] = field(default_factory=set)
    changed: bool = False

    @classmethod
    def of(cls, paper: Paper, names: Collection[str]) -> Self:
        """Take up a stored paper."""
        return cls(**{name: getattr(paper, name) for name in _COLUMNS}, key=paper.key, names=set(names))

    def row(self) -> dict[str, Any]:
        """Give the columns to write."""
        values: dict[str, Any] = {name: getattr(self, name) for name in _COLUMNS}
        return {**values, "authors": list(self.authors), "categories": list(self.categories)}


def new_draft(record: PaperRecord, *, taken: Collection[str]) -> Draft:
    """Start a paper from its first record. `taken` are the names of other papers: an id is never given twice."""
    names = identity.names(record)
    values = {name: getattr(record, name) for name in _COLUMNS if name != "id"}
    return Draft(id=_free_id(names[0], taken, record), names=set(names), **values)


def _free_id(name: str, taken: Collection[str], record: PaperRecord) -> str:
    """Give `name`, or for another work of the same title a fingerprint of title, authors and abstract."""
    if name not in taken:
        return name
    distinct = identity.title_fingerprint(" ".join((record.title, *record.authors, record.abstract)))
    return f"title:{distinct}"


def merged(draft: Draft, record: PaperRecord) -> None:
    """Take from a record what it says better, field by field: the longer text, the longer list, the earlier date.

    Repeating a record changes nothing, and the outcome does not depend on how often each was seen.
    """
    before = draft.row()
    draft.title = draft.title or record.title
    draft.abstract = max(draft.abstract, record.abstract, key=len)
    draft.authors = max(draft.authors, record.authors, key=len)
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
    best = identity.names(draft)[0]
    if not best.startswith("title:"):
        draft.id = best
    draft.new_names |= set(identity.names(record)) - draft.names
    draft.names |= draft.new_names
    draft.changed = draft.changed or draft.row() != before
