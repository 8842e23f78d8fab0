"""How PostgreSQL goes about what is asked for each shard: by an index, also where there are very many rows.

The tables hold enough for the planner to choose as it would for a million: it is told nothing but their statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from newsletter.model import Cadence, DeliveryState, IssueState, Shard, SubscriberStatus
from newsletter.store import Store
from newsletter.store.deliveries import Settlement
from tests.conftest import fresh_postgresql
from tests.store.rows import DAY, MINUTE, NOW, edition, message_ids, sketch

pytestmark = pytest.mark.postgresql
READERS, DAYS = 40_000, 4
LEASE = 10 * MINUTE
LARGE = {"subscribers", "editions", "deliveries", "ratings"}
FILL = """
INSERT INTO papers (key, id, title, abstract, authors, categories, url, arxiv_id, doi, first_seen_at, repository,
                    project_page, thumbnail)
SELECT n, 'title:' || n, 'Paper ' || n, '', '[]', '[]', '', '', '', now(), '', '', '' FROM generate_series(1, 500) n;
INSERT INTO subscribers (public_id, email, address, name, status, cadence, timezone, hour, papers, language, profile,
                         created_at)
SELECT 'p' || n, 'p' || n || '@example.test', 'p' || n || '@example.test', '',
       CASE WHEN n % 50 = 0 THEN 'unsubscribed' ELSE 'active' END, CASE WHEN n % 10 = 0 THEN 'weekly' ELSE 'daily' END,
       'UTC', 7, 10, 'en', '{"topics": [], "keywords": [], "muted": [], "authors": [], "interests": ""}', now()
FROM generate_series(1, :readers) n;
INSERT INTO ratings (subscriber_key, paper_key, liked, rated_at)
SELECT s.key, 1 + (s.key + n) % 500, true, now() FROM subscribers s, generate_series(1, 3) n;
INSERT INTO editions (issue_key, subscriber_key, picks) SELECT i.key, s.key, '[]' FROM issues i, subscribers s
WHERE i.key < (SELECT max(key) FROM issues) OR s.key % 3 > 0;
INSERT INTO deliveries (issue_key, subscriber_key, state, attempts, next_attempt_at, lease_owner, message_id, response,
                        queued_at, changed_at)
SELECT e.issue_key, e.subscriber_key,
       CASE WHEN e.issue_key < (SELECT max(key) FROM issues) THEN 'sent' ELSE 'queued' END, 0,
       CASE WHEN e.issue_key < (SELECT max(key) FROM issues) THEN NULL ELSE CAST(:now AS timestamptz) END, '',
       '<' || e.issue_key || '.' || e.subscriber_key || '@example.test>', '', now(), now() FROM editions e;
