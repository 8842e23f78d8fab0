"""From ten thousand subscribers to a million: what each stage of an issue costs, and whether the cost is linear.

Subscribers are made up (topics, keywords, liked papers, zones, hours), the same each time; so is an issue of 1,000
papers, whose vectors are put into the cache, so that no model is needed. Then: they are loaded, the issue is opened and
cut into shards, `--whole N` of them are ranked, rendered and delivered to the null transport by the very steps of
`newsletter send`, and the rest have editions that were ranked for others, so that the database carries all of it.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import random
import resource
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from newsletter import bootstrap, catalogue
from newsletter.config import Database, DeliverySettings, Settings, Site, TransportKind
from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.null import NullTransport
from newsletter.delivery.policy import Policy
from newsletter.letters import Common
from newsletter.memory import uncollected
from newsletter.model import (
    Cadence,
    Delivery,
    DeliveryState,
    Digest,
    Edition,
    InterestProfile,
    Issue,
    Message,
    NewSubscriber,
    Outcome,
    PaperRecord,
    Shard,
    SubscriberStatus,
    Topic,
)
from newsletter.picking import Picking
from newsletter.pipeline import Newsletter
from newsletter.ranking.candidates import paper_text
from newsletter.ranking.encoder import CachedEncoder, Vectors
from newsletter.ranking.interests import topic_text
from newsletter.ranking.ranker import Ranker
from newsletter.store import Store

PAPERS, BACKGROUND = 1000, 2000
SHARD = 500
NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)
DAYS_BEFORE = timedelta(days=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo")
LIKED = (0, 0, 0, 1, 5, 30)  # half name no paper, some a whole library
SLOPE = 1.05  # of time over subscribers, both as logarithms; above it a cost is not linear


def main() -> None:
    """Measure, and print one JSON document, or a few lines for people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[10_000], metavar="N")
    parser.add_argument(
        "--database",
        default="sqlite:///million.db",
        metavar="URL",
        help="an empty database; given several N, _N is put to its name",
    )
    parser.add_argument("--whole", type=int, default=2000, metavar="N", help="how many take the whole path")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that rank and deliver")
    parser.add_argument("--connections", type=int, default=4, metavar="N", help="of each worker, as `smtp.connections`")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    if min(arguments.workers, arguments.connections) < 1:
        parser.error("--workers and --connections are 1 or more")
    runs = []
    for count in arguments.subscribers:
        url = arguments.database if len(arguments.subscribers) == 1 else _numbered(arguments.database, count)
        runs.append(
            measured(
                count,
                url,
                whole=max(2 * SHARD, min(arguments.whole, count) // SHARD * SHARD),
                workers=arguments.workers,
                connections=arguments.connections,
            )
        )
    document = {
        "benchmark": "million",
        "papers": PAPERS,
        "background": BACKGROUND,
        "runs": runs,
        "slopes": slopes(runs, "seconds"),
        "cpu_slopes": slopes(runs, "cpu_seconds"),
    }
    if arguments.json:
        print(json.dumps(document, indent=1))
    else:
        told(document)


def _numbered(url: str, count: int) -> str:
    head, dot, tail = url.rpartition(".db")
    return f"{head}_{count}.db{tail}" if dot else f"{url}_{count}"


@dataclass
class Clock:
    """What each stage took."""

    url: str
    stages: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, name: str, rows: int, work: Callable[[], Any]) -> Any:
        """Do some work on so many rows, and write down what it took."""
        before, started = _cpu(), time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
        self.stages.append(
            {
                "stage": name,
                "rows": rows,
                "seconds": round(seconds, 3),
                "rows_per_second": round(rows / seconds, 1),
                "cpu_seconds": round(_cpu() - before, 2),
                "peak_megabytes": _peak(),
                "database_megabytes": round(database_bytes(self.url) / 1e6, 1),
            }
        )
        return result


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _peak() -> int:
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // 1024


