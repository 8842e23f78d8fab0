"""Workers: an issue and its jobs are there together, and whatever happens to hosts and processes, all is mailed.

`benchmarks/chaos.py` does the last of it at any size.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from benchmarks.chaos import Plan, measured
from benchmarks.fleet import can_have_hosts
from newsletter import bootstrap
from newsletter.cluster import Crew, Interrupted, work
from newsletter.config import Cluster, Database, DeliverySettings, Ranking, Settings, Site, SourceSettings
from newsletter.errors import StoreError, UsageError
from newsletter.jobs import Jobs, Task
from newsletter.model import (
    Cadence,
    DeliveryState,
    Digest,
    InterestProfile,
    Issue,
    IssueState,
    NewSubscriber,
    Paper,
    PaperRecord,
    Queue,
    SubscriberStatus,
)
from newsletter.store import Store, schema
from newsletter.store.papers import Papers

pytestmark = pytest.mark.postgresql
NOW = datetime(2026, 8, 20, 8, tzinfo=UTC)  # after the hour of all readers
READERS = 23


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_NOW", NOW.isoformat())


@pytest.fixture
def settings(postgresql_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "papers.bib").write_text("@article{a, title={Dunes that sing}, abstract={We listen to dunes.}}")
    return Settings(
        site=Site(secret=SecretStr("a secret for tests")),
        database=Database(url=postgresql_url),
        delivery=DeliverySettings(maildir=tmp_path / "mail"),
        ranking=Ranking(encoder="wordllama"),
        cluster=Cluster(enabled=True, shard=5),
        source=(SourceSettings(name="papers", path=tmp_path / "papers.bib"),),
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with bootstrap.open_store(settings) as opened:
        profile = InterestProfile(keywords=("dunes",))
        readers = [
            NewSubscriber(f"r{n}@lab.example", profile, papers=1, status=SubscriberStatus.ACTIVE)
            for n in range(READERS)
        ]
        opened.subscribers.replace(readers, now=NOW - timedelta(days=9))
        yield opened


@pytest.fixture
def crew(settings: Settings, store: Store) -> Crew:
    crew = Crew(settings, store)
    crew.jobs.prepare()
    return crew


def ingest(store: Store) -> None:
    store.papers.add(Digest("Reports", (PaperRecord("Singing dunes", "Dunes."),)), source="x", now=NOW)


def jobs(store: Store) -> list[tuple[str, dict[str, Any]]]:
    """Give the jobs that wait, in the order they came; not those that workers ask for every few seconds."""
    with store.lending() as connection:
        rows = connection.execute(
            "SELECT task_name, args FROM procrastinate_jobs "
            "WHERE status = 'todo' AND queue_name <> 'schedule' ORDER BY id"
        )
        return [(row[0], row[1]) for row in rows.fetchall()]


def do(settings: Settings, store: Store, queues: Sequence[Queue] = ()) -> None:
    work(settings, store, say=print, queues=queues, until_empty=True)


def the_daily(store: Store) -> Issue:
    issue = store.issues.latest(Cadence.DAILY)
    assert issue
    return issue


def test_an_issue_is_opened_together_with_its_jobs(crew: Crew, store: Store) -> None:
    ingest(store)
    crew.newsletter.open_issues(NOW.date(), now=NOW)
    key = the_daily(store).key
    mine = [arguments for task, arguments in jobs(store) if task == Task.RANK and arguments["issue"] == key]
    assert len(mine) == -(-READERS // 5)
    assert [one["after"] for one in mine[1:]] == [one["upto"] for one in mine[:-1]]
    assert (mine[0]["after"], mine[-1]["upto"]) == (0, None)
    before = jobs(store)
    crew.newsletter.open_issues(NOW.date(), now=NOW)  # again
    assert jobs(store) == before


def test_where_the_jobs_cannot_be_kept_the_issue_is_not_opened(crew: Crew, store: Store) -> None:
    ingest(store)
    with store.lending() as connection:
        connection.execute("ALTER TABLE procrastinate_jobs RENAME TO mislaid")
    with pytest.raises(StoreError, match="the jobs of workers cannot be kept"):
        crew.newsletter.open_issues(NOW.date(), now=NOW)
    assert store.issues.all() == []


def test_workers_rank_and_mail_a_shard_a_job(settings: Settings, crew: Crew, store: Store, tmp_path: Path) -> None:
    ingest(store)
    crew.newsletter.open_issues(NOW.date(), now=NOW)
    do(settings, store, [Queue.RANKING])
    assert store.deliveries.counts([the_daily(store).key]) == {DeliveryState.QUEUED: READERS}
    assert {task for task, _ in jobs(store)} == {Task.DELIVER}
    do(settings, store)
    assert store.deliveries.counts([the_daily(store).key]) == {DeliveryState.SENT: READERS}
    assert len(list((tmp_path / "mail" / "new").iterdir())) == READERS
    assert jobs(store) == []
    crew.tick()
    assert store.issues.not_ranked() == []
    assert jobs(store) == []


def test_what_waits_is_found_by_the_next_tick(crew: Crew, settings: Settings, store: Store) -> None:
    """A draft that is approved later; and whatever no job is left of."""
    ingest(store)
    crew.newsletter.open_issues(NOW.date(), now=NOW)
    issue = the_daily(store)
    store.issues.set_state(issue, IssueState.DRAFT)
    do(settings, store)
    assert store.deliveries.counts([issue.key]) == {DeliveryState.QUEUED: READERS}
    crew.tick()
    assert jobs(store) == []
    store.issues.set_state(issue, IssueState.OPEN)
    crew.tick()
    crew.tick()
    assert jobs(store) == [(Task.SPREAD, {"issue": issue.key})]
    do(settings, store)
    assert store.deliveries.counts([issue.key]) == {DeliveryState.SENT: READERS}


def test_the_timetable_reads_sources_and_then_opens_the_issue(crew: Crew, settings: Settings, store: Store) -> None:
    crew.tend()
    assert jobs(store) == [(Task.INGEST, {"source": "papers"})]
    crew.tend()  # not while they are being read
    assert len(jobs(store)) == 1
    assert store.issues.all() == []
    do(settings, store, [Queue.PAPERS])
    assert store.vectors.counts() != {}
    crew.tend()
    assert {task for task, _ in jobs(store)} == {Task.RANK}
    do(settings, store)
    assert store.deliveries.counts([the_daily(store).key]) == {DeliveryState.SENT: READERS}


def test_a_job_that_a_stop_interrupts_is_done_by_the_next_worker(crew: Crew, settings: Settings, store: Store) -> None:
    ingest(store)
    crew.newsletter.open_issues(NOW.date(), now=NOW)
    do(settings, store, [Queue.RANKING])
    crew.brake.pull()
    with pytest.raises(Interrupted):  # by which the engine keeps the job
        crew.deliver(the_daily(store).key, 0, None)
    assert store.deliveries.owners() == []
    do(settings, store)
    assert store.deliveries.counts([the_daily(store).key]) == {DeliveryState.SENT: READERS}


def test_a_worker_reads_the_papers_of_an_issue_once_for_all_its_shards(
    crew: Crew, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(store)
    crew.newsletter.open_issues(NOW.date(), now=NOW)
    do(settings, store, [Queue.RANKING])
    asked: list[set[int]] = []
    read = Papers.by_key

    def counted(papers: Papers, keys: Iterable[int]) -> dict[int, Paper]:
        asked.append(set(keys))
        return read(papers, asked[-1])

    monkeypatch.setattr(Papers, "by_key", counted)
    key = the_daily(store).key
    for shard in ((0, 2), (2, 5), (5, None)):
        crew.deliver(key, *shard)
    assert store.deliveries.counts([key]) == {DeliveryState.SENT: READERS}
    assert asked
    assert sum(map(len, asked)) == len(set().union(*asked))


def test_old_workers_go_on_while_a_newer_version_has_added_to_the_schema(
    crew: Crew, settings: Settings, store: Store
) -> None:
    """One issue: begun by workers of this version, the schema is brought to the next, and both finish it."""
    ingest(store)
    crew.newsletter.open_issues(NOW.date(), now=NOW)
    do(settings, store, [Queue.RANKING])
    with store.lending() as connection:
        connection.execute("ALTER TABLE deliveries ADD COLUMN later TEXT")
        connection.execute("ALTER TABLE editions ADD COLUMN later TEXT NOT NULL DEFAULT ''")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("INSERT INTO installation VALUES ('oldest program for 9999', %s)", [schema.REVISION])
    crew.deliver(the_daily(store).key, 0, 5)  # by one that was there before
    with bootstrap.open_store(settings) as opened_later:
        do(settings, opened_later)
    assert store.deliveries.counts([the_daily(store).key]) == {DeliveryState.SENT: READERS}


def test_sqlite_has_no_workers() -> None:
    with Store("sqlite://") as store, pytest.raises(UsageError, match="PostgreSQL"):
        Jobs(store, 5)


def test_periodic_work_is_asked_for_once_whatever_the_number_of_workers(crew: Crew) -> None:
    assert crew.jobs.once(Task.SPREAD, "7", issue=7)
    assert not crew.jobs.once(Task.SPREAD, "7", issue=7)
    assert crew.jobs.once(Task.SPREAD, "8", issue=8)


def test_four_workers_lose_nothing_whatever_happens_to_them() -> None:
    """Killed, cut off (where this machine can have hosts of its own), and their database stopped in mid-issue."""
    plan = Plan(subscribers=160, workers=4, connections=3, kills=3, restarts=1, cuts=1, hosts=can_have_hosts())
    with _umask():
        found = measured(plan)
    assert found["survived"], found
    assert found["lost"] == 0
    assert sum(found["happened"].values()) == len(plan.blows)


@contextlib.contextmanager
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)
