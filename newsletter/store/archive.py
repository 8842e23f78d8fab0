"""What everybody may see: the issues that came out, their papers, and papers by their words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from newsletter.model import IssueState, Paper, Window
from newsletter.store.engine import Database
from newsletter.store.papers import IS_NEWS, inside, with_announcements
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

    def papers(self, window: Window, limit: int, *, skip: int = 0) -> list[Paper]:
        """Give the papers of an issue: those with most votes first, then in the order they were announced."""
        query = sa.select(papers).where(IS_NEWS, *inside(window))
        query = query.order_by(papers.c.upvotes.desc().nulls_last(), papers.c.first_seen_at, papers.c.key)
        with self._database.reading() as connection:
            return with_announcements(connection, connection.execute(query.limit(limit).offset(skip)).all())

    def search(self, words: Sequence[str], limit: int, *, skip: int = 0) -> list[Paper]:
        """Give the papers that have all words in title, abstract or authors: those with most in the title first."""
        titled = [papers.c.title.icontains(word, autoescape=True) for word in words]
        hits = [
            sa.or_(in_title, papers.c.abstract.icontains(word, autoescape=True), self._author(word))
            for word, in_title in zip(words, titled, strict=True)
        ]
        score = sum((sa.case((in_title, 1), else_=0) for in_title in titled), sa.literal(0))
        query = sa.select(papers).where(IS_NEWS, *hits)
        query = query.order_by(score.desc(), papers.c.first_seen_at.desc(), papers.c.key)
        with self._database.reading() as connection:
            return with_announcements(connection, connection.execute(query.limit(limit).offset(skip)).all())

    def _author(self, word: str) -> sa.ColumnElement[bool]:
        names = sa.cast(papers.c.authors, sa.Text)
        # SQLite keeps the JSON as we wrote it, in ASCII; PostgreSQL as the letters that it means.
        written = sa.or_(
            names.icontains(word, autoescape=True), names.icontains(json.dumps(word)[1:-1], autoescape=True)
        )
        return written if not word.isascii() else names.icontains(word, autoescape=True)
