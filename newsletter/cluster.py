"""Workers: the pipeline's own steps, a shard a job, on as many machines as there are (Procrastinate on PostgreSQL).

Nothing here decides what becomes of a mail: claims, leases and fences are the store's, as for one sender. A worker that
dies leaves jobs that others find by its missing heartbeat, and do again; a worker that was only cut off finds its rows
taken when it comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException

from newsletter import bootstrap
from newsletter.delivery.brake import Brake
from newsletter.duties import Duties
from newsletter.errors import NewsletterError
from newsletter.jobs import PRIORITIES, QUEUES, Jobs, Task
from newsletter.letters import Common
from newsletter.model import Issue, IssueState, Queue, Shard, Window
from newsletter.picking import Picking
from newsletter.rounds import Rounds
from newsletter.store.batches import batches
from newsletter.store.engine import SOUND

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.store import Store

Say: TypeAlias = Callable[[str], None]
_T = TypeVar("_T")

_SIGNS = 6  # of life that a worker misses before others take over
_TICK, _EVERY_MINUTE, _EVERY_FIVE = "* * * * * */5", "* * * * *", "*/5 * * * *"  # the sixth field is seconds
_IDLE = timedelta(days=2)  # after which the limit of a domain is forgotten; the longest window is a day
_LATEST = 60  # issues that may still have something to send
_DRAIN = 8.0  # seconds that running jobs have when the worker is told to stop
_LONGEST_WAIT = 30.0  # seconds between tries to reach the database
_EMBEDDED = 64  # papers a job
_PREPARED = 3  # issues of which is kept what their shards share; a day has as many cadences
_RETRIED = timedelta(minutes=10)  # a source that failed
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


class _Shared(Generic[_T]):
    """What all shards of an issue share, whose window is closed: of the last few issues. Safe among threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, _T] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, issue: Issue, make: Callable[[], _T]) -> _T:
        """Give what there is of an issue, made where there is nothing."""
        with self._lock:
            if issue.key not in self._known:
                self._known[issue.key] = make()
            self._known.move_to_end(issue.key)
            while len(self._known) > _PREPARED:
                self._known.popitem(last=False)
            return self._known[issue.key]