def measured(count: int, url: str, *, whole: int, workers: int, connections: int) -> dict[str, Any]:
    """Run one issue for so many subscribers, and give what each stage took."""
    took = Clock(url)
    with Store(url) as store:
        if store.subscribers.counts():
            raise SystemExit(f"{url.rpartition('@')[2]} has subscribers: give the benchmark a database of its own")
        newsletter = product(url, store)
        took("papers", PAPERS + BACKGROUND, lambda: keep_papers(store))
        took("load", count, lambda: load(store, count))
        analyse(url)
        issue = took("open", count, lambda: newsletter.open_issues(NOW.date(), now=NOW)[0])
        shards = took("shards", count, lambda: store.subscribers.shards(Cadence.DAILY, SHARD))
        first = part(shards, whole)
        took("prepare, rank one shard", SHARD, lambda: each(url, "rank", issue, first[:1], 1))
        took("rank", whole - SHARD, lambda: each(url, "rank", issue, first[1:], workers))
        rest = Shard(first[-1].upto or 0)
        took("publish", max(1, count - whole), lambda: publish(newsletter, issue, rest))
        took("render and deliver", whole, lambda: each(url, "deliver", issue, first, workers, connections=connections))
        took("claim and settle", max(1, count - whole), lambda: settle(store, issue, rest))
        took("count by state", count, lambda: store.deliveries.counts([issue.key]))
        took("who waits, at the end", count, lambda: sum(map(len, newsletter.waiting(issue))))
        states = store.deliveries.counts([issue.key])
    path = {one["stage"]: one["seconds"] / one["rows"] for one in took.stages}
    return {
        "subscribers": count,
        "database": sa.make_url(url).get_backend_name(),
        "workers": workers,
        "connections": connections,
        "whole": whole,
        "stages": took.stages,
        "deliveries_per_second": round(1 / (path["rank"] + path["render and deliver"]), 1),
        "states": {state.value: number for state, number in states.items()},
        "lost": count - states.get(DeliveryState.SENT, 0) - states.get(DeliveryState.SKIPPED, 0),
    }


