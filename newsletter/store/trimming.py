"""What is kept no longer than the settings say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import sqlalchemy as sa

from newsletter.model import Paper, SubscriberStatus
from newsletter.store.batches import SIZE, batches
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
            dropped |= self._issues(before=(now - limits.editions).date())
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

    def _issues(self, *, before: date) -> Counter[str]:
        """Delete deliveries and editions of the issues of earlier days; the issues stay."""
        with self._database.reading() as connection:
            old = list(connection.scalars(sa.select(issues.c.key).where(issues.c.day < before)))
        dropped = Counter(deliveries=0, editions=0)
        for table, key in product((deliveries, editions), old):  # by subscriber, which an index of each begins with
            dropped[table.name] += self._delete(table, table.c.subscriber_key, table.c.issue_key == key)
        return dropped

    def _papers(self, texts: Callable[[Paper], Iterable[str]], *past: sa.ColumnElement[bool]) -> dict[str, int]:
        """Delete papers, and what was worked out of their texts."""
        dropped, makers = Counter(papers=0), dict[sa.Column[str], list[str]]()
        for some in self._pages(papers.c.key, *past):
            makers = makers or self._makers()
            with self._database.writing() as connection:
                these = papers.c.key.in_(some), *past  # somebody may have named one meanwhile
                rows = connection.execute(sa.select(papers).where(*these))
                named = {name for row in rows for name in texts(paper_of(row, ()))}
                dropped["papers"] += connection.execute(papers.delete().where(*these)).rowcount
                for hashes, (maker, names) in product(batches(sorted(named)), makers.items()):
                    gone = maker.in_(names), maker.table.c.text_hash.in_(hashes)  # the index begins with the maker
                    dropped[maker.table.name] += connection.execute(maker.table.delete().where(*gone)).rowcount
        return dict(dropped)

    def _makers(self) -> dict[sa.Column[str], list[str]]:
        """Give the encoders and models that something is kept of."""
        with self._database.reading() as connection:
            whose = vectors.c.encoder, summaries.c.model
            return {one: list(connection.scalars(sa.select(one).distinct())) for one in whose}

    def _delete(self, table: sa.Table, key: sa.Column[Any], *past: sa.ColumnElement[bool]) -> int:
        count = 0
        for some in self._pages(key, *past):
            with self._database.writing() as connection:
                count += connection.execute(table.delete().where(key.in_(some), *past)).rowcount
        return count

    def _pages(self, key: sa.Column[Any], *past: sa.ColumnElement[bool]) -> Iterator[list[Any]]:
        """Give the keys of some rows, in order, and so many at a time: there may be a million of them."""
        above: sa.ColumnElement[bool] = sa.true()
        while True:
            with self._database.reading() as connection:
                some = list(connection.scalars(sa.select(key).where(*past, above).order_by(key).limit(SIZE)))
            if not some:
                return
            yield some
            above = key > some[-1]
