"""The delivery rows: a queue that a crash cannot lose.

A row is claimed with a lease, marked `sending` (committed) before its message is handed to a transport, and given its
outcome after. Every change is fenced by the owner of the lease: who was too slow and lost it changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from newsletter.model import Delivery, DeliveryState
from newsletter.store.batches import batches
from newsletter.store.engine import Database
from newsletter.store.schema import deliveries, issues

_S = DeliveryState
_LAST_ISSUES = 60  # those that may still have been sent within a day or so; the rows of all others are not looked at

# An uncertain one waits only where the policy is to resend: else its `next_attempt_at` is empty, and so never due.
_WAITING = (_S.QUEUED.value, _S.DEFERRED.value, _S.UNCERTAIN.value)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one delivery: its new state, what the server said, and when to try again (None: never).

    `begun` is False where no transaction was begun after all: then it counts as no attempt.
    """

    key: int
    state: DeliveryState
    response: str
    next_attempt_at: datetime | None = None
    begun: bool = True


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
        subscribers: Collection[int] = (),
    ) -> list[Delivery]:
        """Take up to `limit` rows that wait and are due, for as long as the lease lasts; of some `subscribers` only.

        `due` is the newsletter's clock, by which retries are timed and which a replay may set; `now` is the real one,
        by which leases end.
        """
        wanted = (
            deliveries.c.issue_key.in_(set(issue_keys)),
            deliveries.c.state.in_(_WAITING),
            deliveries.c.next_attempt_at <= due,
            sa.or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now),
        )
        query = sa.select(deliveries).where(*wanted).order_by(deliveries.c.key).limit(limit)
        if subscribers:
            query = query.where(deliveries.c.subscriber_key.in_(subscribers))
        with self._database.writing() as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            self._lease(connection, [row.key for row in rows], owner, now + lease)
            return [_delivery(row) for row in rows]

    @staticmethod
    def _lease(connection: sa.Connection, keys: Sequence[int], owner: str, until: datetime) -> None:
        for some in batches(keys):
            change = deliveries.update().where(deliveries.c.key.in_(some))
            connection.execute(change.values(lease_owner=owner, leased_until=until))

    def start(self, keys: Sequence[int], *, owner: str, now: datetime, lease: timedelta) -> set[int]:
        """Mark claimed rows as `sending`; give those that are still the owner's. Only these may be sent."""
        started: set[int] = set()
        with self._database.writing() as connection:
            for some in batches(keys):
                mine = (
                    deliveries.c.key.in_(some),
                    deliveries.c.lease_owner == owner,
                    deliveries.c.state.in_(_WAITING),
                )
                change = deliveries.update().where(*mine).returning(deliveries.c.key)
                values = {
                    "state": DeliveryState.SENDING.value,
                    "attempts": deliveries.c.attempts + 1,
                    "leased_until": now + lease,
                    "changed_at": now,
                }
                started.update(connection.scalars(change.values(values)))
        return started

    def settle(self, settlements: Iterable[Settlement], *, owner: str, now: datetime) -> None:
        """Write outcomes of rows that are still the owner's, and give their leases back."""
        with self._database.writing() as connection:
            for settled in settlements:
                mine = deliveries.c.key == settled.key, deliveries.c.lease_owner == owner
                values: dict[str, Any] = {
                    "state": settled.state.value,
                    "response": settled.response,
                    "next_attempt_at": settled.next_attempt_at,
                    "lease_owner": "",
                    "leased_until": None,
                    "changed_at": now,
                }
                if not settled.begun:
                    values["attempts"] = deliveries.c.attempts - 1
                connection.execute(deliveries.update().where(*mine).values(values))

    def put_off(self, key: int, *, owner: str, until: datetime) -> None:
        """Give back a row that was claimed and cannot be sent yet; it is not due before `until`."""
        mine = deliveries.c.key == key, deliveries.c.lease_owner == owner, deliveries.c.state.in_(_WAITING)
        values = {"lease_owner": "", "leased_until": None, "next_attempt_at": until}
        with self._database.writing() as connection:
            connection.execute(deliveries.update().where(*mine).values(values))

    def lapse(
        self, issue_keys: Iterable[int], *, queued_before: datetime, why: str, now: datetime
    ) -> Counter[DeliveryState]:
        """Give up what has waited for too long, and tell what became of it: it is news no more.

        What was never tried is skipped, what was deferred has failed, what is in doubt stays so.
        """
        states = {_S.QUEUED: _S.SKIPPED, _S.DEFERRED: _S.FAILED, _S.UNCERTAIN: _S.UNCERTAIN}
        said = sa.case((deliveries.c.response == "", why), else_=sa.literal(f"{why}; before: ") + deliveries.c.response)
        late = (
            deliveries.c.issue_key.in_(set(issue_keys)),
            deliveries.c.queued_at < queued_before,
            deliveries.c.next_attempt_at.is_not(None),
            sa.or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now),
        )
        became: Counter[DeliveryState] = Counter()
        with self._database.writing() as connection:
            for old, new in states.items():
                change = deliveries.update().where(deliveries.c.state == old.value, *late)
                values = {"state": new.value, "response": said, "next_attempt_at": None, "changed_at": now}
                became[new] += connection.execute(change.values(values)).rowcount
        return +became

    def sent_since(self, moment: datetime) -> int:
        """Tell how many messages all senders together sent since, or are about to send."""
        recent = sa.select(issues.c.key).order_by(issues.c.key.desc()).limit(_LAST_ISSUES)
        gone = deliveries.c.state.in_([_S.SENDING.value, _S.SENT.value, _S.UNCERTAIN.value])
        wanted = (
            deliveries.c.issue_key.in_(recent),
            sa.or_(
                sa.and_(gone, deliveries.c.changed_at >= moment),
                sa.and_(deliveries.c.state.in_(_WAITING), deliveries.c.leased_until >= moment),
            ),
        )
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).where(*wanted)).scalar_one()

    def release(self, owner: str) -> None:
        """Give back what an owner claimed and did not begin to send."""
        waiting = deliveries.c.lease_owner == owner, deliveries.c.state.in_(_WAITING)
        with self._database.writing() as connection:
            connection.execute(deliveries.update().where(*waiting).values(lease_owner="", leased_until=None))

    def owners(self) -> list[str]:
        """Give the names of all who hold a lease."""
        query = sa.select(deliveries.c.lease_owner).where(deliveries.c.lease_owner != "").distinct()
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
        lost = deliveries.c.state == DeliveryState.SENDING.value, gone
        values = {
            "state": DeliveryState.UNCERTAIN.value,
            "response": "the sender died while this message was on its way",
            "lease_owner": "",
            "leased_until": None,
            "next_attempt_at": deliveries.c.next_attempt_at if resend else None,
            "changed_at": now,
        }
        with self._database.writing() as connection:
            freed = deliveries.update().where(deliveries.c.state.in_(_WAITING), deliveries.c.lease_owner.in_(dead))
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
        query = sa.select(deliveries).where(deliveries.c.key > above).order_by(deliveries.c.key).limit(limit)
        if issue_keys is not None:
            query = query.where(deliveries.c.issue_key.in_(issue_keys))
        if state:
            query = query.where(deliveries.c.state == state.value)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def of_issues(self, issue_keys: Iterable[int]) -> list[Delivery]:
        """Give the deliveries of some issues, in the order they were queued."""
        query = sa.select(deliveries).where(deliveries.c.issue_key.in_(set(issue_keys))).order_by(deliveries.c.key)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def of_subscriber(self, subscriber_key: int) -> list[Delivery]:
        """Give a subscriber's deliveries, in the order they were queued."""
        query = sa.select(deliveries).where(deliveries.c.subscriber_key == subscriber_key).order_by(deliveries.c.key)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]


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
