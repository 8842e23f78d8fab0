"""The delivery rows: a queue that a crash cannot lose.

A row is claimed with a lease, marked `sending` (committed) before its message is handed to a transport, and given its
outcome after. Every change is fenced by the owner of the lease: who was too slow and lost it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.types import TypeEngine

from newsletter.model import EVERYBODY, Delivery, DeliveryState, IssueState, Shard
from newsletter.store.bulk import among, given, recordset
from newsletter.store.engine import SUPPORTED, Database
from newsletter.store.schema import IN_HAND, WAITS, deliveries, issues, within

_S = DeliveryState

# An uncertain one waits only where the policy is to resend: else its `next_attempt_at` is empty, and so never due.
_WAITING = (_S.DEFERRED.value, _S.UNCERTAIN.value, _S.QUEUED.value)


_SHOWN = tuple(deliveries.c[field.name] for field in fields(Delivery))  # `_delivery` needs no more

# What `advance` is told of each row. `begins`: it is to be marked as being sent; else it is settled.
_ADVANCED: dict[str, TypeEngine[Any]] = {
    "this": deliveries.c.key.type,
    "begins": sa.Boolean(),
    "new_state": deliveries.c.state.type,
    "more_attempts": deliveries.c.attempts.type,
    "said": deliveries.c.response.type,
    "again": deliveries.c.next_attempt_at.type,
    "took": deliveries.c.seconds.type,
}


def _advancing(dialect: str) -> sa.Executable:
    row = recordset(_ADVANCED, dialect).c
    kept = deliveries.c
    may_begin = kept.state.in_([sa.literal_column(f"'{state}'") for state in _WAITING])
    return (
        deliveries.update()
        .where(kept.key == row.this, kept.lease_owner == sa.bindparam("owner"), sa.or_(~row.begins, may_begin))
        .values(
            state=row.new_state,
            attempts=kept.attempts + row.more_attempts,
            response=sa.case((row.begins, kept.response), else_=row.said),
            next_attempt_at=sa.case((row.begins, kept.next_attempt_at), else_=row.again),
            seconds=sa.case((row.begins, kept.seconds), else_=row.took),
            lease_owner=sa.case((row.begins, kept.lease_owner), else_=""),
            leased_until=sa.case((row.begins, sa.bindparam("until", type_=kept.leased_until.type))),
            changed_at=sa.bindparam("moment"),
        )
        .returning(kept.key)
    )


_ADVANCE = {dialect: _advancing(dialect) for dialect in SUPPORTED}

_LEASE = (
    deliveries.update()
    .where(among(deliveries.c.key, "these"))
    .values(lease_owner=sa.bindparam("owner"), leased_until=sa.bindparam("until"))
)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one delivery: its new state, what the server said, and when to try again (None: never).

    `begun` is False where no transaction was begun after all: then it counts as no attempt. `seconds` is how long the
    try took.
    """

    key: int
    state: DeliveryState
    response: str
    next_attempt_at: datetime | None = None
    begun: bool = True
    seconds: float | None = None