"""


@pytest.fixture(scope="module")
def full() -> Iterator[Store]:
    """A store with many rows; one for all tests here, which change little of it."""
    with fresh_postgresql() as url, Store(url) as store:
        for number in range(DAYS):
            store.issues.open(sketch(DAY + timedelta(days=number)), now=NOW)
        with store._database.writing() as connection:
            for statement in FILL.split(";\n"):
                if statement.strip():
                    connection.execute(sa.text(statement), {"readers": READERS, "now": NOW})
        with store._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        yield store


def plans(store: Store, ask: Callable[[], Any]) -> list[tuple[str, dict[str, Any]]]:
    """Do something, and give each statement that it took with the plan of it."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        asked.append((statement, parameters[0] if many else parameters))

    sa.event.listen(store._engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(store._engine, "before_cursor_execute", note)
    with store._database.reading() as connection:
        return [
            (
                statement,
                connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()[0]["Plan"],
            )
            for statement, values in asked
            if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
        ]


def scanned(plan: dict[str, Any]) -> set[str]:
    """Give the tables that a plan reads from one end to the other."""
    own = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return own.union(*(scanned(part) for part in plan.get("Plans", ())))


def _readers(store: Store, count: int = 500) -> list[Any]:
    issue = store.issues.latest(Cadence.DAILY)
    assert issue
    return store.subscribers.without_edition(issue, limit=count)


ASKED: dict[str, Callable[[Store, Any, list[Any]], Any]] = {
    "who waits": lambda store, issue, _: store.subscribers.without_edition(issue, Shard(20_000, 21_000)),
    "who waits, at the end": lambda store, issue, _: store.subscribers.without_edition(issue, Shard(READERS - 400)),
    "readers by key": lambda store, _, some: store.subscribers.by_key(one.key for one in some),
    "what they had": lambda store, issue, some: store.issues.already_picked((one.key for one in some), issue.window),
    "when they had it": lambda store, issue, some: store.issues.last_ends((one.key for one in some), before=issue.day),
    "their picks": lambda store, issue, some: store.issues.picks(issue.key, (one.key for one in some)),
    "is anything due": lambda store, issue, _: store.deliveries.any_due(issue.key, due=NOW, now=NOW),
    "whose lease it is": lambda store, *_: store.deliveries.owners(),
    "expire": lambda store, *_: store.deliveries.expire(now=NOW, dead=["gone"], resend=True),
    "release": lambda store, *_: store.deliveries.release("nobody"),
    "give up": lambda store, issue, _: store.turns.lapse([issue.key], queued_before=NOW, why="late", now=NOW),
    "one subscriber": lambda store, *_: store.subscribers.get("p77@example.test"),
    "their deliveries": lambda store, *_: store.deliveries.of_subscriber(77),
}


@pytest.mark.parametrize("name", ASKED)
def test_nothing_that_is_asked_for_each_shard_reads_a_whole_table(full: Store, name: str) -> None:
    issue, some = full.issues.latest(Cadence.DAILY), _readers(full)
    assert len(some) == 500
    taken = plans(full, lambda: ASKED[name](full, issue, some))
    assert taken
    for statement, plan in taken:
        assert not scanned(plan) & LARGE, statement


ROUNDS: dict[str, Callable[[Store, int], Any]] = {
    "who paused": lambda store, _: store.turns.paused(now=NOW, limit=500),
    "what is due": lambda store, _: store.turns.due(now=NOW),
    "what is not due yet": lambda store, _: store.turns.waiting_times(now=NOW),
    "what never left": lambda store, _: store.turns.untried(before=DAY + timedelta(days=DAYS), limit=500),
    "hasten": lambda store, key: store.turns.hasten([key], now=NOW),
    "move": lambda store, key: store.turns.move(key, timezone="UTC", hour=7, old=NOW - MINUTE, new=NOW),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_what_is_asked_in_each_round_looks_at_no_delivery_that_is_done(full: Store, name: str) -> None:
    issue = full.issues.latest(Cadence.DAILY)
    assert issue
    for statement, plan in plans(full, lambda: ROUNDS[name](full, issue.key)):
        assert "deliveries" not in scanned(plan), statement


def test_that_a_whole_table_is_read_would_be_seen(full: Store) -> None:
    [(_, plan)] = plans(full, full.subscribers.hours)
    assert scanned(plan) == {"subscribers"}


def test_sending_reads_no_whole_table(full: Store) -> None:
    issue = full.issues.latest(Cadence.DAILY)
    assert issue
    assert issue.state is IssueState.OPEN
    rows = full.deliveries

    def send() -> None:
        for shard in (Shard(10_000, 10_500), Shard()):
            took = rows.claim([issue.key], owner="me", due=NOW, now=NOW, lease=LEASE, limit=64, shard=shard)
            assert len(took) == 64
            keys = [one.key for one in took]
            assert rows.start(keys[:60], owner="me", now=NOW, lease=LEASE) == set(keys[:60])
            rows.settle([Settlement(key, DeliveryState.SENT, "250") for key in keys[:60]], owner="me", now=NOW)
            # One connection marks and settles one at a time.
            assert rows.start([keys[60]], owner="me", now=NOW, lease=LEASE) == {keys[60]}
            rows.settle([Settlement(keys[60], DeliveryState.SENT, "250")], owner="me", now=NOW)
            rows.put_off(keys[-1], owner="me", until=NOW + MINUTE)

    for statement, plan in plans(full, send):
        assert not scanned(plan) & LARGE, statement


def test_publishing_reads_no_whole_table(full: Store) -> None:
    issue = full.issues.latest(Cadence.DAILY)
    assert issue
    made = [edition(issue, one, 1) for one in _readers(full, 50)]
    for statement, plan in plans(full, lambda: full.issues.publish(made, message_ids(made), now=NOW)):
        assert not scanned(plan) & LARGE, statement


def test_what_reads_many_rows_reads_an_index(full: Store) -> None:
    """Once for an issue, not for a shard: cutting shards, and counting."""
    issue = full.issues.latest(Cadence.DAILY)
    assert issue

    def ask() -> None:
        assert len(full.subscribers.shards(Cadence.DAILY, 500)) > 60
        assert full.deliveries.shards(issue.key, due=NOW, now=NOW, size=500)
        assert full.deliveries.counts([issue.key])[DeliveryState.QUEUED] > 10_000
        assert full.subscribers.any_active(Cadence.WEEKLY)
        assert full.subscribers.counts()[SubscriberStatus.ACTIVE] > READERS // 2

    for statement, plan in plans(full, ask):
        assert not scanned(plan) & {"editions", "deliveries", "ratings"}, statement


def test_no_plan_outlives_the_table_that_it_was_made_for(full: Store) -> None:
    """A prepared statement keeps the plan for a table that was empty at first, and reads all of it when it is full."""
    for _ in range(12):
        assert full.subscribers.counts()
    with full._database.reading() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM pg_prepared_statements")) == 0
