"""What is kept no longer than the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from newsletter.model import SubscriberStatus
from newsletter.store.batches import batches
from newsletter.store.engine import Database
from newsletter.store.schema import acts, consents, deliveries, editions, issues, papers, ratings, subscribers

_ACTS_KEPT = timedelta(days=60)
_OVER = (SubscriberStatus.UNSUBSCRIBED.value, SubscriberStatus.SUPPRESSED.value)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long papers, editions (with their deliveries) and consents are kept; None: for ever.

    Papers outlive the editions that show them in any case.
    """

    papers: timedelta | None
    editions: timedelta | None
    consents: timedelta | None


class Trimming:
    """Deletes what is past its time, some rows a transaction, so that nobody waits for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def trim(self, limits: Limits, *, now: datetime) -> dict[str, int]:
        """Drop what is past its time, and tell how many rows of each kind that were."""
        dropped = {"acts": self._delete(acts, acts.c.name, acts.c.at < now - _ACTS_KEPT)}
        if limits.editions:
            old = sa.select(issues.c.key).where(issues.c.day < (now - limits.editions).date())
            dropped["deliveries"] = self._delete(deliveries, deliveries.c.key, deliveries.c.issue_key.in_(old))
            dropped["editions"] = self._editions(old)
        if limits.papers and limits.editions:
            unrated = ~sa.exists().where(ratings.c.paper_key == papers.c.key)
            before = now - max(limits.papers, limits.editions)
            past = papers.c.announced, papers.c.first_seen_at < before, unrated
            dropped["papers"] = self._delete(papers, papers.c.key, *past)
        if limits.consents:
            over = sa.select(subscribers.c.key).where(subscribers.c.status.in_(_OVER))
            ended = consents.c.asked_at < now - limits.consents, consents.c.subscriber_key.in_(over)
            dropped["consents"] = self._delete(consents, consents.c.key, *ended)
        return dropped

    def _editions(self, old: sa.Select[tuple[int]]) -> int:
        with self._database.reading() as connection:
            keys = list(connection.scalars(old))
        count = 0
        for key in keys:  # an issue at a time: their rows have no key of their own
            with self._database.writing() as connection:
                count += connection.execute(editions.delete().where(editions.c.issue_key == key)).rowcount
        return count

    def _delete(self, table: sa.Table, key: sa.Column[int] | sa.Column[str], *past: sa.ColumnElement[bool]) -> int:
        with self._database.reading() as connection:
            keys = list(connection.scalars(sa.select(key).where(*past)))
        count = 0
        for some in batches(keys):
            with self._database.writing() as connection:
                count += connection.execute(table.delete().where(key.in_(some))).rowcount
        return count