class Deliveries:
    """One row per (issue, subscriber)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        issue_keys: Iterable[int],
        *,
        owner: str,
        due: datetime,
        now: datetime,
        lease: timedelta,
        limit: int,
        shard: Shard = EVERYBODY,
    ) -> list[Delivery]:
        """Take up to `limit` rows of a shard that wait and are due, for as long as the lease lasts.

        Of an issue that somebody has paused meanwhile nothing more is taken: a run over many thousand rows ends with
        those that it has in hand. `due` is the newsletter's clock, by which retries are timed and which a replay may
        set; `now` is the real one, by which leases end.
        """
        free = sa.or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now)
        rows: list[Row[Any]] = []
        with self._database.writing() as connection:
            going_out = issues.c.key.in_(set(issue_keys)), issues.c.state == IssueState.OPEN.value
            # One issue after the other: the index of what waits has them in the order of their turns.
            for issue_key in sorted(connection.scalars(sa.select(issues.c.key).where(*going_out))):
                mine = deliveries.c.issue_key == issue_key, *within(deliveries.c.subscriber_key, shard)
                query = sa.select(*_SHOWN).where(*mine, WAITS, deliveries.c.next_attempt_at <= due, free)
                query = query.order_by(deliveries.c.next_attempt_at, deliveries.c.subscriber_key)
                query = query.limit(limit - len(rows))
                rows += connection.execute(query.with_for_update(skip_locked=True)).all()
            these = [row.key for row in rows]
            connection.execute(_LEASE, {"these": these, "owner": owner, "until": now + lease})
        return [_delivery(row) for row in rows]

    def any_due(self, issue_key: int, *, due: datetime, now: datetime) -> bool:
        """Tell whether something waits of an issue, is due and in nobody's hand."""
        free = sa.or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now)
        wanted = deliveries.c.issue_key == issue_key, WAITS, deliveries.c.next_attempt_at <= due, free
        with self._database.reading() as connection:
            return connection.execute(sa.select(deliveries.c.key).where(*wanted).limit(1)).first() is not None

    def any_left(self, issue_key: int) -> bool:
        """Tell whether anything of an issue waits, due or not, or is in somebody's hand."""
        halves = [sa.exists().where(deliveries.c.issue_key == issue_key, each) for each in (WAITS, IN_HAND)]
        with self._database.reading() as connection:
            return bool(connection.scalar(sa.select(sa.or_(*halves))))

    def shards(self, issue_key: int, *, due: datetime, now: datetime, size: int) -> list[Shard]:
        """Cut what waits of an issue, is due and in nobody's hand into shards of `size` deliveries."""
        free = sa.or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now)
        wanted = deliveries.c.issue_key == issue_key, WAITS, deliveries.c.next_attempt_at <= due, free
        ordered = sa.func.row_number().over(order_by=deliveries.c.subscriber_key).label("number")
        waiting = sa.select(deliveries.c.subscriber_key, ordered).where(*wanted).subquery()
        key, number = waiting.c.subscriber_key, waiting.c.number
        query = sa.select(sa.func.min(key), sa.func.max(key)).group_by((number - 1) // size)
        with self._database.reading() as connection:
            ends = sorted((low, high) for low, high in connection.execute(query))
        return [Shard(after, upto) for after, upto in zip(_starts(ends), (high for _, high in ends), strict=True)]

    def start(self, keys: Sequence[int], *, owner: str, now: datetime, lease: timedelta) -> set[int]:
        """Mark claimed rows as `sending`; give those that are still the owner's. Only these may be sent."""
        return self.advance((), keys, owner=owner, now=now, lease=lease)

    def settle(self, settlements: Iterable[Settlement], *, owner: str, now: datetime) -> None:
        """Write outcomes of rows that are still the owner's, and give their leases back."""
        self.advance(settlements, (), owner=owner, now=now, lease=timedelta(0))

    def advance(
        self,
        settlements: Iterable[Settlement],
        keys: Sequence[int],
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
    ) -> set[int]:
        """Settle some rows and start others (`settle`, `start`), all in one transaction."""
        rows = [*map(_settled, settlements), *map(_started, keys)]
        if not rows:
            return set()
        values = {"owner": owner, "until": now + lease, "moment": now, **given(rows)}
        with self._database.one_statement() as connection:
            changed = set(connection.scalars(_ADVANCE[connection.dialect.name], values).all())
        return changed.intersection(keys)

    def put_off(self, key: int, *, owner: str, until: datetime) -> None:
        """Give back a row that was claimed and cannot be sent yet; it is not due before `until`."""
        mine = deliveries.c.key == key, deliveries.c.lease_owner == owner, deliveries.c.state.in_(_WAITING)
        values = {"lease_owner": "", "leased_until": None, "next_attempt_at": until}
        with self._database.writing() as connection:
            connection.execute(deliveries.update().where(*mine).values(values))

    def renew(self, owner: str, *, until: datetime) -> None:
        """Let an owner keep until a time what they claimed and did not begin to send.

        What their own connections are beginning just now is left out, so that neither waits for the other.
        """
        mine = IN_HAND, deliveries.c.lease_owner == owner, deliveries.c.state.in_(_WAITING)
        with self._database.writing() as connection:
            held = sa.select(deliveries.c.key).where(*mine).with_for_update(skip_locked=True)
            these = list(connection.scalars(held))
            connection.execute(_LEASE, {"these": these, "owner": owner, "until": until})

    def release(self, owner: str) -> None:
        """Give back what an owner claimed and did not begin to send."""
        waiting = IN_HAND, deliveries.c.lease_owner == owner, deliveries.c.state.in_(_WAITING)
        with self._database.writing() as connection:
            connection.execute(deliveries.update().where(*waiting).values(lease_owner="", leased_until=None))

    def owners(self) -> list[str]:
        """Give the names of all who hold a lease."""
        query = sa.select(deliveries.c.lease_owner).where(IN_HAND).distinct()
        with self._database.reading() as connection:
            return list(connection.scalars(query))

    def expire(self, *, now: datetime, dead: Sequence[str] = (), resend: bool) -> int:
        """Find messages that were being sent when their sender died, and tell how many.

        Who is dead: those in `dead`, and those whose lease ran out. What they had only claimed is free again.

        Nobody can know whether those arrived (RFC 1047). They become `uncertain`; where the policy is to resend they
        are due at once (with the same Message-ID, by which a reader's program can tell a double): as before, by the
        newsletter's clock, which a replay may have set.
        """
        gone = sa.or_(deliveries.c.leased_until < now, deliveries.c.lease_owner.in_(dead))
        lost = IN_HAND, deliveries.c.state == DeliveryState.SENDING.value, gone
        values = {
            "state": DeliveryState.UNCERTAIN.value,
            "response": "the sender died while this message was on its way",
            "lease_owner": "",
            "leased_until": None,
            "next_attempt_at": deliveries.c.next_attempt_at if resend else None,
            "changed_at": now,
        }
        with self._database.writing() as connection:
            theirs = IN_HAND, deliveries.c.lease_owner.in_(dead)
            freed = deliveries.update().where(*theirs, deliveries.c.state.in_(_WAITING))
            connection.execute(freed.values(lease_owner="", leased_until=None))
            return connection.execute(deliveries.update().where(*lost).values(values)).rowcount

    def counts(self, issue_keys: Iterable[int]) -> dict[DeliveryState, int]:
        """Tell how many deliveries of some issues stand in each state."""
        query = sa.select(deliveries.c.state, sa.func.count().label("number"))
        query = query.where(deliveries.c.issue_key.in_(set(issue_keys))).group_by(deliveries.c.state)
        with self._database.reading() as connection:
            return {DeliveryState(row.state): row.number for row in connection.execute(query)}

    def page(
        self,
        limit: int,
        *,
        above: int,
        issue_keys: Collection[int] | None = None,
        state: DeliveryState | None = None,
    ) -> list[Delivery]:
        """Give deliveries whose keys are above one, in the order they were queued."""
        query = sa.select(*_SHOWN).where(deliveries.c.key > above).order_by(deliveries.c.key).limit(limit)
        if issue_keys is not None:
            query = query.where(deliveries.c.issue_key.in_(issue_keys))
        if state:
            query = query.where(deliveries.c.state == state.value)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def of_subscriber(self, subscriber_key: int) -> list[Delivery]:
        """Give a subscriber's deliveries, in the order they were queued."""
        query = sa.select(*_SHOWN).where(deliveries.c.subscriber_key == subscriber_key).order_by(deliveries.c.key)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]


def _starts(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Let each shard begin where the one before it ends, so that no key lies between them."""
    return [ends[0][0] - 1, *(high for _, high in ends[:-1])] if ends else []


def _settled(settled: Settlement) -> dict[str, Any]:
    return {
        "this": settled.key,
        "begins": False,
        "new_state": settled.state.value,
        "more_attempts": 0 if settled.begun else -1,
        "said": settled.response,
        "again": settled.next_attempt_at,
        "took": settled.seconds,
    }


def _started(key: int) -> dict[str, Any]:
    return {"this": key, "begins": True, "new_state": _S.SENDING.value, "more_attempts": 1}


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        key=row.key,
        issue_key=row.issue_key,
        subscriber_key=row.subscriber_key,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        message_id=row.message_id,
        response=row.response,
    )
