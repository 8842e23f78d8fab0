"""The names of what workers do, and how it is asked for: in the newsletter's own transactions, on its own PostgreSQL.

Procrastinate keeps the jobs in tables beside ours. So an issue and the jobs that work on it are there together, or
neither is. A job names a part of the work and nothing else; done twice, it changes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from newsletter.errors import UsageError
from newsletter.model import Issue, Queue, Shard
from newsletter.store import Store

if TYPE_CHECKING:
    from procrastinate import App

_SCHEMA_LOCK = 7_364_013  # see store.papers


class Task(StrEnum):
    """What there is to do. Workers of two versions may share a database, so names and arguments are never changed."""

    TICK = "tick"  # see to what was left by the dead, and what is due
    TEND = "tend"  # see what the timetable wants
    INGEST = "ingest"  # one source
    EMBED = "embed"  # some papers
    RANK = "rank"  # one shard of an issue
    DELIVER = "deliver"  # one shard of an issue
    SPREAD = "spread"  # cut what waits of an issue into shards


QUEUES = {
    Task.TICK: Queue.SCHEDULE,
    Task.TEND: Queue.SCHEDULE,
    Task.INGEST: Queue.PAPERS,
    Task.EMBED: Queue.PAPERS,
    Task.RANK: Queue.RANKING,
    Task.DELIVER: Queue.DELIVERY,
    Task.SPREAD: Queue.DELIVERY,
}
# A mail that can leave goes before the next shard is ranked. What waits is cut anew only when no shard of it is left.
PRIORITIES = {
    Task.TICK: 20,
    Task.TEND: 20,
    Task.INGEST: 10,
    Task.EMBED: 10,
    Task.DELIVER: 5,
    Task.RANK: 0,
    Task.SPREAD: -10,
}


@dataclass(frozen=True)
class Jobs:
    """Asks for work. `size` is how many subscribers a shard has."""

    store: Store
    size: int

    def __post_init__(self) -> None:
        if not self.store.shared:
            raise UsageError(
                "workers need PostgreSQL: SQLite is for one machine",
                hint="set database.url to postgresql://…, or do without: cluster.enabled = false and `newsletter send`",
            )

    def prepare(self) -> None:
        """Make the engine's tables, where they are not there yet."""
        with self.store.lending() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_SCHEMA_LOCK])
            if connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()[0] is None:
                connection.execute(self._app.schema_manager.get_schema())

    def opened(self, connection: Any, issue: Issue) -> None:
        """Ask for an issue to be ranked, a shard a job, within the transaction that opens it."""
        shards = self.store.subscribers.shards(issue.cadence, self.size)
        self._on(connection, Task.RANK, (_arguments(issue.key, shard) for shard in shards))

    def deliver(self, issue_key: int, shards: Iterable[Shard]) -> None:
        """Ask for what waits in some shards of an issue to be sent."""
        with self.store.lending() as connection:
            self._on(connection, Task.DELIVER, (_arguments(issue_key, shard) for shard in shards))

    def embed(self, lists: Iterable[list[int]]) -> None:
        """Ask for the vectors of papers, by key, a list a job."""
        with self.store.lending() as connection:
            self._on(connection, Task.EMBED, ({"papers": keys} for keys in lists))

    def left(self, issue_key: int) -> bool:
        """Tell whether shards of an issue are still to be ranked, or could not be."""
        return self._any("task_name = %s AND args->>'issue' = %s AND status <> 'succeeded'", Task.RANK, str(issue_key))

    def reading(self) -> bool:
        """Tell whether sources are being read, or are about to be."""
        return self._any("task_name = %s AND status IN ('todo', 'doing')", Task.INGEST)

    def _any(self, condition: str, *values: str) -> bool:
        query = f"SELECT 1 FROM procrastinate_jobs WHERE {condition} LIMIT 1"  # noqa: S608  ours, not a stranger's
        with self.store.lending() as connection:
            return connection.execute(query, [str(value) for value in values]).fetchone() is not None

    def once(self, task: Task, name: str, **arguments: Any) -> bool:
        """Ask for something that must not wait twice in the queue under the same name; tell whether it did not yet."""
        from procrastinate.exceptions import AlreadyEnqueued  # noqa: PLC0415

        try:
            with self.store.lending() as connection:
                self._on(connection, task, [arguments], queueing_lock=f"{task}:{name}")
        except AlreadyEnqueued:
            return False
        return True

    @cached_property
    def _app(self) -> App:
        from procrastinate import App, SyncPsycopgConnector  # noqa: PLC0415  lazy: only those with a cluster need it

        return App(connector=SyncPsycopgConnector())  # never opened: it is lent our connections

    def _on(self, connection: Any, task: Task, arguments: Iterable[dict[str, Any]], **options: Any) -> None:
        if given := list(arguments):
            options |= {"queue": QUEUES[task].value, "priority": PRIORITIES[task], "connection": connection}
            self._app.configure_task(task.value, **options).batch_defer(*given)


def _arguments(issue_key: int, shard: Shard) -> dict[str, Any]:
    return {"issue": issue_key, "after": shard.after, "upto": shard.upto}
