"""Papers: one row a work, whatever sources announced it, under every name it goes by."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from newsletter import identity
from newsletter.model import Announcement, Digest, Paper, PaperRecord, Window
from newsletter.store.absorb import absorb, absorbed
from newsletter.store.batches import SIZE, batches
from newsletter.store.bulk import among
from newsletter.store.engine import NEWS_LOCK, Database, insert_ignore, take_turns
from newsletter.store.merge import Draft, known_as, merged, new_draft, united
from newsletter.store.schema import announcements, issues, paper_names, papers

IS_NEWS = sa.and_(papers.c.announced, papers.c.same_as.is_(None))


@dataclass
class _Batch:
    """What is known while records are matched: drafts, drafts by name, and the one that each record is of (`named`).

    `doubtful` are records that bear the ids of two works which nothing else shows to be one.
    """

    drafts: list[Draft] = field(default_factory=list)
    by_name: dict[str, list[Draft]] = field(default_factory=dict)
    named: list[Draft] = field(default_factory=list)
    doubtful: list[PaperRecord] = field(default_factory=list)

    def know(self, draft: Draft) -> None:
        for name in draft.names:
            known = self.by_name.setdefault(name, [])
            if not any(other is draft for other in known):
                known.append(draft)

    def match(self, record: PaperRecord) -> Draft | None:
        """Find the work a record is of: by arXiv id, then by DOI, then by title where nothing contradicts it.

        Two works that were told apart until now become one where the record says so, by the id of either.
        """
        found: dict[int, tuple[Draft, str]] = {}
        for name in known_as(record):
            for draft in self.by_name.get(name, ()):
                if _may_be(record, draft, name):
                    found.setdefault(id(draft), (draft, name))
        if not found:
            return None
        (first, _), *rest = found.values()
        for other, name in rest:
            if name.startswith(("arxiv:", "doi:")):
                if identity.linked(first, other):
                    first = self._unite(first, other)
                else:
                    self.doubtful.append(record)
        return first

    def unite_more(self) -> None:
        """Look again at records with the ids of two works: what came after them may have shown them to be one.

        So the outcome does not depend on whether the same records come again.
        """
        before = -1
        while self.doubtful and len(self.drafts) != before:
            before = len(self.drafts)
            again, self.doubtful = self.doubtful, []
            for record in again:
                self.match(record)

    def _unite(self, one: Draft, other: Draft) -> Draft:
        """Make one of two drafts. The one that stays is stored, and was news, if either is and was."""
        kept, gone = sorted((one, other), key=lambda draft: (draft.key == 0, not draft.announced, draft.key))
        for name in gone.names:
            self.by_name[name].remove(gone)
        self.drafts.remove(gone)
        united(kept, gone)
        self.named = [kept if draft is gone else draft for draft in self.named]
        return kept


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
        """Keep a digest's papers as news and tell how many are new. Adding the same digest again changes nothing.

        `keep=False` tells the number, and keeps nothing.

        Records of one work (same arXiv id, DOI, or title where nothing contradicts it) become one paper, each field
        taken from the record that says most; every source is remembered.
        """
        new = 0
        # What is not kept is not there for the next batch to be compared with: then all is one batch.
        for records in batches(digest.records, SIZE if keep else max(1, len(digest.records))):
            with self._adding() as connection:
                batch = _matched(connection, records, news=True)
                _write(connection, batch.drafts, _first_seen(connection, now))
                _announce(connection, batch.named, digest, source, now)
                new += sum(draft.fresh for draft in batch.drafts)
                if not keep:
                    connection.get_transaction().rollback()  # type: ignore[union-attr]  # we are in one
        return new

    def keep(self, records: Sequence[PaperRecord], *, now: datetime) -> list[str]:
        """Keep the papers of a reader's library, which are nobody's news, and give their ids.

        Those that a source announces later become news then, for everybody else.
        """
        ids: dict[str, None] = {}
        for some in batches(records):
            with self._adding() as connection:
                batch = _matched(connection, some, news=False)
                _write(connection, batch.drafts, now)
                ids.update(dict.fromkeys(draft.id for draft in batch.named))
        return list(ids)

    @contextlib.contextmanager
    def _adding(self) -> Iterator[Connection]:
        with self._database.writing() as connection:
            take_turns(connection, NEWS_LOCK)
            yield connection

    def in_window(self, window: Window) -> list[Paper]:
        """Give the papers that became news in a window, in the order they were seen."""
        query = sa.select(papers).where(IS_NEWS, *inside(window)).order_by(papers.c.first_seen_at, papers.c.key)
        with self._database.reading() as connection:
            return with_announcements(connection, connection.execute(query).all())

    def recent(self, limit: int, *, before: datetime) -> list[Paper]:
        """Give the newest papers that were news before a time, newest first, without their announcements."""
        query = sa.select(papers).where(IS_NEWS, papers.c.first_seen_at < before)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(papers.c.first_seen_at.desc(), papers.c.key).limit(limit))
            return [paper_of(row, ()) for row in rows]

    def every(self) -> Iterator[list[Paper]]:
        """Give every paper, news or of a reader's library, newest first and without announcements, some at a time."""
        query, below = sa.select(papers).where(papers.c.same_as.is_(None)), sa.true()
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(below).order_by(papers.c.key.desc()).limit(SIZE)).all()
            if not rows:
                return
            yield [paper_of(row, ()) for row in rows]
            below = papers.c.key < rows[-1].key

    def by_key(self, keys: Iterable[int]) -> dict[int, Paper]:
        """Give papers by key, with their announcements. For one that turned out to be another, the other."""
        found: dict[int, Paper] = {}
        with self._database.reading() as connection:
            for some in batches(sorted(set(keys))):
                moved = absorbed(connection, some)
                stored = among(papers.c.key, {moved.get(key, key) for key in some})
                rows = connection.execute(sa.select(papers).where(stored)).all()
                there = {paper.key: paper for paper in with_announcements(connection, rows)}
                found |= {key: there[moved.get(key, key)] for key in some if moved.get(key, key) in there}
        return found

    def keys(self, names: Iterable[str]) -> dict[str, int]:
        """Give the keys of papers that are known, by any name they go by (`arxiv:…`, `doi:…`, `title:…`)."""
        with self._database.reading() as connection:
            return keys_of(connection, names)

    def named(self, names: Iterable[str]) -> dict[str, Paper]:
        """Give the papers that are known of some names, by these names."""
        keys = self.keys(names)
        found = self.by_key(keys.values())
        return {name: found[key] for name, key in keys.items() if key in found}

    def count(self, window: Window | None = None) -> int:
        """Tell how many papers were ever news, or became so in a window."""
        query = sa.select(sa.func.count()).select_from(papers).where(IS_NEWS)
        if window:
            query = query.where(*inside(window))
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def count_every(self) -> int:
        """Tell how many papers there are, with those of readers' libraries."""
        with self._database.reading() as connection:
            return connection.execute(
                sa.select(sa.func.count()).select_from(papers).where(papers.c.same_as.is_(None))
            ).scalar_one()