def part(shards: Sequence[Shard], whole: int) -> list[Shard]:
    """Give the first shards, which hold `whole` subscribers."""
    return list(shards[: whole // SHARD])


def product(url: str, store: Store) -> Newsletter:
    """Put the product together as a command does, but for the model."""
    settings = Settings(
        site=Site(postal_address="1 Dune Street"),
        database=Database(url=url),
        delivery=DeliverySettings(transport=TransportKind.NULL),
    )
    topics = catalogue.load(settings.topics)
    ranker = cache(lambda: Ranker(CachedEncoder(WordSums(), store.vectors), topics))
    # Without builders and pickers, as a worker has it: workers are processes already.
    return replace(bootstrap.newsletter(settings, store), ranker=ranker, builders=None, pickers=None)


class WordSums:
    """Vectors that are sums of random vectors, one a word: texts that share words are near, without a model."""

    name, dimensions = "word-sums/384", 384

    def __init__(self) -> None:
        self._words: dict[str, Any] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give unit vectors, the same for the same text."""
        rows = np.array([sum(map(self._word, text.lower().split() or [""])) for text in texts], np.float32)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def _word(self, word: str) -> Any:
        if word not in self._words:
            self._words[word] = np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.dimensions)
        return self._words[word]


def keep_papers(store: Store) -> None:
    """Make up the papers of the background, seen before, and those of the issue; all vectors go into the cache."""
    topics = list(catalogue.load(Settings().topics).values())
    records = [_record(topics, number) for number in range(BACKGROUND + PAPERS)]
    store.papers.add(Digest("Before", tuple(records[:BACKGROUND])), source="made up", now=NOW - DAYS_BEFORE)
    # An issue of the day before covers them, so that today's is of the others alone.
    newsletter = product("sqlite://", store)
    newsletter.open_issues((NOW - DAYS_BEFORE).date(), now=NOW - DAYS_BEFORE)
    store.papers.add(Digest("Today", tuple(records[BACKGROUND:])), source="made up", now=NOW)
    texts = [*(topic_text(topic) for topic in topics), *(word for topic in topics for word in topic.keywords)]
    encoder = CachedEncoder(WordSums(), store.vectors)
    encoder.encode(texts)
    for some in store.papers.every():
        encoder.encode([paper_text(paper) for paper in some])


def _record(topics: Sequence[Topic], number: int) -> PaperRecord:
    chance = random.Random(f"paper {number}")
    topic = chance.choice(topics)
    words = " ".join(one.description for one in chance.sample(topics, 6)).split()
    sentences = [topic.description, *(" ".join(chance.choices(words, k=15)).capitalize() + "." for _ in range(6))]
    return PaperRecord(
        f"{' and '.join(chance.sample(topic.keywords, 2))}: a study ({number})".capitalize(),
        " ".join(sentences),
        arxiv_id=f"2608.{number:05}",
        authors=tuple(f"Author {chance.randrange(900)}" for _ in range(chance.randint(1, 6))),
        categories=topic.categories[:1],
        url=f"https://arxiv.org/abs/2608.{number:05}",
    )


def everyone(count: int) -> Iterator[NewSubscriber]:
    """Make subscribers up, one after the other."""
    topics = catalogue.load(Settings().topics)
    slugs, keywords = sorted(topics), sorted({word for topic in topics.values() for word in topic.keywords})
    for number in range(count):
        chance = random.Random(f"subscriber {number}")
        profile = InterestProfile(
            topics=tuple((slug, 1.0) for slug in chance.sample(slugs, chance.randint(1, 4))),
            keywords=tuple(chance.sample(keywords, chance.randint(0, 6))),
            liked=tuple(f"arxiv:2608.{paper:05}" for paper in chance.sample(range(BACKGROUND), chance.choice(LIKED))),
        )
        yield NewSubscriber(
            f"reader{number}@lab{number % 5000}.example",
            profile,
            name=f"Reader {number}",
            timezone=chance.choice(ZONES),
            hour=chance.randint(5, 9),
            status=SubscriberStatus.ACTIVE,
        )


def load(store: Store, count: int) -> None:
    """Subscribe them, ten thousand in one transaction."""
    people = everyone(count)
    while some := list(islice(people, 10_000)):
        store.subscribers.replace(some, now=NOW)


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    server = parsed.get_backend_name() == "postgresql"
    return sa.create_engine(parsed.set(drivername="postgresql+psycopg") if server else parsed, poolclass=sa.NullPool)


def analyse(url: str) -> None:
    """Let the database look at its tables, as autovacuum does before long."""
    with _engine(url).begin() as connection:
        connection.exec_driver_sql("ANALYZE")


_STEPS: dict[str, Callable[[Newsletter, Issue, Shard, int], Any]] = {
    "rank": lambda newsletter, issue, shard, _: newsletter.rank(
        issue, now=NOW, shard=shard, picking=_picking(newsletter, issue)
    ),
    "deliver": lambda newsletter, issue, shard, connections: newsletter.deliver(
        [issue],
        NullTransport(),
        Policy(),
        now=NOW,
        connections=connections,
        shard=shard,
        common=_mine.setdefault("common", Common()),
    ),
}
_mine: dict[str, Any] = {}  # of this process: its product, and the papers that it has prepared


def _picking(newsletter: Newsletter, issue: Issue) -> Picking:
    picking: Picking = _mine.setdefault("picking", newsletter.picking(issue))
    return picking


def _step(url: str, step: str, issue: Issue, shard: Shard, connections: int) -> None:
    if url != _mine.get("url"):
        _mine.clear()
        _mine.update(url=url, newsletter=product(url, Store(url)))
    _STEPS[step](_mine["newsletter"], issue, shard, connections)


def each(url: str, step: str, issue: Issue, shards: Sequence[Shard], workers: int, *, connections: int = 1) -> None:
    """Take a step for each shard: here, or in some processes of their own, which start from nothing."""
    if workers == 1:
        for shard in shards:
            _step(url, step, issue, shard, connections)
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `newsletter worker` has it
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in [pool.submit(_step, url, step, issue, shard, connections) for shard in shards]:
            done.result()


def publish(newsletter: Newsletter, issue: Issue, rest: Shard) -> None:
    """Give those that are not ranked the picks of some who were."""
    ranked = newsletter.store.subscribers.shards(Cadence.DAILY, SHARD)[0]
    known = newsletter.store.issues.picks(issue.key, range(ranked.after, (ranked.upto or SHARD) + 1))
    picks = list(known.values())
    for some in newsletter.waiting(issue, rest):
        with uncollected():  # as the step itself does
            editions = [Edition(issue, one, picks[one.key % len(picks)]) for one in some]
            ids = {one.key: newsletter.letterhead.message_id(issue, one) for one in some}
            newsletter.store.issues.publish(editions, ids, now=NOW)


class _Blank:
    """Letters that cost nothing, to measure the queue alone."""

    def __call__(self, claimed: Sequence[Delivery]) -> dict[int, Callable[[], Message] | Outcome]:
        """Give an empty message for each."""
        return {
            one.key: lambda one=one: Message(
                "reader@lab.example", "papers@example.org", one.message_id, "", "", "", b""
            )  # type: ignore[misc]
            for one in claimed
        }


def settle(store: Store, issue: Issue, rest: Shard) -> None:
    """Claim, mark and settle all that waits, with empty messages."""
    dispatcher = Dispatcher(
        store.deliveries, store.allowances, NullTransport(), _Blank(), Policy(), connections=64, shard=rest
    )
    dispatcher.run([issue.key], now=NOW, limit=None, progress=None)


def database_bytes(url: str) -> int:
    """Tell how large a database is."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return sum(path.stat().st_size for end in ("", "-wal") if (path := Path(f"{parsed.database}{end}")).exists())
    with _engine(url).connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def slopes(runs: Sequence[dict[str, Any]], what: str) -> dict[str, float]:
    """Give, for each stage that all subscribers go through, by which power of their number its cost grows.

    `cpu_seconds` are those of this process, hence of SQLite too and not of a server; other work hardly changes them.
    """
    found: dict[str, float] = {}
    for stage in ("load", "publish", "claim and settle"):
        points = [
            (math.log(one["rows"]), math.log(max(one[what], 0.01)))
            for run in runs
            for one in run["stages"]
            if one["stage"] == stage
        ]
        if len({x for x, _ in points}) > 1:
            found[stage] = round(slope(points), 3)
    return found


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Give the slope of the straight line that fits points best."""
    middle_x, middle_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    across = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return float(across / sum((x - middle_x) ** 2 for x, _ in points))


def told(document: dict[str, Any]) -> None:
    """Print the figures for people."""
    for run in document["runs"]:
        print(f"{run['subscribers']:,} subscribers on {run['database']}, {run['workers']} worker(s):")
        for one in run["stages"]:
            print(
                f"  {one['stage']:24}{one['rows']:>10,} rows {one['seconds']:>9.2f} s"
                f" {one['rows_per_second']:>10,.0f}/s"
                f" {one['peak_megabytes']:>5} MB, database {one['database_megabytes']:,.0f} MB"
            )
        print(f"  whole path: {run['deliveries_per_second']} deliveries a second; lost: {run['lost']}")
    for stage, slope in document["slopes"].items():
        print(f"{stage}: grows with the {slope} power of the subscribers" + ("" if slope <= SLOPE else ", NOT linear"))


if __name__ == "__main__":
    main()
