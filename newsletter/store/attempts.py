"""How often something was tried lately, so that it can be limited across all processes."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from newsletter.store.engine import Database
from newsletter.store.schema import attempts

LONGEST = timedelta(days=1)


class Attempts:
    """Counted in buckets, which are keyed hashes of what is limited; nothing is kept for longer than a day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def allow(self, bucket: str, *, most: int, within: timedelta, now: datetime) -> bool:
        """Count one more attempt and tell whether it is among the `most` that are allowed `within` a time.

        `within` is a day at most. What is not allowed is not counted, so that waiting always helps.
        """
        lately = attempts.c.bucket == bucket, attempts.c.at > now - within
        with self._database.writing() as connection:
            if connection.dialect.name == "postgresql":  # two that count at once would both pass; SQLite has one writer
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(bucket))))
            connection.execute(attempts.delete().where(attempts.c.at <= now - LONGEST))
            query = sa.select(sa.func.count()).select_from(attempts).where(*lately)
            if connection.execute(query).scalar_one() >= most:
                return False
            connection.execute(attempts.insert().values(bucket=bucket, at=now))
            return True