@dataclass
class Crew:
    """What the jobs of one worker share. Each method is a job."""

    settings: Settings
    store: Store
    brake: Brake = field(default_factory=Brake)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.store, self.settings.cluster.shard)
        # Workers are the processes among which the work is shared out already.
        self.newsletter = replace(bootstrap.newsletter(self.settings, self.store), builders=None, pickers=None)
        self.rounds = Rounds(self.newsletter)
        self.duties = Duties(self.settings, self.store, self.brake, clock=bootstrap.clock)
        self.transport = bootstrap.transport(self.settings)
        self.policy = bootstrap.policy(self.settings)
        self._prepared: _Shared[Picking] = _Shared()
        self._common: _Shared[Common] = _Shared()
        self._ranking = threading.Lock()

    def ingest(self, source: str) -> None:
        """Read one source, and ask for the vectors of what is new."""
        now = bootstrap.clock()
        self.store.acts.note(_reading(source), now=now)
        sources = bootstrap.sources(self.settings, self.store, [source])
        for pulled in self.newsletter.ingest(sources, now=now, remember=True):
            log.info("source %s: %s", pulled.source, pulled.error or f"{pulled.new} new papers")
        new = self.store.papers.in_window(Window(now, now + _INSTANT))
        self.jobs.embed(batches([paper.key for paper in new], _EMBEDDED))

    def embed(self, papers: list[int]) -> None:
        """See that the vectors of some papers are there when they are ranked."""
        self.newsletter.ranker().remember(list(self.store.papers.by_key(papers).values()))

    def rank(self, issue: int, after: int, upto: int | None) -> None:
        """Make the editions of one shard, and ask for the delivery of what is due already."""
        shard = Shard(after, upto)
        found = self._issue(issue)
        if found is None:
            return
        with self._ranking:  # what is prepared is for one at a time; jobs in other threads may mail meanwhile
            picking = self._prepared.of(found, lambda: self.newsletter.picking(found))
            self.rounds.rank(found, now=bootstrap.clock(), shard=shard, picking=picking)
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
            brake=self.brake,
            common=self._common.of(found, Common),
        )
        if self.brake.pulled:
            raise Interrupted
        self.duties.alarmed(tally)

    def spread(self, issue: int) -> None:
        """Ask for what waits of an issue and is due to be sent: later hours, retries, what the dead left."""
        due, real = bootstrap.clock(), datetime.now(UTC)
        shards = self.store.deliveries.shards(issue, due=due, now=real, size=self.jobs.size)
        self.jobs.deliver(issue, shards)

    def tick(self) -> None:
        """See to what the dead left, and what is due. Ticks may be missed, or come twice: all is worked out anew."""
        now = bootstrap.clock()
        self.newsletter.recover(self.policy)
        for issue in self.store.issues.not_ranked():
            if not self.jobs.left(issue.key):
                self.store.issues.set_ranked(issue, now=now)
        for issue in self.store.issues.all()[:_LATEST]:
            if issue.state is IssueState.OPEN and self._any_due(issue.key, now):
                self.jobs.once(Task.SPREAD, str(issue.key), issue=issue.key)

    def tend(self) -> None:
        """See what the timetable wants: sources to be read, issues to be opened, readers who changed their hour."""
        now = bootstrap.clock()
        for name in self._sources_due(now):
            self.jobs.once(Task.INGEST, name, source=name)
        if self.rounds.unopened(now=now):
            first = self.store.acts.first(f"read for {self.rounds.timetable.day_of(now)}", now=now)
            for source in self.settings.source if first else ():
                self.jobs.once(Task.INGEST, source.name, source=source.name)
            if not self.jobs.reading():
                self.rounds.begin(now=now)
        self.rounds.follow_readers(now=now)

    def watch(self) -> None:
        """Take in what came back, try single mails again, tell the operator what is wrong, drop what is past."""
        for duty in (self.duties.take_returns, self.duties.write_again, self.duties.watch, self.duties.tidy):
            duty()
        self.store.allowances.forget(before=datetime.now(UTC) - _IDLE)

    def _sources_due(self, now: datetime) -> Iterator[str]:
        """Name the sources that were not read for as long as they may be; those that fail are tried again sooner."""
        failing = [one.name for one in self.store.sources.all() if one.last_error]
        for source in self.settings.source:
            every = timedelta(minutes=source.every or self.settings.schedule.ingest_every)
            if any(name.startswith((source.name, f"{source.name}: ")) for name in failing):
                every = min(every, _RETRIED)
            last = self.store.acts.last(_reading(source.name))
            if last is None or last + every <= now:
                yield source.name

    def _any_due(self, key: int, now: datetime) -> bool:
        return self.store.deliveries.any_due(key, due=now, now=datetime.now(UTC))

    def _issue(self, key: int) -> Issue | None:
        return self.store.issues.by_key([key]).get(key)


def _reading(source: str) -> str:
    return f"read {source}"[:100]


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

    @app.periodic(cron=_EVERY_MINUTE, queueing_lock=Task.TEND.value)
    @app.task(name=Task.TEND.value, queue=Queue.SCHEDULE.value, priority=PRIORITIES[Task.TEND])
    def tend(timestamp: int) -> None:
        crew.tend()

    @app.periodic(cron=_EVERY_FIVE, queueing_lock=Task.WATCH.value)
    @app.task(name=Task.WATCH.value, queue=Queue.SCHEDULE.value, priority=PRIORITIES[Task.WATCH])
    def watch(timestamp: int) -> None:
        crew.watch()

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
    while not crew.brake.pulled:
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
        crew.brake.pull()
        running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


async def _pause(crew: Crew, seconds: float) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(stopped.set)

    with crew.brake.on(stop), contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopped.wait(), seconds)
