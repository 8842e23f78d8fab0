"""How much may be sent how fast, by all senders together: each takes a few at a time, and asks again for more.

A window is cut into slots, and a row holds how many were taken in each of the last ones. What is taken must be used
within a slot's time, or is lost; so no stretch of a window's length ever holds more than its limit, whoever sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from newsletter.store.engine import Database, insert_ignore
from newsletter.store.schema import allowances

SLOTS = 20  # in a window
# A stretch of a window's length touches one slot more, and what was taken a slot before its first moment may be used
# in it.
_COUNTED = SLOTS + 2


@dataclass(frozen=True, slots=True)
class Taken:
    """How many were granted; where none were, after how many seconds there may be some. What is granted must be used
    within `hold` seconds of being asked for.
    """

    count: int
    wait: float
    hold: float


def granted(taken: Mapping[int, int], slot: int, *, limit: int, most: int) -> tuple[dict[int, int], int, int]:
    """Grant up to `most` in a slot; give what is taken then, how many are granted, and else for how many slots not."""
    counted = {number: count for number, count in taken.items() if number > slot - _COUNTED}
    count = max(0, min(most, limit - sum(counted.values())))
    if count:
        counted[slot] = counted.get(slot, 0) + count
        return counted, count, 0
    return counted, 0, min(counted, default=slot) + _COUNTED - slot


class Allowances:
    """One row a scope (`hour`, `domain: lab.example`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, scope: str, *, limit: int, length: timedelta, most: int) -> Taken:
        """Take up to `most` of the `limit` that a scope allows in any stretch of a `length`."""
        width = length.total_seconds() / SLOTS
        mine = allowances.c.scope == scope
        with self._database.writing() as connection:
            row = connection.execute(sa.select(allowances.c.taken).where(mine).with_for_update()).first()
            if row is None:
                connection.execute(
                    insert_ignore(connection, allowances), {"scope": scope, "taken": {}, "changed_at": _now(connection)}
                )
                row = connection.execute(sa.select(allowances.c.taken).where(mine).with_for_update()).one()
            moment = _now(connection)  # only now: we may have waited for another's turn
            before = {int(slot): count for slot, count in row.taken.items()}
            # By another length its slots would be others.
            known = {slot: count for slot, count in before.items() if slot <= moment.timestamp() / width + 1}
            after, count, wait = granted(known, int(moment.timestamp() / width), limit=limit, most=most)
            if count:
                values = {"taken": {str(slot): number for slot, number in after.items()}, "changed_at": moment}
                connection.execute(allowances.update().where(mine).values(values))
        return Taken(count, wait * width, width)

    def forget(self, *, before: datetime) -> int:
        """Drop what nobody has asked for since a time, and tell how many scopes those were."""
        with self._database.writing() as connection:
            return connection.execute(allowances.delete().where(allowances.c.changed_at < before)).rowcount


def _now(connection: Connection) -> datetime:
    """Give the server's time, which is one for all; a file's users share this machine's."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    found: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return found.astimezone(UTC)
