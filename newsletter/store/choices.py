"""What subscribers change by themselves, through the links in their mail: these name them by their public id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from newsletter.errors import ExpiredError
from newsletter.model import Cadence, NewSubscriber, Subscriber, SubscriberStatus
from newsletter.store.absorb import absorbed
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.papers import keys_of
from newsletter.store.readers import many
from newsletter.store.schema import ratings, subscribers
from newsletter.store.subscribers import columns, drop_nobodys, set_by_operator, set_by_reader

_MAY_LEAVE = (SubscriberStatus.ACTIVE.value, SubscriberStatus.PENDING.value)


@dataclass(frozen=True, slots=True)
class Rating:
    """What a subscriber said of a paper. `answer` is False for one that they named, or that is in their library."""

    liked: bool
    answer: bool


class Choices:
    """All methods raise ExpiredError where nobody has the public id any more, but for those that say otherwise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, public_id: str) -> Subscriber:
        """Give the subscriber of a public id."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(subscribers).where(subscribers.c.public_id == public_id)).all()
            if not rows:
                raise _gone()
            return many(connection, rows)[0]

    def leave(self, public_id: str) -> bool:
        """Stop all mail to a subscriber, and tell whether there was any to stop.

        Whoever left, was suppressed or is forgotten already stays so.
        """
        mine = subscribers.c.public_id == public_id, subscribers.c.status.in_(_MAY_LEAVE)
        with self._database.writing() as connection:
            change = subscribers.update().where(*mine)
            return bool(connection.execute(change.values(status=SubscriberStatus.UNSUBSCRIBED.value)).rowcount)

    def come_back(self, public_id: str) -> bool:
        """Mail a subscriber again who left, and tell whether that was so. Who is suppressed stays suppressed."""
        left = subscribers.c.public_id == public_id, subscribers.c.status == SubscriberStatus.UNSUBSCRIBED.value
        with self._database.writing() as connection:
            _key(connection, public_id)
            change = subscribers.update().where(*left)
            return bool(connection.execute(change.values(status=SubscriberStatus.ACTIVE.value)).rowcount)

    def keep_to(self, public_id: str, cadence: Cadence, *, now: datetime) -> None:
        """Change how often a subscriber is mailed, by their own choice; a pause is over."""
        self._set(public_id, {**set_by_reader(cadence, now), "paused_until": None})

    def pause(self, public_id: str, until: datetime) -> None:
        """Mail a subscriber no issues until a time, and then as before."""
        self._set(public_id, {"paused_until": until})

    def change(self, public_id: str, new: NewSubscriber, *, now: datetime) -> None:
        """Write all that a subscriber chose by themselves, but their address, and what they said of papers."""
        self._set(public_id, {**_wishes(new), **set_by_reader(new.cadence, now)})

    def arrange(self, public_id: str, new: NewSubscriber, *, overrule: bool) -> None:
        """Write the same as the operator wants it; who chose the cadence by themselves keeps it (`set_by_operator`).

        Who is pending becomes active where `new` is, as somebody vouches for them; nobody else's status changes.
        """
        pending = subscribers.c.status == SubscriberStatus.PENDING.value
        status = sa.case((pending, new.status.value), else_=subscribers.c.status)
        cadence = set_by_operator(new.cadence, overrule=overrule)
        self._set(public_id, {**_wishes(new), **cadence, "status": status})

    def _set(self, public_id: str, values: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            mine = subscribers.c.key == _key(connection, public_id)
            connection.execute(subscribers.update().where(mine).values(values))

    def rating(self, public_id: str, paper_key: int) -> Rating | None:
        """Give what a subscriber said of a paper, None where they said nothing."""
        with self._database.reading() as connection:
            return _rating(connection, _key(connection, public_id), _paper(connection, paper_key))

    def rate(self, public_id: str, paper_key: int, said: Rating | None, *, now: datetime) -> Rating | None:
        """Write what a subscriber says of a paper (None takes it back), and give what they had said before.

        What they said already in the same words keeps its date.
        """
        with self._database.writing() as connection:
            key, paper = _key(connection, public_id), _paper(connection, paper_key)
            before = _rating(connection, key, paper)
            if before != said:
                connection.execute(ratings.delete().where(*_of(key, paper)))
                row = {"subscriber_key": key, "paper_key": paper, "rated_at": now}
                if said:
                    new = insert_ignore(connection, ratings)
                    connection.execute(new.values(row | {"liked": said.liked, "answer": said.answer}))
            return before

    def take_back(self, public_id: str, names: Iterable[str]) -> None:
        """Forget what a subscriber said of papers, by their ids. Papers that nobody else has go with it."""
        with self._database.writing() as connection:
            key = _key(connection, public_id)
            taken = list(keys_of(connection, names).values())
            connection.execute(ratings.delete().where(ratings.c.subscriber_key == key, ratings.c.paper_key.in_(taken)))
            drop_nobodys(connection, taken)

    def take_all_back(self, public_id: str, *, answers: bool) -> int:
        """Forget all answers of a subscriber, or else all papers that they named; tell how many that were."""
        with self._database.writing() as connection:
            mine = ratings.c.subscriber_key == _key(connection, public_id), ratings.c.answer == answers
            taken = list(connection.scalars(sa.select(ratings.c.paper_key).where(*mine)))
            connection.execute(ratings.delete().where(*mine))
            drop_nobodys(connection, taken)
            return len(taken)


def _wishes(new: NewSubscriber) -> dict[str, Any]:
    values = columns(new)
    return {name: values[name] for name in values if name not in {"email", "address", "status"}}


def _gone() -> ExpiredError:
    return ExpiredError("nobody is subscribed by this link any more", hint="subscribe again")


def _key(connection: Connection, public_id: str) -> int:
    found = connection.execute(sa.select(subscribers.c.key).where(subscribers.c.public_id == public_id)).scalar()
    if found is None:
        raise _gone()
    return int(found)


def _paper(connection: Connection, paper_key: int) -> int:
    """Give the key that a paper has by now: it may have turned out to be another."""
    return absorbed(connection, [paper_key]).get(paper_key, paper_key)


def _of(key: int, paper_key: int) -> tuple[sa.ColumnElement[bool], ...]:
    return ratings.c.subscriber_key == key, ratings.c.paper_key == paper_key


def _rating(connection: Connection, key: int, paper_key: int) -> Rating | None:
    row = connection.execute(sa.select(ratings.c.liked, ratings.c.answer).where(*_of(key, paper_key))).first()
    return Rating(row.liked, row.answer) if row else None