def inside(window: Window) -> tuple[sa.ColumnElement[bool], ...]:
    """Give what is so of the papers that were first seen in a window."""
    return papers.c.first_seen_at >= window.start, papers.c.first_seen_at < window.end


def keys_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Give papers' keys by name. A name that several go by is the one's whose id it is, else the oldest's."""
    found: dict[str, int] = {}
    # Strangers may ask by any name; PostgreSQL refuses a question that holds NUL, and no paper's name does.
    for some in batches({name for name in names if "\x00" not in name}):
        by_name = sa.select(paper_names).where(among(paper_names.c.name, some)).order_by(paper_names.c.paper_key.desc())
        found.update((row.name, row.paper_key) for row in connection.execute(by_name))
        by_id = sa.select(papers.c.id, papers.c.key).where(among(papers.c.id, some))
        found.update((row.id, row.key) for row in connection.execute(by_id))
    return found


def _first_seen(connection: Connection, now: datetime) -> datetime:
    """Give the time at which papers that are kept now became news.

    It is later than the windows of all issues that are open: else papers that were read before an issue was opened, and
    kept after it, would be in no issue at all.
    """
    closed = connection.execute(sa.select(issues.c.window_end).order_by(issues.c.window_end.desc()).limit(1)).scalar()
    return max(now, closed) if closed else now


