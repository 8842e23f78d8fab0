"""Rows to keep, and all rows that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from newsletter.model import (
    Cadence,
    Delivery,
    Digest,
    Edition,
    InterestProfile,
    Issue,
    IssueState,
    NewSubscriber,
    PaperRecord,
    Pick,
    Reason,
    ReasonKind,
    Section,
    Subscriber,
    SubscriberStatus,
    Window,
)
from newsletter.store import Store
from newsletter.store.schema import metadata

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
DAY = date(2026, 11, 23)
MINUTE = timedelta(minutes=1)
EVER = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Give every row of every table."""
    with store._database.reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def clear(store: Store) -> None:
    """Delete every row of every table."""
    with store._database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())


def digest(*records: PaperRecord, title: str = "Dunes daily", day: date | None = DAY) -> Digest:
    return Digest(title, records, day)


def record(title: str, **fields: Any) -> PaperRecord:
    return PaperRecord(title, **fields)


def new_subscriber(email: str = "ada@example.test", **fields: Any) -> NewSubscriber:
    given = {"profile": InterestProfile(keywords=("dunes",)), "status": SubscriberStatus.ACTIVE, **fields}
    return NewSubscriber(email, **given)


def sketch(day: date = DAY, *, cadence: Cadence = Cadence.DAILY, state: IssueState = IssueState.OPEN) -> Issue:
    end = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Issue(0, cadence, day, Window(end - timedelta(days=1), end), state)


def edition(issue: Issue, subscriber: Subscriber, *papers: int) -> Edition:
    reasons = (Reason(ReasonKind.KEYWORD, "dunes"), Reason(ReasonKind.AUTHOR, "Ada “Sand” Lovelace"))
    picks = tuple(Pick(key, rank, Section.FOR_YOU, 0.1 + rank, reasons) for rank, key in enumerate(papers, 1))
    return Edition(issue, subscriber, picks)


def people(store: Store, count: int, *, first: int = 1) -> list[Subscriber]:
    """Subscribe p1@…, p2@…"""
    store.subscribers.replace(
        [new_subscriber(f"p{number}@example.test") for number in range(first, first + count)], now=NOW
    )
    everyone = {subscriber.email: subscriber for subscriber in store.subscribers.all()}
    return [everyone[f"p{number}@example.test"] for number in range(first, first + count)]


def message_ids(editions: Sequence[Edition]) -> dict[int, str]:
    return {one.subscriber.key: f"<{one.issue.key}.{one.subscriber.key}@example.test>" for one in editions}


def queued(store: Store, count: int, day: date = DAY) -> tuple[Issue, list[Delivery]]:
    """Open an issue and queue so many deliveries of it."""
    issue = store.issues.open(sketch(day), now=NOW)
    editions = [edition(issue, one, 1) for one in people(store, count)]
    store.issues.publish(editions, message_ids(editions), now=NOW)
    return issue, store.deliveries.page(9999, above=0, issue_keys=[issue.key])
