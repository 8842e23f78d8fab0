"""What is kept no longer than the settings say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

import sqlalchemy as sa

from newsletter.model import Paper, SubscriberStatus
from newsletter.store.batches import batches
from newsletter.store.engine import Database
from newsletter.store.papers import paper_of
from newsletter.store.schema import (
    acts,
    consents,
    deliveries,
    editions,
    issues,
    papers,
    ratings,
    subscribers,
    summaries,
    vectors,
)

_ACTS_KEPT = timedelta(days=60)
_OVER = (SubscriberStatus.UNSUBSCRIBED.value, SubscriberStatus.SUPPRESSED.value)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long papers, editions (with their deliveries) and consents are kept; None: for ever.

    Papers outlive the editions that show them in any case. `texts` names the texts of a paper by which vectors and
    summaries are kept: these go with it. Another paper of the same text has them made anew.
    """

    papers: timedelta | None
    editions: timedelta | None
    consents: timedelta | None
    texts: Callable[[Paper], Iterable[str]]


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
            dropped |= self._papers(limits.texts, *past)
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

    def _papers(self, texts: Callable[[Paper], Iterable[str]], *past: sa.ColumnElement[bool]) -> dict[str, int]:
        """Delete papers, and what was worked out of their texts."""
        with self._database.reading() as connection:
            keys = list(connection.scalars(sa.select(papers.c.key).where(*past)))
            whose = [vectors.c.encoder, summaries.c.model]
            makers = {one: list(connection.scalars(sa.select(one).distinct())) for one in whose if keys}
        dropped = Counter(papers=0)
        for some in batches(keys):
            with self._database.writing() as connection:
                rows = connection.execute(sa.select(papers).where(papers.c.key.in_(some)))
                named = {name for row in rows for name in texts(paper_of(row, ()))}
                dropped["papers"] += connection.execute(papers.delete().where(papers.c.key.in_(some))).rowcount
                for hashes, (maker, names) in product(batches(sorted(named)), makers.items()):
                    gone = maker.in_(names), maker.table.c.text_hash.in_(hashes)  # the index begins with the maker
                    dropped[maker.table.name] += connection.execute(maker.table.delete().where(*gone)).rowcount
        return dict(dropped)

    def _delete(self, table: sa.Table, key: sa.Column[int] | sa.Column[str], *past: sa.ColumnElement[bool]) -> int:
        with self._database.reading() as connection:
            keys = list(connection.scalars(sa.select(key).where(*past)))
        count = 0
        for some in batches(keys):
            with self._database.writing() as connection:
                count += connection.execute(table.delete().where(key.in_(some))).rowcount
        return count