def _matched(connection: Connection, records: Sequence[PaperRecord], *, news: bool) -> _Batch:
    batch = _known(connection, records)
    for record in records:
        if not identity.names(record):
            continue  # neither an id nor a letter in its title: nothing by which it could be shown or found again
        draft = batch.match(record)
        if draft is None:
            draft = new_draft(record, taken=batch.by_name)
            batch.drafts.append(draft)
        else:
            merged(draft, record)
        if news:
            draft.announce()
        batch.know(draft)
        batch.named.append(draft)
    batch.unite_more()
    return batch


def _announce(connection: Connection, drafts: Iterable[Draft], digest: Digest, source: str, now: datetime) -> None:
    rows = [
        {"paper_key": draft.key, "source": source, "title": digest.title, "day": digest.day, "seen_at": now}
        for draft in drafts
    ]
    if rows:
        connection.execute(insert_ignore(connection, announcements), rows)


def _known(connection: Connection, records: Sequence[PaperRecord]) -> _Batch:
    batch = _Batch()
    names = sorted({name for record in records for name in known_as(record)})
    keys: set[int] = set()
    for some in batches(names):
        keys.update(connection.scalars(sa.select(paper_names.c.paper_key).where(among(paper_names.c.name, some))))
    names_of: dict[int, set[str]] = {}
    for few in batches(sorted(keys)):
        for row in connection.execute(sa.select(paper_names).where(among(paper_names.c.paper_key, few))):
            names_of.setdefault(row.paper_key, set()).add(row.name)
        for row in connection.execute(sa.select(papers).where(among(papers.c.key, few)).order_by(papers.c.key)):
            draft = Draft.of(paper_of(row, ()), names_of[row.key])
            batch.drafts.append(draft)
            batch.know(draft)
    return batch


def _write(connection: Connection, drafts: Sequence[Draft], now: datetime) -> None:
    for draft in drafts:
        for gone in draft.absorbed:
            absorb(connection, gone, draft.key)
    new = [draft for draft in drafts if draft.key == 0]
    if new:
        rows = [{**draft.row(), "first_seen_at": now} for draft in new]
        statement = papers.insert().returning(papers.c.key, sort_by_parameter_order=True)
        for draft, key in zip(new, connection.scalars(statement, rows), strict=True):
            draft.key, draft.new_names = key, set(draft.names)
    changed = [draft for draft in drafts if draft.changed and draft not in new]
    for draft in changed:
        seen = {"first_seen_at": now} if draft.fresh else {}
        connection.execute(papers.update().where(papers.c.key == draft.key).values(**draft.row(), **seen))
    named = [{"name": name, "paper_key": draft.key} for draft in drafts for name in sorted(draft.new_names)]
    if named:
        connection.execute(insert_ignore(connection, paper_names), named)


def with_announcements(connection: Connection, rows: Sequence[Row[Any]]) -> list[Paper]:
    """Give the papers of some rows, with where they were announced."""
    found: dict[int, list[Announcement]] = {}
    for some in batches([row.key for row in rows]):
        query = sa.select(announcements).where(among(announcements.c.paper_key, some))
        for row in connection.execute(query.order_by(announcements.c.seen_at, announcements.c.source)):
            found.setdefault(row.paper_key, []).append(Announcement(row.source, row.title, row.day, row.seen_at))
    return [paper_of(row, tuple(found.get(row.key, ()))) for row in rows]


def paper_of(row: Row[Any], announced: tuple[Announcement, ...]) -> Paper:
    """Give the paper of a row."""
    values = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's documented access by name
    values["authors"] = tuple(values["authors"])
    values["categories"] = tuple(values["categories"])
    del values["same_as"]
    return Paper(**values, announcements=announced)
