"""Issues, and the editions that subscribers get of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from newsletter.model import (
    Cadence,
    DeliveryState,
    Edition,
    Issue,
    IssueState,
    Pick,
    Reason,
    ReasonKind,
    Section,
    Window,
)
from newsletter.store.absorb import absorbed
from newsletter.store.batches import batches
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.schema import deliveries, editions, issues


class Issues:
    """Dated editions of the newsletter: unique per (cadence, day) and per (cadence, window start)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, sketch: Issue, *, now: datetime) -> Issue:
        """Keep an issue; where it was opened already (also just now, by another process), give that one."""
        row = {
            "cadence": sketch.cadence.value,
            "day": sketch.day,
            "window_start": sketch.window.start,
            "window_end": sketch.window.end,
            "state": sketch.state.value,
            "opened_at": now,
        }
        with self._database.writing() as connection:
            connection.execute(insert_ignore(connection, issues), row)
            same = sa.or_(issues.c.day == sketch.day, issues.c.window_start == sketch.window.start)
            query = sa.select(issues).where(issues.c.cadence == sketch.cadence.value, same)
            found = connection.execute(query.order_by((issues.c.day == sketch.day).desc())).first()
            assert found is not None, "an issue that was just inserted or was there"  # noqa: S101
            return _issue(found)

    def on(self, day: date) -> list[Issue]:
        """Give the issues of a day, one a cadence at most."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(issues).where(issues.c.day == day).order_by(issues.c.cadence))
            return [_issue(row) for row in rows]

    def latest(self, cadence: Cadence) -> Issue | None:
        """Give the newest issue of a cadence."""
        query = sa.select(issues).where(issues.c.cadence == cadence.value).order_by(issues.c.day.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            return _issue(row) if row else None

    def all(self) -> list[Issue]:
        """Give every issue, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(issues).order_by(issues.c.day.desc(), issues.c.cadence))
            return [_issue(row) for row in rows]

    def page(self, limit: int, *, below: int) -> list[Issue]:
        """Give issues whose keys are below one, those that were opened last first."""
        query = sa.select(issues).where(issues.c.key < below).order_by(issues.c.key.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_issue(row) for row in connection.execute(query)]

    def by_key(self, keys: Iterable[int]) -> dict[int, Issue]:
        """Give issues by key."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(issues).where(issues.c.key.in_(set(keys))))
            return {row.key: _issue(row) for row in rows}

    def set_state(self, issue: Issue, state: IssueState) -> None:
        """Pause an issue, or let it go on."""
        with self._database.writing() as connection:
            connection.execute(issues.update().where(issues.c.key == issue.key).values(state=state.value))

    def publish(self, made: Sequence[Edition], message_ids: Mapping[int, str], *, now: datetime) -> None:
        """Keep editions and queue their deliveries, in one transaction; those that are kept already stay as they are.

        An edition without picks is kept too; its delivery is `skipped`. `message_ids` go by subscriber key.
        """
        with self._database.writing() as connection:
            for some in batches(made):
                rows = [_edition_row(edition) for edition in some]
                connection.execute(insert_ignore(connection, editions), rows)
                queued = [_delivery_row(edition, message_ids[edition.subscriber.key], now) for edition in some]
                connection.execute(insert_ignore(connection, deliveries), queued)

    def published(self, issue: Issue) -> set[int]:
        """Give the keys of the subscribers who have an edition of an issue."""
        with self._database.reading() as connection:
            query = sa.select(editions.c.subscriber_key).where(editions.c.issue_key == issue.key)
            return set(connection.scalars(query))

    def picks(self, issue_key: int, subscriber_keys: Iterable[int]) -> dict[int, tuple[Pick, ...]]:
        """Give the picks of an issue by subscriber key."""
        found: dict[int, tuple[Pick, ...]] = {}
        with self._database.reading() as connection:
            for some in batches(subscriber_keys):
                query = sa.select(editions.c.subscriber_key, editions.c.picks)
                query = query.where(editions.c.issue_key == issue_key, editions.c.subscriber_key.in_(some))
                for row in connection.execute(query):
                    found[row.subscriber_key] = tuple(_pick(value) for value in row.picks)
        return found

    def of_subscriber(self, subscriber_key: int) -> list[tuple[Issue, tuple[Pick, ...]]]:
        """Give the issues that a subscriber has an edition of, oldest first, with its picks."""
        query = sa.select(issues, editions.c.picks).join_from(editions, issues)
        query = query.where(editions.c.subscriber_key == subscriber_key).order_by(issues.c.day, issues.c.key)
        with self._database.reading() as connection:
            return [(_issue(row), tuple(_pick(value) for value in row.picks)) for row in connection.execute(query)]

    def already_picked(self, subscriber_keys: Iterable[int]) -> dict[int, set[int]]:
        """Give the papers that each subscriber was ever given, by subscriber key."""
        found: dict[int, set[int]] = {}
        with self._database.reading() as connection:
            now = absorbed(connection)
            for some in batches(subscriber_keys):
                query = sa.select(editions.c.subscriber_key, editions.c.picks)
                for row in connection.execute(query.where(editions.c.subscriber_key.in_(some))):
                    keys = (pick["paper"] for pick in row.picks)
                    found.setdefault(row.subscriber_key, set()).update(now.get(key, key) for key in keys)
        return found


def _edition_row(edition: Edition) -> dict[str, Any]:
    return {
        "issue_key": edition.issue.key,
        "subscriber_key": edition.subscriber.key,
        "picks": [
            {
                "paper": pick.paper_key,
                "rank": pick.rank,
                "section": pick.section.value,
                "score": pick.score,
                "reasons": [[reason.kind.value, reason.matched] for reason in pick.reasons],
            }
            for pick in edition.picks
        ],
    }


def _delivery_row(edition: Edition, message_id: str, now: datetime) -> dict[str, Any]:
    return {
        "issue_key": edition.issue.key,
        "subscriber_key": edition.subscriber.key,
        "state": (DeliveryState.QUEUED if edition.picks else DeliveryState.SKIPPED).value,
        "attempts": 0,
        "next_attempt_at": now if edition.picks else None,
        "lease_owner": "",
        "leased_until": None,
        "message_id": message_id,
        "response": "" if edition.picks else "no papers for this subscriber",
        "queued_at": now,
        "changed_at": now,
    }


def _pick(value: Mapping[str, Any]) -> Pick:
    return Pick(
        paper_key=value["paper"],
        rank=value["rank"],
        section=Section(value["section"]),
        score=value["score"],
        reasons=tuple(Reason(ReasonKind(kind), matched) for kind, matched in value["reasons"]),
    )


def _issue(row: Row[Any]) -> Issue:
    return Issue(
        key=row.key,
        cadence=Cadence(row.cadence),
        day=row.day,
        window=Window(row.window_start, row.window_end),
        state=IssueState(row.state),
    )
