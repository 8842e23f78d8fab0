"""What everybody may see: the issues that came out, and their papers."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa

from newsletter.model import IssueState, Paper, Window
from newsletter.store.engine import Database
from newsletter.store.papers import IS_NEWS, inside, paper_of, with_announcements
from newsletter.store.schema import issues, papers

_CAME_OUT = issues.c.state != IssueState.DRAFT.value


class Archive:
    """Reads only. What nobody announced (it stands in somebody's library) is never among it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self, limit: int, *, skip: int = 0) -> list[date]:
        """Give the days on which an issue came out, newest first."""
        query = sa.select(issues.c.day).where(_CAME_OUT).distinct().order_by(issues.c.day.desc())
        with self._database.reading() as connection:
            return list(connection.scalars(query.limit(limit).offset(skip)))

    def beside(self, day: date) -> tuple[date | None, date | None]:
        """Give the day before and the day after one on which issues came out, None where there is none."""
        earlier = sa.select(sa.func.max(issues.c.day)).where(_CAME_OUT, issues.c.day < day)
        later = sa.select(sa.func.min(issues.c.day)).where(_CAME_OUT, issues.c.day > day)
        with self._database.reading() as connection:
            return connection.scalar(earlier), connection.scalar(later)

    def papers(self, window: Window, limit: int, *, skip: int = 0) -> list[Paper]:
        """Give the papers of an issue: those with most votes first, then in the order they were announced."""
        query = sa.select(papers).where(IS_NEWS, *inside(window))
        query = query.order_by(papers.c.upvotes.desc().nulls_last(), papers.c.first_seen_at, papers.c.key)
        with self._database.reading() as connection:
            return with_announcements(connection, connection.execute(query.limit(limit).offset(skip)).all())

    def texts(self, above: int, limit: int) -> list[Paper]:
        """Give papers whose keys are above one, in the order of their keys, without announcements."""
        query = sa.select(papers).where(IS_NEWS, papers.c.key > above).order_by(papers.c.key).limit(limit)
        with self._database.reading() as connection:
            return [paper_of(row, ()) for row in connection.execute(query)]

    def newest(self, limit: int, *, below: int) -> list[Paper]:
        """Give papers whose keys are below one, the newest first, without announcements."""
        query = sa.select(papers).where(IS_NEWS, papers.c.key < below).order_by(papers.c.key.desc()).limit(limit)
        with self._database.reading() as connection:
            return [paper_of(row, ()) for row in connection.execute(query)]

    def modified(self, limit: int, *, skip: int = 0) -> list[tuple[str, datetime]]:
        """Give the ids of papers and when they were first seen, newest first: what a site map lists."""
        query = sa.select(papers.c.id, papers.c.first_seen_at).where(IS_NEWS).order_by(papers.c.key.desc())
        with self._database.reading() as connection:
            return [(row.id, row.first_seen_at) for row in connection.execute(query.limit(limit).offset(skip))]
