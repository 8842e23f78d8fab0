"""How large does the database become? Made-up readers and days, kept as the product keeps them, and a year of 50,000.

Every reader gets an edition of ten cards and six lines a day, each delivery is sent, every paper has its vector. The
growth of a day is measured between two days, so that what stands there once does not count, and extended linearly.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from newsletter.model import (
    Cadence,
    DeliveryState,
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
from newsletter.store.deliveries import Settlement

NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)
WORDS = [a + b for a in ("lo", "ra", "mi", "te", "so", "ve") for b in ("rn", "st", "ll", "ck", "nd", "mb", "sh", "zz")]


def text(words: int) -> str:
    """Give so many words."""
    return " ".join(random.choices(WORDS, k=words))


def announce(store: Store, day: int, papers: int) -> None:
    """Keep a day's papers, and vectors of the size that MiniLM's have."""
    records = tuple(
        PaperRecord(text(10), text(180), tuple(text(2) for _ in range(6)), f"https://arxiv.org/abs/{day}.{n:05}",
                    arxiv_id=f"26{day % 100:02}.{n:05}", categories=("cs.CL", "cs.LG"))
        for n in range(papers)
    )  # fmt: skip
    store.papers.add(Digest("Reports", records), source="reports", now=NOW + day * DAY)
    store.vectors.save("made-up", {f"{day:08}{n:036}": random.randbytes(768) for n in range(papers)})


def editions(issue: Issue, readers: list[Subscriber], papers: int) -> Iterator[Edition]:
    """Give every reader ten cards and six lines."""
    for reader in readers:
        keys = random.sample(range(1, papers + 1), 16)
        picks = tuple(
            Pick(key, rank, Section.FOR_YOU if rank <= 10 else Section.ALSO_TODAY, random.random() * 10,
                 tuple(Reason(ReasonKind.TOPIC, text(2)) for _ in range(2)))
            for rank, key in enumerate(keys, 1)
        )  # fmt: skip
        yield Edition(issue, reader, picks)


def live(store: Store, day: int, readers: list[Subscriber], papers: int) -> None:
    """Let a day pass: papers, an issue, and all of it sent."""
    announce(store, day, papers)
    now = NOW + day * DAY
    window = Window(now - DAY, now)
    issue = store.issues.open(Issue(0, Cadence.DAILY, now.date(), window, IssueState.OPEN), now=now)
    made = list(editions(issue, readers, papers))
    domain, token = "lab.example", "x" * 22
    store.issues.publish(made, {r.key: f"<{token}{r.key}@{domain}>" for r in readers}, now=now)
    lease = {"owner": "benchmark:1:abcd", "now": now, "lease": DAY}
    while claimed := store.deliveries.claim([issue.key], due=now, limit=500, **lease):  # type: ignore[arg-type]
        keys = [one.key for one in claimed]
        store.deliveries.start(keys, **lease)  # type: ignore[arg-type]
        sent = [Settlement(key, DeliveryState.SENT, "250 2.0.0 Ok: queued as 4fXzQ12345") for key in keys]
        store.deliveries.settle(sent, owner="benchmark:1:abcd", now=now)


def size(store: Store, path: Path) -> int:
    """Give the size of the database, all of it written to its file."""
    with store._database.writing() as connection:  # noqa: SLF001
        connection.exec_driver_sql("SELECT 1")
    with store._database._engine.connect() as connection:  # noqa: SLF001
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def measured(readers: int, days: int, papers: int) -> dict[str, Any]:
    """Give bytes a day, by two runs: with readers, and without."""
    growth = {}
    for count in (0, readers):
        with tempfile.TemporaryDirectory() as folder, Store(f"sqlite:///{folder}/newsletter.db") as store:
            everyone = [NewSubscriber(f"reader{n}@lab.example", InterestProfile(keywords=(text(2),)), name=text(2),
                                      status=SubscriberStatus.ACTIVE) for n in range(count)]  # fmt: skip
            store.subscribers.replace(everyone, now=NOW)
            there, path = store.subscribers.all(), Path(folder) / "newsletter.db"
            live(store, 0, there, papers)
            before = size(store, path)
            for day in range(1, days + 1):
                live(store, day, there, papers)
            growth[count] = (size(store, path) - before) / days
    edition = (growth[readers] - growth[0]) / readers
    year = 365 * (edition * 50_000 + growth[0])
    return {
        "readers": readers,
        "days": days,
        "bytes_an_edition_with_its_delivery": round(edition),
        "bytes_a_paper_with_its_vector": round(growth[0] / papers),
        "gigabytes_of_a_year_of_50000_daily_readers": round(year / 1e9, 1),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--papers", type=int, default=500, help="a day")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    random.seed(1)
    found = measured(asked.readers, asked.days, asked.papers)
    print(json.dumps(found) if asked.json else "\n".join(f"{name}: {value:,}" for name, value in found.items()))


if __name__ == "__main__":
    main()
