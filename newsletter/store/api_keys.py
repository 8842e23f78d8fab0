"""Keys of the API, by the hash of what only their holder has."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from newsletter.errors import NotFoundError, StoreError
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.schema import api_keys

PREFIX = "nl_"  # by which programs that look for leaked secrets can tell what it is


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Who may do what."""

    name: str
    scopes: tuple[str, ...]
    created_at: datetime


class ApiKeys:
    """A key is 32 random bytes, so its plain SHA-256 tells nothing of it (a password's would)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, scopes: Sequence[str], *, now: datetime) -> str:
        """Make a key and give it, this once. Raises StoreError where the name is taken."""
        secret = PREFIX + secrets.token_urlsafe(32)
        row = {"name": name, "secret_hash": _hash(secret), "scopes": sorted(set(scopes)), "created_at": now}
        with self._database.writing() as connection:
            if not connection.execute(insert_ignore(connection, api_keys).values(row)).rowcount:
                raise StoreError(f"there is a key {name!r} already", hint="`newsletter keys remove` takes it back")
        return secret

    def find(self, secret: str) -> ApiKey | None:
        """Give the key that somebody shows, None where it is none of ours."""
        query = sa.select(api_keys).where(api_keys.c.secret_hash == _hash(secret))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            return ApiKey(row.name, tuple(row.scopes), row.created_at) if row else None

    def all(self) -> list[ApiKey]:
        """Give all keys, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.name))
            return [ApiKey(row.name, tuple(row.scopes), row.created_at) for row in rows]

    def remove(self, name: str) -> None:
        """Take a key back, at once. Raises NotFoundError."""
        with self._database.writing() as connection:
            if not connection.execute(api_keys.delete().where(api_keys.c.name == name)).rowcount:
                raise NotFoundError(f"there is no key {name!r}", hint="`newsletter keys list` shows those there are")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
