"""Workers: the pipeline's own steps, a shard a job, on as many machines as there are (Procrastinate on PostgreSQL).

Nothing here decides what becomes of a mail: claims, leases and fences are the store's, as for one sender. A worker that
dies leaves jobs that others find by its missing heartbeat, and do again; a worker that was only cut off finds its rows
taken when it comes back.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException

from newsletter import bootstrap
from newsletter.errors import NewsletterError
from newsletter.jobs import PRIORITIES, QUEUES, Jobs, Task
from newsletter.model import Issue, IssueState, Queue, Shard, Window
from newsletter.store.batches import batches
from newsletter.store.engine import SOUND

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.ranking.candidates import Candidates
    from newsletter.store import Store

Say: TypeAlias = Callable[[str], None]

_SIGNS = 6  # of life that a worker misses before others take over
_TICK = "* * * * * */5"  # the sixth field is seconds
_DRAIN = 8.0  # seconds that running jobs have when the worker is told to stop
_LONGEST_WAIT = 30.0  # seconds between tries to reach the database
_LATELY = timedelta(days=7)  # issues of before are looked after by hand
_EMBEDDED = 64  # papers a job
_PREPARED = 3  # issues whose papers are kept ready; a day has as many cadences
_INSTANT = timedelta(microseconds=1)

log = logging.getLogger(__name__)


class Interrupted(Exception):  # noqa: N818  it is no error: the job is done by another worker, or later
    """The worker is to stop, and what is left of the job goes back into the queue."""


class _Retry(procrastinate.BaseRetryStrategy):
    """Again at once where the worker stopped; with longer and longer waits, for some two hours, where it failed."""

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        if isinstance(exception, Interrupted):
            return procrastinate.RetryDecision(retry_in={"seconds": 0})
        if job.attempts >= 16:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": min(2 ** (job.attempts + 1), 600)})


@dataclass
class Crew:
    """What the jobs of one worker share. Each method is a job."""

    settings: Settings
    store: Store
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.store, self.settings.cluster.shard)
        self.newsletter = bootstrap.newsletter(self.settings, self.store)
        self.transport = bootstrap.transport(self.settings)
        self.policy = bootstrap.policy(self.settings)
        self._prepared: OrderedDict[int, Candidates | None] = OrderedDict()
        self._preparing = threading.Lock()

    def ingest(self, source: str) -> None:
        """Read one source, and ask for the vectors of what is new."""
        now = bootstrap.clock()
        for pulled in self.newsletter.ingest(
            bootstrap.sources(self.settings, self.store, [source]), now=now, remember=True
        ):
            log.info("source %s: %s", pulled.source, pulled.error or f"{pulled.new} new papers")
        new = self.store.papers.in_window(Window(now, now + _INSTANT))
        self.jobs.embed(batches([paper.key for paper in new], _EMBEDDED))

    def embed(self, papers: list[int]) -> None:
        """See that the vectors of some papers are there when they are ranked."""
        self.newsletter.ranker().remember(list(self.store.papers.by_key(papers).values()))

    def rank(self, issue: int, after: int, upto: int | None) -> None:
        """Make the editions of one shard, and ask for their delivery."""
        shard = Shard(after, upto)
        if found := self._issue(issue):
            self.newsletter.rank(found, now=bootstrap.clock(), shard=shard, prepare=self._candidates)
            self.jobs.deliver(issue, [shard])

    def deliver(self, issue: int, after: int, upto: int | None) -> None:
        """Send what is due of one shard."""
        found = self._issue(issue)
        if found is None or found.state is not IssueState.OPEN:
            return
        tally = self.newsletter.deliver(
            [found],
            self.transport,
            self.policy,
            now=bootstrap.clock(),
            connections=self.settings.smtp.connections,
            shard=Shard(after, upto),
            stop=self.stopping.is_set,
        )
        if self.stopping.is_set():
            raise Interrupted
        if tally.alarm:
            log.error("%s: the %s issue of %s is paused", tally.alarm, found.cadence, found.day)

    def spread(self, issue: int) -> None:
        """Ask for what waits of an issue and is due to be sent: later hours, retries, what the dead left."""
        due, real = bootstrap.clock(), datetime.now(UTC)
        shards = self.store.deliveries.shards(issue, due=due, now=real, size=self.jobs.size)
        self.jobs.deliver(issue, shards)

    def tick(self) -> None:
        """See what is due. Ticks may be missed, or come twice: what is due is worked out anew each time."""
        self.newsletter.recover(self.policy)
        now = bootstrap.clock()
        for issue in self.store.issues.all():
            lately = issue.state is IssueState.OPEN and issue.day >= now.date() - _LATELY
            if lately and self.store.deliveries.any_due(issue.key, due=now, now=datetime.now(UTC)):
                self.jobs.once(Task.SPREAD, str(issue.key), issue=issue.key)

    def _issue(self, key: int) -> Issue | None:
        return self.store.issues.by_key([key]).get(key)

    def _candidates(self, issue: Issue) -> Candidates | None:
        """Prepare an issue's papers, once for all its shards: its window is closed."""
        with self._preparing:
            if issue.key not in self._prepared:
                self._prepared[issue.key] = self.newsletter.candidates(issue)
                while len(self._prepared) > _PREPARED:
                    self._prepared.popitem(last=False)
            return self._prepared[issue.key]


