"""How the configured sources have been doing: what to ask with next time, and what went wrong last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.model import SourceState
from newsletter.store.engine import Database
from newsletter.store.schema import sources


class Sources:
    """One row per configured source, by its name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[SourceState]:
        """Give every source that was ever pulled, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(sources).order_by(sources.c.name))
            return [SourceState(**row._mapping) for row in rows]  # noqa: SLF001  SQLAlchemy's documented access by name

    def succeeded(self, name: str, validators: Mapping[str, str], *, now: datetime) -> None:
        """Remember that a source was read, and its validators (`etag`, `last_modified`, `url`)."""
        self._write(name, {**validators, "failures": 0, "last_error": "", "last_success_at": now, "retry_at": None})

    def failed(self, name: str, error: str, *, retry_at: datetime | None) -> int:
        """Remember why a source could not be read, and tell how many times in a row that has been so."""
        with self._database.writing() as connection:
            known = connection.execute(sa.select(sources.c.failures).where(sources.c.name == name)).scalar()
            failures = (known or 0) + 1
            values = {"failures": failures, "last_error": error[:1000], "retry_at": retry_at}
            _upsert(connection, name, values, known=known is not None)
        return failures

    def _write(self, name: str, values: Mapping[str, Any]) -> None:
        with self._database.writing() as connection:
            known = connection.execute(sa.select(sources.c.name).where(sources.c.name == name)).first()
            _upsert(connection, name, values, known=known is not None)


def _upsert(connection: sa.Connection, name: str, values: Mapping[str, Any], *, known: bool) -> None:
    if known:
        connection.execute(sources.update().where(sources.c.name == name).values(dict(values)))
    else:
        blank = {"etag": "", "last_modified": "", "url": "", "failures": 0, "last_error": ""}
        connection.execute(sources.insert().values({**blank, **values, "name": name}))
