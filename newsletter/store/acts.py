"""What is done once, whoever does it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from newsletter.store.engine import Database, insert_ignore
from newsletter.store.schema import acts


class Acts:
    """One row an act, by its name (at most 100 letters)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first(self, name: str, *, now: datetime) -> bool:
        """Tell whether this is the first time that an act is done; of all that ask at once, one is told so."""
        with self._database.writing() as connection:
            # Not by `rowcount`, which PostgreSQL's driver does not tell of such a statement.
            statement = insert_ignore(connection, acts).values(name=name, at=now).returning(acts.c.name)
            return connection.execute(statement).first() is not None

    def note(self, name: str, *, now: datetime) -> None:
        """Remember when an act was done last."""
        with self._database.writing() as connection:
            changed = connection.execute(acts.update().where(acts.c.name == name).values(at=now)).rowcount
            if not changed:
                connection.execute(insert_ignore(connection, acts), {"name": name, "at": now})

    def last(self, name: str) -> datetime | None:
        """Tell when an act was done last; None where it never was."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(acts.c.at).where(acts.c.name == name)).scalar()

    def forget(self, *, before: datetime) -> int:
        """Drop what was done before a time, and tell how many acts that were."""
        with self._database.writing() as connection:
            return connection.execute(acts.delete().where(acts.c.at < before)).rowcount
