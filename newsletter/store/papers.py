"""Papers: one row a work, whatever sources announced it, under every name it goes by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from newsletter import identity
from newsletter.model import Announcement, Digest, Paper, PaperRecord, Window
from newsletter.store.batches import SIZE, batches
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.merge import Draft, known_as, merged, new_draft
from newsletter.store.schema import announcements, paper_names, papers

_INGEST_LOCK = 7_364_001  # any number, ours alone: PostgreSQL's advisory locks are named by numbers


@dataclass
class _Batch:
    """What is known while the records of a digest are matched: drafts by key, and keys by name."""

    drafts: list[Draft] = field(default_factory=list)
    by_name: dict[str, list[Draft]] = field(default_factory=dict)

    def know(self, draft: Draft) -> None:
        for name in draft.names:
            known = self.by_name.setdefault(name, [])
            if not any(other is draft for other in known):
                known.append(draft)

    def match(self, record: PaperRecord) -> Draft | None:
        """Find the work a record is of: by arXiv id, then by DOI, then by title where nothing contradicts it."""
        for name in known_as(record):
            for draft in self.by_name.get(name, ()):
                if _may_be(record, draft, name):
                    return draft
        return None


def _may_be(record: PaperRecord, draft: Draft, name: str) -> bool:
    """Tell whether a record may be of a work that it shares a name with."""
    if name.startswith("doi:"):  # that of a whole volume stands with several papers; arXiv's numbers tell them apart
        return not (record.arxiv_id and draft.arxiv_id and record.arxiv_id != draft.arxiv_id)
    return not name.startswith("title:") or identity.same_work(record, draft)


class Papers:
    """Papers and where they were announced."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, digest: Digest, *, source: str, now: datetime, keep: bool = True) -> int:
        """Keep a digest's papers and tell how many are new. Adding the same digest again changes nothing.

        `keep=False` tells the number, and keeps nothing.

        Records of one work (same arXiv id, DOI, or title where nothing contradicts it) become one paper, each field
        taken from the record that says most; every source is remembered.
        """
        new = 0
        # What is not kept is not there for the next batch to be compared with: then all is one batch.
        for records in batches(digest.records, SIZE if keep else max(1, len(digest.records))):
            with self._database.writing() as connection:
                if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_INGEST_LOCK)))
                new += _add(connection, records, digest, source, now)
                if not keep:
                    connection.get_transaction().rollback()  # type: ignore[union-attr]  # we are in one
        return new

    def in_window(self, window: Window) -> list[Paper]:
        """Give the papers first seen in a window, in the order they were seen."""
        inside = papers.c.first_seen_at >= window.start, papers.c.first_seen_at < window.end
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(papers).where(*inside).order_by(papers.c.key)).all()
            return _with_announcements(connection, rows)

    def recent(self, limit: int, *, before: datetime) -> list[Paper]:
        """Give the newest papers first seen before a time, newest first, without their announcements."""
        query = sa.select(papers).where(papers.c.first_seen_at < before)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(papers.c.first_seen_at.desc(), papers.c.key).limit(limit))
            return [_paper(row, ()) for row in rows]

    def by_key(self, keys: Iterable[int]) -> dict[int, Paper]:
        """Give papers by key, with their announcements."""
        found: dict[int, Paper] = {}
        with self._database.reading() as connection:
            for some in batches(sorted(set(keys))):
                rows = connection.execute(sa.select(papers).where(papers.c.key.in_(some))).all()
                found.update((paper.key, paper) for paper in _with_announcements(connection, rows))
        return found

    def keys(self, names: Iterable[str]) -> dict[str, int]:
        """Give the keys of papers that are known, by any name they go by (`arxiv:…`, `doi:…`, `title:…`)."""
        with self._database.reading() as connection:
            return keys_of(connection, names)

    def count(self, window: Window | None = None) -> int:
        """Tell how many papers are kept, or how many were first seen in a window."""
        query = sa.select(sa.func.count()).select_from(papers)
        if window:
            query = query.where(papers.c.first_seen_at >= window.start, papers.c.first_seen_at < window.end)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()


