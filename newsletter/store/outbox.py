"""Mails that are no issue and have not left yet: rows are the queue, as for issues. What has left is not kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from newsletter.model import Message
from newsletter.store.engine import Database
from newsletter.store.schema import outbox


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail that is to leave. `attempts` counts this one, too."""

    key: int
    message: Message
    attempts: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits: how many mails, since when the oldest, and what was said last to one of them."""

    count: int
    since: datetime | None = None
    response: str = ""


class Outbox:
    """What waits to leave, whoever may send it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, message: Message, *, now: datetime, lease: timedelta) -> Letter:
        """Keep a mail, for who is about to send it; others leave it alone for as long as the lease lasts."""
        row = {
            "recipient": message.recipient,
            "envelope_sender": message.envelope_sender,
            "message_id": message.message_id,
            "data": message.data,
            "added_at": now,
            "attempts": 1,
            "next_attempt_at": now + lease,
            "response": "",
        }
        with self._database.writing() as connection:
            key = connection.execute(outbox.insert().values(row).returning(outbox.c.key)).scalar_one()
        return Letter(key, message, attempts=1)

    def take(self, *, now: datetime, lease: timedelta) -> Letter | None:
        """Take the mail that is due longest, for as long as the lease lasts; None where none is due."""
        query = sa.select(outbox).where(outbox.c.next_attempt_at <= now)
        query = query.order_by(outbox.c.next_attempt_at, outbox.c.key).limit(1).with_for_update(skip_locked=True)
        with self._database.writing() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            attempts = row.attempts + 1
            mine = outbox.update().where(outbox.c.key == row.key)
            connection.execute(mine.values(next_attempt_at=now + lease, attempts=attempts))
        return Letter(row.key, _message(row), attempts)

    def put_off(self, key: int, response: str, *, until: datetime) -> None:
        """Write why a mail did not leave, and when it is tried again."""
        with self._database.writing() as connection:
            mine = outbox.update().where(outbox.c.key == key)
            connection.execute(mine.values(response=response, next_attempt_at=until))

    def drop(self, key: int) -> None:
        """Forget a mail that has left, or never will."""
        with self._database.writing() as connection:
            connection.execute(outbox.delete().where(outbox.c.key == key))

    def waiting(self) -> Waiting:
        """Tell what waits."""
        newest = sa.select(outbox.c.response).where(outbox.c.response != "").order_by(outbox.c.key.desc()).limit(1)
        with self._database.reading() as connection:
            count, since = connection.execute(sa.select(sa.func.count(), sa.func.min(outbox.c.added_at))).one()
            return Waiting(count, since, connection.execute(newest).scalar() or "")


def drop_for(connection: Connection, email: str) -> None:
    """Forget what waits for an address."""
    connection.execute(outbox.delete().where(sa.func.lower(outbox.c.recipient) == email.strip().lower()))


def _message(row: sa.Row[Any]) -> Message:
    """Give a mail ready to send; what stands in its data is not taken out again."""
    return Message(row.recipient, row.envelope_sender, row.message_id, subject="", html="", text="", data=row.data)
