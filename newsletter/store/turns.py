"""Deliveries that wait for their turn: given up, hastened, moved, taken back.

After a day off that may be everybody, so rows are changed some at a time, and what somebody has in hand is left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Row

from newsletter.model import Cadence, DeliveryState
from newsletter.store.batches import SIZE, batches
from newsletter.store.bulk import among
from newsletter.store.engine import Database
from newsletter.store.schema import WAITS, deliveries, editions, issues, subscribers

_S = DeliveryState

# What becomes of rows that have waited for too long.
_GIVEN_UP = {_S.QUEUED.value: _S.SKIPPED, _S.DEFERRED.value: _S.FAILED, _S.UNCERTAIN.value: _S.UNCERTAIN}
# The order in which the rows of an issue have their turns, by the index of what waits.
_TURN = deliveries.c.next_attempt_at, deliveries.c.subscriber_key
_Then: TypeAlias = Callable[[sa.Connection, Sequence[Row[Any]]], None] | None
# What was made and never tried: nobody can have received it.
_UNTRIED = deliveries.c.state == _S.QUEUED.value, deliveries.c.attempts == 0


class Turns:
    """Rows of deliveries that wait, in the order of their turns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lapse(
        self, issue_keys: Iterable[int], *, queued_before: datetime, why: str, now: datetime
    ) -> Counter[DeliveryState]:
        """Give up what has waited for too long, and tell what became of it: it is news no more.

        What was never tried is skipped, and its edition goes, so that its papers are news again; what was deferred has
        failed, what is in doubt stays so. After a long pause it may be everybody: some are given up at a time.
        """
        # Of an issue that was opened later nothing can have waited that long: its rows need not be looked at.
        early = issues.c.key.in_(set(issue_keys)), issues.c.opened_at < queued_before
        unleased = sa.or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now)
        said = sa.case((deliveries.c.response == "", why), else_=sa.literal(f"{why}; before: ") + deliveries.c.response)
        state = sa.case({old: new.value for old, new in _GIVEN_UP.items()}, value=deliveries.c.state)
        values = {"state": state, "response": said, "next_attempt_at": None, "changed_at": now}
        became: Counter[DeliveryState] = Counter()

        def count(connection: sa.Connection, gone: Sequence[Row[Any]]) -> None:
            _drop_editions(connection, [row for row in gone if _GIVEN_UP[row.state] is _S.SKIPPED])
            became.update(_GIVEN_UP[row.state] for row in gone)

        with self._database.reading() as connection:
            old = list(connection.scalars(sa.select(issues.c.key).where(*early)))
        self._change_waiting(old, deliveries.c.queued_at < queued_before, unleased, values=values, then=count)
        return became

    def _change_waiting(
        self, issue_keys: Iterable[int], *wanted: sa.ColumnElement[bool], values: dict[str, Any], then: _Then = None
    ) -> None:
        """Change what waits of some issues, and do `then` with the rows as they were, in the same transaction.

        It may be a million rows: they are taken in the order of their turns, so many a transaction. What another
        transaction holds is left out: somebody has it in hand.
        """
        columns = [deliveries.c[name] for name in ("key", "state", "issue_key", "subscriber_key", "next_attempt_at")]
        for issue_key in sorted(set(issue_keys)):
            beyond: sa.ColumnElement[bool] = sa.true()
            while True:
                query = sa.select(*columns).where(deliveries.c.issue_key == issue_key, WAITS, *wanted, beyond)
                query = query.order_by(*_TURN).limit(SIZE).with_for_update(skip_locked=True)
                with self._database.writing() as connection:
                    rows = connection.execute(query).all()
                    if not rows:
                        break
                    these = among(deliveries.c.key, [row.key for row in rows])
                    connection.execute(deliveries.update().where(these).values(values))
                    if then:
                        then(connection, rows)
                beyond = sa.tuple_(*_TURN) > (rows[-1].next_attempt_at, rows[-1].subscriber_key)

    def hasten(self, issue_keys: Iterable[int], *, now: datetime) -> None:
        """Make due what waits for its reader's hour."""
        early = *_UNTRIED, deliveries.c.next_attempt_at > now
        self._change_waiting(issue_keys, *early, values={"next_attempt_at": now})

    def waiting_times(self, *, now: datetime) -> list[tuple[int, str, int, datetime]]:
        """Give what the deliveries that are not due yet go by: issue, time zone and hour of the reader, and when.

        Each once, however many readers share it.
        """
        columns = deliveries.c.issue_key, subscribers.c.timezone, subscribers.c.hour, deliveries.c.next_attempt_at
        query = sa.select(*columns).join_from(deliveries, subscribers)
        query = query.where(*_UNTRIED, deliveries.c.next_attempt_at > now).distinct()
        with self._database.reading() as connection:
            return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]

    def move(self, issue_key: int, *, timezone: str, hour: int, old: datetime, new: datetime) -> None:
        """Give deliveries that are due at a time another one, for readers of an hour."""
        of_hour = subscribers.c.timezone == timezone, subscribers.c.hour == hour
        readers = deliveries.c.subscriber_key.in_(sa.select(subscribers.c.key).where(*of_hour))
        theirs = *_UNTRIED, deliveries.c.next_attempt_at == old, readers
        self._change_waiting([issue_key], *theirs, values={"next_attempt_at": new})

    def untried(self, *, before: date, beyond: tuple[int, int] = (0, 0), limit: int) -> list[tuple[int, int, datetime]]:
        """Give issue key, subscriber key and when it is due, of what waits of issues of earlier days, in this order.

        At most `limit` of them, from the first `beyond` a pair of keys: after a day off it may be everybody.
        """
        columns = deliveries.c.issue_key, deliveries.c.subscriber_key
        query = sa.select(*columns, deliveries.c.next_attempt_at).join_from(deliveries, issues)
        query = query.where(*_UNTRIED, issues.c.day < before, sa.tuple_(*columns) > beyond)
        with self._database.reading() as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(query.order_by(*columns).limit(limit))]

    def paused(self, *, now: datetime, above: int = 0, limit: int) -> list[int]:
        """Tell of whom something waits although they have paused: the first subscriber keys above one, in order."""
        resting = sa.or_(subscribers.c.paused_until > now, subscribers.c.cadence == Cadence.PAUSED.value)
        key = deliveries.c.subscriber_key
        query = sa.select(key).join_from(deliveries, subscribers).where(WAITS, *_UNTRIED, resting, key > above)
        with self._database.reading() as connection:
            return list(connection.scalars(query.distinct().order_by(key).limit(limit)))

    def withdraw(self, subscriber_keys: Iterable[int], *, before: date | None = None, why: str, now: datetime) -> int:
        """Take back what waits, of issues of days before one or of all, as if it had never been made; tell how many.

        The deliveries are `skipped`, their editions go: the papers in them are news again.
        """
        unleased = sa.or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now)
        earlier = [deliveries.c.issue_key.in_(sa.select(issues.c.key).where(issues.c.day < before))] if before else []
        free = *_UNTRIED, unleased, *earlier
        values = {"state": _S.SKIPPED.value, "response": why, "next_attempt_at": None, "changed_at": now}
        withdrawn = 0
        for some in batches(subscriber_keys):
            change = deliveries.update().where(*free, among(deliveries.c.subscriber_key, some)).values(values)
            with self._database.writing() as connection:
                gone = connection.execute(change.returning(deliveries.c.issue_key, deliveries.c.subscriber_key)).all()
                _drop_editions(connection, gone)
            withdrawn += len(gone)
        return withdrawn

    def due(self, *, now: datetime) -> dict[int, datetime]:
        """Tell which issues have messages that wait and are due, and since when the oldest is, by issue key."""
        query = sa.select(deliveries.c.issue_key, sa.func.min(deliveries.c.next_attempt_at).label("oldest"))
        query = query.where(WAITS, deliveries.c.next_attempt_at <= now)
        with self._database.reading() as connection:
            return {row.issue_key: row.oldest for row in connection.execute(query.group_by(deliveries.c.issue_key))}


def _drop_editions(connection: sa.Connection, gone: Sequence[Row[Any]]) -> None:
    """Delete the editions of some deliveries, as if they had never been made."""
    for issue_key in {row.issue_key for row in gone}:
        for theirs in batches(row.subscriber_key for row in gone if row.issue_key == issue_key):
            of_issue = editions.c.issue_key == issue_key, among(editions.c.subscriber_key, theirs)
            connection.execute(editions.delete().where(*of_issue))
