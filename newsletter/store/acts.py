"""What is done once, whoever does it."""

from __future__ import annotations

from datetime import datetime

from newsletter.store.engine import Database, insert_ignore
from newsletter.store.schema import acts


class Acts:
    """One row an act, by its name (at most 100 letters)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first(self, name: str, *, now: datetime) -> bool:
        """Tell whether this is the first time that an act is done; of all that ask at once, one is told so."""
        with self._database.writing() as connection:
            new = insert_ignore(connection, acts).values(name=name, at=now).returning(acts.c.name)
            return connection.execute(new).first() is not None