def engine(crew: Crew, *, concurrency: int) -> procrastinate.App:
    """Give the engine with all tasks."""
    connector = procrastinate.PsycopgConnector(
        conninfo=crew.store.address, kwargs=SOUND, min_size=1, max_size=concurrency + 3, timeout=10.0
    )
    app = procrastinate.App(connector=connector)
    works: dict[Task, Callable[..., None]] = {
        Task.INGEST: crew.ingest,
        Task.EMBED: crew.embed,
        Task.RANK: crew.rank,
        Task.DELIVER: crew.deliver,
        Task.SPREAD: crew.spread,
    }
    for task, work in works.items():
        app.task(name=task.value, queue=QUEUES[task].value, priority=PRIORITIES[task], retry=_Retry())(work)

    @app.periodic(cron=_TICK, queueing_lock=Task.TICK.value)
    @app.task(name=Task.TICK.value, queue=Queue.SCHEDULE.value, priority=PRIORITIES[Task.TICK])
    async def tick(timestamp: int) -> None:
        await revive(app, crew.settings.cluster.stalled_after)
        await asyncio.to_thread(crew.tick)

    return app


async def revive(app: procrastinate.App, after: float) -> None:
    """Give the jobs of workers that show no sign of life back to the queue."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=after):
        log.warning("job %s was left by a worker that is gone: it is done again", job.call_string)
        await manager.retry_job(job)
    await manager.prune_stalled_workers(after)


def work(
    settings: Settings,
    store: Store,
    *,
    say: Say,
    concurrency: int = 1,
    queues: Sequence[Queue] = (),
    until_empty: bool = False,
) -> None:
    """Do jobs until the process is told to stop (SIGTERM, Ctrl-C), or `until_empty` until there are none.

    A database that restarts, or cannot be reached, is waited for.
    """
    crew = Crew(settings, store)
    crew.jobs.prepare()
    options: dict[str, Any] = {
        "queues": [queue.value for queue in queues] or None,
        "concurrency": concurrency,
        "wait": not until_empty,
        "install_signal_handlers": False,
        "delete_jobs": "successful",
        "update_heartbeat_interval": settings.cluster.stalled_after / _SIGNS,
        "stalled_worker_timeout": settings.cluster.stalled_after,
        "shutdown_graceful_timeout": _DRAIN,
    }
    asyncio.run(_work(crew, options, say))


async def _work(crew: Crew, options: dict[str, Any], say: Say) -> None:
    failures = 0
    while not crew.stopping.is_set():
        app = engine(crew, concurrency=options["concurrency"])
        try:
            async with app.open_async():
                running = asyncio.create_task(app.run_worker_async(**options))
                _stop_on_signals(crew, running)
                await running
            if not options["wait"]:
                return
            failures = 0
        except asyncio.CancelledError:
            return
        except (ConnectorException, psycopg.Error, NewsletterError, OSError) as error:
            failures += 1
            say(f"the database cannot be used ({type(error).__name__}); it is tried again")
        await _pause(crew, min(0.5 * 2**failures, _LONGEST_WAIT))


def _stop_on_signals(crew: Crew, running: asyncio.Task[None]) -> None:
    def stop() -> None:
        crew.stopping.set()
        running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


async def _pause(crew: Crew, seconds: float) -> None:
    await asyncio.to_thread(crew.stopping.wait, seconds)