def keys_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Give papers' keys by name. A name that several go by is the one's whose id it is, else the oldest's."""
    found: dict[str, int] = {}
    for some in batches(set(names)):
        by_name = sa.select(paper_names).where(paper_names.c.name.in_(some)).order_by(paper_names.c.paper_key.desc())
        found.update((row.name, row.paper_key) for row in connection.execute(by_name))
        by_id = sa.select(papers.c.id, papers.c.key).where(papers.c.id.in_(some))
        found.update((row.id, row.key) for row in connection.execute(by_id))
    return found


def _add(connection: Connection, records: Sequence[PaperRecord], digest: Digest, source: str, now: datetime) -> int:
    batch = _known(connection, records)
    announced: list[Draft] = []
    for record in records:
        if not identity.names(record):
            continue  # neither an id nor a letter in its title: nothing by which it could be shown or found again
        draft = batch.match(record)
        if draft is None:
            draft = new_draft(record, taken=batch.by_name)
            batch.drafts.append(draft)
        else:
            merged(draft, record)
        batch.know(draft)
        announced.append(draft)
    new = [draft for draft in batch.drafts if draft.key == 0]
    _write(connection, batch.drafts, new, now)
    rows = [
        {"paper_key": draft.key, "source": source, "title": digest.title, "day": digest.day, "seen_at": now}
        for draft in announced
    ]
    if rows:
        connection.execute(insert_ignore(connection, announcements), rows)
    return len(new)


def _known(connection: Connection, records: Sequence[PaperRecord]) -> _Batch:
    batch = _Batch()
    names = sorted({name for record in records for name in known_as(record)})
    keys: set[int] = set()
    for some in batches(names):
        keys.update(connection.scalars(sa.select(paper_names.c.paper_key).where(paper_names.c.name.in_(some))))
    names_of: dict[int, set[str]] = {}
    for few in batches(sorted(keys)):
        for row in connection.execute(sa.select(paper_names).where(paper_names.c.paper_key.in_(few))):
            names_of.setdefault(row.paper_key, set()).add(row.name)
        for row in connection.execute(sa.select(papers).where(papers.c.key.in_(few)).order_by(papers.c.key)):
            draft = Draft.of(_paper(row, ()), names_of[row.key])
            batch.drafts.append(draft)
            batch.know(draft)
    return batch


def _write(connection: Connection, drafts: Sequence[Draft], new: Sequence[Draft], now: datetime) -> None:
    if new:
        rows = [{**draft.row(), "first_seen_at": now} for draft in new]
        statement = papers.insert().returning(papers.c.key, sort_by_parameter_order=True)
        for draft, key in zip(new, connection.scalars(statement, rows), strict=True):
            draft.key, draft.new_names = key, set(draft.names)
    changed = [draft for draft in drafts if draft.changed and draft not in new]
    for draft in changed:
        connection.execute(papers.update().where(papers.c.key == draft.key).values(**draft.row()))
    named = [{"name": name, "paper_key": draft.key} for draft in drafts for name in sorted(draft.new_names)]
    if named:
        connection.execute(insert_ignore(connection, paper_names), named)


def _with_announcements(connection: Connection, rows: Sequence[Row[Any]]) -> list[Paper]:
    found: dict[int, list[Announcement]] = {}
    for some in batches([row.key for row in rows]):
        query = sa.select(announcements).where(announcements.c.paper_key.in_(some))
        for row in connection.execute(query.order_by(announcements.c.seen_at, announcements.c.source)):
            found.setdefault(row.paper_key, []).append(Announcement(row.source, row.title, row.day, row.seen_at))
    return [_paper(row, tuple(found.get(row.key, ()))) for row in rows]


def _paper(row: Row[Any], announced: tuple[Announcement, ...]) -> Paper:
    values = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's documented access by name
    values["authors"] = tuple(values["authors"])
    values["categories"] = tuple(values["categories"])
    return Paper(**values, announcements=announced)
