"""Changes of address: asked for on one's own page, done once the old and the new address have said yes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from newsletter.errors import ExpiredError
from newsletter.store.engine import Database
from newsletter.store.schema import address_changes, subscribers


@dataclass(frozen=True, slots=True)
class Change:
    """A change that somebody asked for: from which address to which, and who has said yes to it so far.

    `done`: it has been made. `taken`: it cannot be, as somebody else has the address by now.
    """

    old: str
    new: str
    old_confirmed: bool
    new_confirmed: bool
    done: bool
    taken: bool = False


class Addresses:
    """All methods raise ExpiredError where the change, or its subscriber, is not there any more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, public_id: str, email: str, *, now: datetime) -> int:
        """Keep what somebody wants, in place of what they wanted before, and give its number.

        What they wanted before stays, as its number must not come again: only the newest can be confirmed.
        """
        mine = sa.select(subscribers.c.key).where(subscribers.c.public_id == public_id)
        with self._database.writing() as connection:
            key = connection.scalar(mine)
            if key is None:
                raise _gone()
            row = {"subscriber_key": key, "email": email, "asked_at": now}
            new = address_changes.insert().values(row).returning(address_changes.c.key)
            return int(connection.execute(new).scalar_one())

    def get(self, public_id: str, number: int) -> Change:
        """Give a change."""
        with self._database.reading() as connection:
            return _change(_one(connection, public_id, number))

    def confirm(self, public_id: str, number: int, *, new: bool, now: datetime) -> Change:
        """Note that one end says yes, and make the change where both have. Doing it again changes nothing."""
        with self._database.writing() as connection:
            row = _one(connection, public_id, number)
            if row.done_at is not None:
                return _change(row)
            mine = address_changes.c.key == number
            said = address_changes.c.new_confirmed_at if new else address_changes.c.old_confirmed_at
            connection.execute(address_changes.update().where(mine, said.is_(None)).values({said.name: now}))
            change = _change(_one(connection, public_id, number))
            if not (change.old_confirmed and change.new_confirmed):
                return change
            try:
                with connection.begin_nested():
                    moved = {"email": change.new, "address": change.new.casefold()}
                    connection.execute(
                        subscribers.update().where(subscribers.c.key == row.subscriber_key).values(moved)
                    )
            except IntegrityError:
                return replace(change, taken=True)
            # What was the old address is nobody's business any more.
            connection.execute(address_changes.update().where(mine).values(done_at=now))
            return replace(change, done=True)


def _one(connection: sa.Connection, public_id: str, number: int) -> sa.Row[tuple[object, ...]]:
    query = sa.select(address_changes, subscribers.c.email.label("old")).join_from(address_changes, subscribers)
    others = address_changes.alias()
    newer = sa.exists().where(others.c.subscriber_key == address_changes.c.subscriber_key, others.c.key > number)
    found = connection.execute(
        query.where(subscribers.c.public_id == public_id, address_changes.c.key == number, ~newer)
    )
    row = found.first()
    if row is None:
        raise _gone()
    return row


def _change(row: sa.Row[tuple[object, ...]]) -> Change:
    return Change(
        old=row.old,
        new=row.email,
        old_confirmed=row.old_confirmed_at is not None,
        new_confirmed=row.new_confirmed_at is not None,
        done=row.done_at is not None,
    )


def _gone() -> ExpiredError:
    return ExpiredError("this change of address is not asked for any more", hint="ask again on your own page")
