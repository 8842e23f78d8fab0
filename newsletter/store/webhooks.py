"""Addresses that are told what happens, and what they are still to be told: rows are the queue, as for mail."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from newsletter.errors import NotFoundError
from newsletter.store.engine import Database
from newsletter.store.schema import webhook_calls, webhooks

_KEPT = timedelta(days=30)  # calls that are over


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address, the events that it is told of, and what its calls are signed with."""

    key: int
    url: str
    secret: str
    events: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that one address is to be told. `attempts` counts those before."""

    key: int
    webhook: Webhook
    event: str
    data: Mapping[str, Any]
    happened_at: datetime
    attempts: int


class Webhooks:
    """Who is told, and of what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, url: str, events: Sequence[str], *, now: datetime) -> Webhook:
        """Keep an address, with a secret of its own."""
        row = {"url": url, "secret": secrets.token_urlsafe(32), "events": sorted(set(events)), "created_at": now}
        with self._database.writing() as connection:
            key = connection.execute(webhooks.insert().values(row).returning(webhooks.c.key)).scalar_one()
            return _webhook(connection.execute(sa.select(webhooks).where(webhooks.c.key == key)).one())

    def all(self) -> list[Webhook]:
        """Give all addresses, oldest first."""
        with self._database.reading() as connection:
            return [_webhook(row) for row in connection.execute(sa.select(webhooks).order_by(webhooks.c.key))]

    def remove(self, key: int) -> None:
        """Tell an address no more. Raises NotFoundError."""
        with self._database.writing() as connection:
            if not connection.execute(webhooks.delete().where(webhooks.c.key == key)).rowcount:
                raise NotFoundError(f"there is no webhook {key}")

    def happened(self, event: str, data: Mapping[str, Any], *, now: datetime) -> int:
        """Queue an event for all addresses that want it, and tell how many do."""
        with self._database.writing() as connection:
            connection.execute(
                webhook_calls.delete().where(
                    webhook_calls.c.next_attempt_at.is_(None), webhook_calls.c.happened_at < now - _KEPT
                )
            )
            wanted = [
                {
                    "webhook_key": row.key,
                    "event": event,
                    "data": dict(data),
                    "happened_at": now,
                    "attempts": 0,
                    "next_attempt_at": now,
                    "response": "",
                }
                for row in connection.execute(sa.select(webhooks))
                if event in row.events
            ]
            if wanted:
                connection.execute(webhook_calls.insert(), wanted)
            return len(wanted)

    def take(self, limit: int, *, now: datetime, lease: timedelta) -> list[Call]:
        """Take calls that are due; others leave them alone for as long as the lease lasts."""
        query = sa.select(webhook_calls, webhooks).join_from(webhook_calls, webhooks)
        query = query.where(webhook_calls.c.next_attempt_at <= now).order_by(webhook_calls.c.key).limit(limit)
        query = query.set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
        with self._database.writing() as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            keys = [row.webhook_calls_key for row in rows]
            leased = webhook_calls.update().where(webhook_calls.c.key.in_(keys))
            connection.execute(leased.values(next_attempt_at=now + lease, attempts=webhook_calls.c.attempts + 1))
            return [_call(row) for row in rows]

    def settle(self, key: int, response: str, *, again: datetime | None) -> None:
        """Write what became of a call: what was answered, and when it is tried again (None: never)."""
        mine = webhook_calls.c.key == key
        with self._database.writing() as connection:
            connection.execute(
                webhook_calls.update().where(mine).values(response=response[:500], next_attempt_at=again)
            )


def _webhook(row: sa.Row[Any]) -> Webhook:
    return Webhook(row.key, row.url, row.secret, tuple(row.events), row.created_at)


def _call(row: sa.Row[Any]) -> Call:
    hook = Webhook(
        row.webhooks_key, row.webhooks_url, row.webhooks_secret, tuple(row.webhooks_events), row.webhooks_created_at
    )
    return Call(
        row.webhook_calls_key,
        hook,
        row.webhook_calls_event,
        row.webhook_calls_data,
        row.webhook_calls_happened_at,
        row.webhook_calls_attempts,
    )
