"""Mails that came back, and what they do to deliveries, subscriptions and addresses: all of it at once, each once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from newsletter.model import BounceKind, DeliveryState, SubscriberStatus
from newsletter.store.batches import batches
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.outbox import drop_for
from newsletter.store.schema import bounces, deliveries, lifted, subscribers, suppressions

# Who left by themselves stays "unsubscribed"; the address is suppressed all the same.
_CHANGED = (SubscriberStatus.PENDING.value, SubscriberStatus.ACTIVE.value)


@dataclass(frozen=True, slots=True)
class NewBounce:
    """One mail that came back, to be written. `counted`: it adds to the score of soft bounces.

    `bounced`: the delivery is to be `bounced`, where its state is one of `changeable`.
    """

    message_hash: str
    delivery_key: int
    kind: BounceKind
    reason: str
    status: str
    counted: bool
    bounced: bool
    changeable: Collection[DeliveryState]


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a delivery was for, and what the server said to it, where it said something."""

    delivery_key: int
    email: str
    response: str
    public_id: str


class Bounces:
    """What came back, by the hash of the message."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def summary(self, since: datetime) -> list[tuple[BounceKind, str, int]]:
        """Tell what came back since a time, and how often: kind, reason, number, the most frequent first."""
        number = sa.func.count().label("number")
        query = sa.select(bounces.c.kind, bounces.c.reason, number).where(bounces.c.recorded_at >= since)
        query = query.group_by(bounces.c.kind, bounces.c.reason).order_by(number.desc(), bounces.c.reason)
        with self._database.reading() as connection:
            return [(BounceKind(row.kind), row.reason, row.number) for row in connection.execute(query)]

    def addressee(self, delivery_key: int) -> Addressee | None:
        """Give whom a delivery was for; None where there is no such delivery (any more)."""
        with self._database.reading() as connection:
            return next(iter(_addressees(connection, deliveries.c.key == delivery_key)), None)

    def addressee_of_message(self, message_ids: Iterable[str], emails: Iterable[str]) -> Addressee | None:
        """Give whom a message was for, by its Message-ID, if it is one of `emails`."""
        addresses = {email.strip().casefold() for email in emails}
        wanted = deliveries.c.message_id.in_(list(message_ids)), subscribers.c.address.in_(addresses)
        with self._database.reading() as connection:
            return next(iter(_addressees(connection, *wanted)), None)

    def last_addressee(self, emails: Iterable[str]) -> Addressee | None:
        """Give the last delivery that was begun to one of `emails`."""
        addresses = {email.strip().casefold() for email in emails}
        wanted = subscribers.c.address.in_(addresses), deliveries.c.attempts > 0
        query = sa.select(deliveries.c.key).join_from(deliveries, subscribers).where(*wanted)
        with self._database.reading() as connection:
            last = connection.execute(query.order_by(deliveries.c.key.desc()).limit(1)).scalar()
            return None if last is None else next(iter(_addressees(connection, deliveries.c.key == last)), None)

    def refused(self, issue_keys: Iterable[int]) -> list[Addressee]:
        """Give the deliveries of some issues whose recipients were refused on the spot, and not yet recorded here."""
        recorded = sa.exists().where(bounces.c.delivery_key == deliveries.c.key)
        wanted = deliveries.c.state == DeliveryState.BOUNCED.value, ~recorded
        found: list[Addressee] = []
        with self._database.reading() as connection:
            for some in batches(set(issue_keys)):
                found += _addressees(connection, deliveries.c.issue_key.in_(some), *wanted)
        return found

    def known(self, message_hash: str) -> bool:
        """Tell whether a message is recorded."""
        with self._database.reading() as connection:
            return connection.execute(_recorded(message_hash)).first() is not None

    def record(
        self,
        bounce: NewBounce,
        *,
        address_hash: str,
        judge: Callable[[Sequence[datetime]], str | None],
        now: datetime,
    ) -> str | None:
        """Write a bounce and what follows from it, or nothing where it is known already or its delivery is gone.

        `judge` is given when the subscriber's soft bounces were counted, this one included, and says for what reason
        the address is to be suppressed, None for not. Gives that reason.
        """
        with self._database.writing() as connection:
            subscriber_key = _locked(connection, bounce.delivery_key)
            if subscriber_key is None or not _insert(connection, bounce, subscriber_key, now):
                return None
            if bounce.bounced:
                _bounce(connection, bounce, now)
            reason = judge(_soft(connection, subscriber_key))
            if reason is not None:
                entry = {"address_hash": address_hash, "reason": reason, "added_at": now}
                connection.execute(insert_ignore(connection, suppressions), entry)
                theirs = subscribers.c.key == subscriber_key, subscribers.c.status.in_(_CHANGED)
                status = SubscriberStatus.SUPPRESSED.value
                connection.execute(subscribers.update().where(*theirs).values(status=status))
                email = connection.scalars(sa.select(subscribers.c.email).where(subscribers.c.key == subscriber_key))
                drop_for(connection, email.one())
            return reason

    def lift(self, email: str, *, address_hash: str, reason: str, now: datetime) -> str | None:
        """Let an address be mailed again; give what it was suppressed for, None where it was not.

        Its soft bounces count no more, and a subscriber who was suppressed is mailed again; `reason` is kept. Who left
        by themselves, or was forgotten, does not come back by this.
        """
        theirs = subscribers.c.address == email.strip().casefold()
        with self._database.writing() as connection:
            gone = suppressions.delete().where(suppressions.c.address_hash == address_hash)
            was: str | None = connection.execute(gone.returning(suppressions.c.reason)).scalar_one_or_none()
            if was is None:
                return None
            said = {"address_hash": address_hash, "suppressed_for": was, "reason": reason, "lifted_at": now}
            connection.execute(lifted.insert().values(said))
            whose = sa.select(subscribers.c.key).where(theirs).scalar_subquery()
            connection.execute(bounces.update().where(bounces.c.subscriber_key == whose).values(counted=False))
            # Who was mailed had confirmed; anybody else has still to do so.
            mailed = sa.exists().where(deliveries.c.subscriber_key == subscribers.c.key)
            status = sa.case((mailed, SubscriberStatus.ACTIVE.value), else_=SubscriberStatus.PENDING.value)
            suppressed = subscribers.c.status == SubscriberStatus.SUPPRESSED.value
            connection.execute(subscribers.update().where(theirs, suppressed).values(status=status))
            return was


def _addressees(connection: Connection, *wanted: sa.ColumnElement[bool]) -> list[Addressee]:
    query = sa.select(deliveries.c.key, subscribers.c.email, subscribers.c.public_id, deliveries.c.response)
    query = query.join_from(deliveries, subscribers)
    rows = connection.execute(query.where(*wanted).order_by(deliveries.c.key))
    return [Addressee(row.key, row.email, row.response, row.public_id) for row in rows]


def _recorded(message_hash: str) -> sa.Select[tuple[str]]:
    return sa.select(bounces.c.message_hash).where(bounces.c.message_hash == message_hash)


def _locked(connection: Connection, delivery_key: int) -> int | None:
    """Give whose delivery it is. The row is locked, so that of two that come at once the second sees the first."""
    query = sa.select(subscribers.c.key).join_from(subscribers, deliveries).where(deliveries.c.key == delivery_key)
    key: int | None = connection.execute(query.with_for_update(of=subscribers)).scalar_one_or_none()
    return key


def _insert(connection: Connection, bounce: NewBounce, subscriber_key: int, now: datetime) -> bool:
    """Write the row; tell whether it is new. A second report on the same delivery is kept, but adds to no score."""
    before = bounces.c.delivery_key == bounce.delivery_key, bounces.c.counted
    again = connection.execute(sa.select(bounces.c.message_hash).where(*before)).first() is not None
    row = {
        "message_hash": bounce.message_hash,
        "delivery_key": bounce.delivery_key,
        "subscriber_key": subscriber_key,
        "kind": bounce.kind.value,
        "reason": bounce.reason,
        "status": bounce.status,
        "counted": bounce.counted and not again,
        "recorded_at": now,
    }
    statement = insert_ignore(connection, bounces).values(row).returning(bounces.c.message_hash)
    return connection.execute(statement).first() is not None


def _bounce(connection: Connection, bounce: NewBounce, now: datetime) -> None:
    states = [state.value for state in bounce.changeable]
    mine = deliveries.c.key == bounce.delivery_key, deliveries.c.state.in_(states)
    values = {
        "state": DeliveryState.BOUNCED.value,
        "response": " ".join(filter(None, (bounce.status, bounce.reason))),
        "next_attempt_at": None,
        # A sender that has not yet recorded its success does not overwrite this: it has lost its lease.
        "lease_owner": "",
        "leased_until": None,
        "changed_at": now,
    }
    connection.execute(deliveries.update().where(*mine).values(values))


def _soft(connection: Connection, subscriber_key: int) -> list[datetime]:
    theirs = bounces.c.subscriber_key == subscriber_key, bounces.c.counted
    return list(connection.scalars(sa.select(bounces.c.recorded_at).where(*theirs)))
