"""Who agreed to be mailed: when, to which words, from where (as a keyed hash), and what they asked for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from newsletter.errors import ExpiredError
from newsletter.model import NewSubscriber, SubscriberStatus
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.schema import consents, subscribers
from newsletter.store.subscribers import columns, set_by_reader

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_NOT_ASKED_FOR = ("email", "address", "status")
_MAY_BEGIN = (SubscriberStatus.PENDING.value, SubscriberStatus.UNSUBSCRIBED.value)


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request: of whom it is, where they stand, and its key; 0 where there is nothing to confirm."""

    public_id: str
    status: SubscriberStatus
    key: int


@dataclass(frozen=True, slots=True)
class Begun:
    """What a confirmation began: a subscription, with the examples of its request; nothing where they are None."""

    examples: Mapping[str, Any] | None = None

    def __bool__(self) -> bool:
        return self.examples is not None


@dataclass(frozen=True, slots=True)
class Consent:
    """One request, and its confirmation (None: not yet). `wishes` has the columns of a subscriber."""

    key: int
    asked_at: datetime
    wording: str
    wishes: Mapping[str, Any]
    confirmed_at: datetime | None


class Consents:
    """Requests to be mailed, and what was agreed to. They go with their subscriber."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(
        self,
        new: NewSubscriber,
        *,
        wording: str,
        origin_hash: str,
        now: datetime,
        examples: Mapping[str, Any] = _NOTHING,
    ) -> Asked:
        """Keep a request of somebody who says that an address is theirs; whoever is new is pending.

        `examples` (JSON) travel with the request, and come back from `confirm`.

        A subscription that is there already stays as it is until its owner confirms.
        """
        values = {**columns(new), "status": SubscriberStatus.PENDING.value}
        fresh = {**values, "public_id": secrets.token_urlsafe(12), "created_at": now}
        with self._database.writing() as connection:
            connection.execute(insert_ignore(connection, subscribers).values(fresh))
            found = sa.select(subscribers).where(subscribers.c.address == values["address"])
            row = connection.execute(found).one()
            if row.status not in _MAY_BEGIN:
                return Asked(row.public_id, SubscriberStatus(row.status), 0)
            wishes = {name: value for name, value in values.items() if name not in _NOT_ASKED_FOR}
            if examples:
                wishes["examples"] = dict(examples)
            key = _add(connection, row.key, wording, origin_hash, now, wishes=wishes)
            return Asked(row.public_id, SubscriberStatus(row.status), key)

    def get(self, public_id: str, key: int) -> Consent:
        """Give a request. Raises ExpiredError where it is not kept any more."""
        with self._database.reading() as connection:
            return _consent(_one(connection, public_id, key))

    def confirm(self, public_id: str, key: int, *, origin_hash: str, now: datetime) -> Begun:
        """Begin to mail whoever confirms a request as they asked; tell whether this did it.

        A request is good for once: whoever left after it does not come back by it. Raises ExpiredError.
        """
        with self._database.writing() as connection:
            row = _one(connection, public_id, key)
            if row.confirmed_at is not None:
                return Begun()
            confirmed = {"confirmed_at": now, "confirmed_origin_hash": origin_hash, "wishes": {}}
            connection.execute(consents.update().where(consents.c.key == key).values(confirmed))
            waiting = subscribers.c.key == row.subscriber_key, subscribers.c.status.in_(_MAY_BEGIN)
            wishes = dict(row.wishes)
            examples = wishes.pop("examples", {})
            wishes |= set_by_reader(wishes["cadence"], now)
            begun = subscribers.update().where(*waiting).values(**wishes, status=SubscriberStatus.ACTIVE.value)
            return Begun(examples) if connection.execute(begun).rowcount else Begun()

    def record(self, public_id: str, *, wording: str, origin_hash: str, now: datetime) -> None:
        """Keep that somebody agreed who had proven before that the address is theirs. Raises ExpiredError."""
        with self._database.writing() as connection:
            mine = sa.select(subscribers.c.key).where(subscribers.c.public_id == public_id)
            key = connection.execute(mine).scalar()
            if key is None:
                raise ExpiredError("nobody is subscribed by this link any more")
            _add(connection, key, wording, origin_hash, now, confirmed_at=now)

    def of_subscriber(self, subscriber_key: int) -> list[Consent]:
        """Give what a subscriber agreed to, oldest first, with requests that were never confirmed."""
        query = sa.select(consents).where(consents.c.subscriber_key == subscriber_key).order_by(consents.c.key)
        with self._database.reading() as connection:
            return [_consent(row) for row in connection.execute(query)]

    def drop_unconfirmed(self, *, before: datetime) -> int:
        """Erase all that is kept of people who asked before a time and never confirmed; tell how many."""
        theirs = consents.c.subscriber_key == subscribers.c.key
        late = sa.exists().where(theirs, consents.c.asked_at < before)
        other = sa.exists().where(theirs, sa.or_(consents.c.asked_at >= before, consents.c.confirmed_at.is_not(None)))
        gone = subscribers.c.status == SubscriberStatus.PENDING.value, late, ~other
        with self._database.writing() as connection:
            return connection.execute(subscribers.delete().where(*gone)).rowcount


def _add(
    connection: Connection,
    subscriber_key: int,
    wording: str,
    origin_hash: str,
    now: datetime,
    *,
    wishes: Mapping[str, Any] | None = None,
    confirmed_at: datetime | None = None,
) -> int:
    row = {
        "subscriber_key": subscriber_key,
        "asked_at": now,
        "wording": wording,
        "origin_hash": origin_hash,
        "wishes": dict(wishes or {}),
        "confirmed_at": confirmed_at,
        "confirmed_origin_hash": origin_hash if confirmed_at else "",
    }
    return int(connection.execute(consents.insert().values(row).returning(consents.c.key)).scalar_one())


def _one(connection: Connection, public_id: str, key: int) -> Row[Any]:
    query = sa.select(consents).join_from(consents, subscribers)
    found = connection.execute(query.where(subscribers.c.public_id == public_id, consents.c.key == key)).first()
    if found is None:
        raise ExpiredError("this request is not kept any more", hint="subscribe again")
    return found


def _consent(row: Row[Any]) -> Consent:
    return Consent(row.key, row.asked_at, row.wording, row.wishes, row.confirmed_at)
