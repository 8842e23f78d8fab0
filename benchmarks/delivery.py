"""How fast is mail sent? The whole path of `newsletter send` against Postfix's smtp-sink, beside what C can do.

Papers and readers are made up. Their vectors are in the database, as they are on any day but the first; then the issue
is ranked, and every message claimed, rendered, built, sent and recorded, timed apart. In the same run smtp-source, the
load generator of Postfix, sends as many messages of the same size to the same sink: the limit that the share is of.
`--postfix` gives a mail server with its queue on disk to compare with, `--queued` measures the memory of a sender that
has many deliveries before it (nothing is sent then, by the null transport).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from newsletter import assets, bootstrap, catalogue
from newsletter.config import Database, DeliverySettings, Settings, Site, Smtp, TransportKind
from newsletter.delivery.null import NullTransport
from newsletter.model import (
    Cadence,
    DeliveryState,
    Digest,
    InterestProfile,
    Issue,
    IssueState,
    NewSubscriber,
    PaperRecord,
    SubscriberStatus,
    Topic,
    Window,
)
from newsletter.pipeline import Newsletter
from newsletter.store import Store

NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)
PAPERS = 60
ROOT = Path(__file__).resolve().parent.parent
WORDS = (
    "model", "data", "galaxy", "protein", "speech", "sand", "number", "theory", "market", "graph", "neural", "light",
    "energy", "field", "cell", "surface", "wave",
)  # fmt: skip


def main() -> None:
    """Measure, and print one JSON document or a few lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000, metavar="N")
    parser.add_argument("--connections", type=int, default=8, metavar="N")
    parser.add_argument("--papers", type=int, default=8, metavar="N", help="cards in a message")
    parser.add_argument("--database", metavar="URL", help="an empty database; else SQLite in a folder of its own")
    parser.add_argument("--postfix", metavar="HOST:PORT", help="a mail server that takes mail for newsletter.test")
    parser.add_argument("--queued", type=int, metavar="N", help="only measure memory with N deliveries queued")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{folder}/newsletter.db"
        if given.queued:
            document = queued(url, given.queued, given.connections)
        else:
            document = measured(url, given.messages, given.connections, given.papers, given.postfix)
    print(json.dumps(document, indent=1) if given.json else "\n".join(f"{k}: {v}" for k, v in document.items()))


def measured(url: str, messages: int, connections: int, papers: int, postfix: str | None) -> dict[str, Any]:
    """Give the rates of ranking, of sending and of both, and of smtp-source."""
    with sink() as port, Store(url) as store:
        newsletter, settings = made(url, store, port)
        issue = stocked(newsletter, messages, papers)
        with_vectors(newsletter, issue)
        ranking, _ = timed(lambda: newsletter.rank(issue, now=NOW))
        cpu = sum(os.times()[:4])  # of builders, too, which have ended by then
        sending, tally = timed(lambda: sent(newsletter, settings, issue, connections))
        cpu = sum(os.times()[:4]) - cpu
        if tally != {DeliveryState.SENT: messages}:
            raise SystemExit(f"not all was sent: {tally}")
        size = size_of(newsletter, issue)
        limit = source(f"127.0.0.1:{port}", messages, size, connections)
        disk = source(postfix, min(messages, 1000), size, connections, to="x@newsletter.test") if postfix else None
    rate = messages / sending
    return {
        "benchmark": "delivery",
        "database": url.partition(":")[0],
        "messages": messages,
        "bytes_a_message": size,
        "connections": connections,
        "ranked_per_second": round(messages / ranking),
        "sent_per_second": round(rate),
        "whole_path_per_second": round(messages / (ranking + sending)),
        "smtp_source_per_second": round(limit),
        "postfix_per_second": round(disk) if disk else None,
        "share_of_smtp_source": round(rate / limit, 3),
        "share_with_ranking": round(messages / (ranking + sending) / limit, 3),
        "cpu_seconds_a_thousand": round(1000 * cpu / messages, 2),
        "most_memory_mb": memory(),
    }


def queued(url: str, count: int, connections: int) -> dict[str, Any]:
    """Give the memory of a sender that has so many deliveries before it, in a process of its own."""
    with Store(url) as store:
        newsletter, _ = made(url, store, 1)
        newsletter.rank(stocked(newsletter, 1, 8), now=NOW)
        fill(store, count)
    code = f"import benchmarks.delivery as b; b.work({url!r}, {connections})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {"benchmark": "delivery memory", "queued": count, **json.loads(done.stdout)}


def made(url: str, store: Store, port: int) -> tuple[Newsletter, Settings]:
    """Give the product over a database, and its settings."""
    settings = Settings(
        site=Site(sender="Papers <papers@papers.example>", url="https://papers.example", postal_address="1 Street"),
        database=Database(url=url),
        delivery=DeliverySettings(transport=TransportKind.SMTP, pause_at=0),
        smtp=Smtp(host="127.0.0.1", port=port),
    )
    return bootstrap.newsletter(settings, store), settings


def stocked(newsletter: Newsletter, readers: int, cards: int) -> Issue:
    """Store a day's papers and so many readers, and open the issue."""
    store, chance = newsletter.store, random.Random(7)
    topics = list(catalogue.load(assets.CONFIG / "topics.toml").values())
    store.papers.add(
        Digest("made up", tuple(record(chance, topics) for _ in range(PAPERS)), NOW.date()), source="x", now=NOW
    )
    for number in range(readers):
        chosen = chance.sample(topics, 3)
        profile = InterestProfile(topics=tuple((topic.slug, 1.0) for topic in chosen), keywords=(chance.choice(WORDS),))
        reader = NewSubscriber(
            f"reader{number}@r.example", profile=profile, papers=cards, status=SubscriberStatus.ACTIVE
        )
        store.subscribers.add(reader, now=NOW)
    window = Window(NOW - timedelta(days=1), NOW + timedelta(seconds=1))
    return store.issues.open(Issue(0, Cadence.DAILY, NOW.date(), window, IssueState.OPEN), now=NOW)


def record(chance: random.Random, topics: Sequence[Topic]) -> PaperRecord:
    """Make up a paper on a topic."""
    topic, number = chance.choice(topics), chance.randrange(10**9)
    said = " ".join(chance.choices(WORDS, k=150))
    return PaperRecord(
        f"{topic.title}: {' '.join(chance.choices(WORDS, k=6))} {number}",
        f"{topic.description} {said}.",
        authors=tuple(f"Author {chance.choice(WORDS).title()}" for _ in range(4)),
        url=f"https://papers.example/{number}",
        doi=f"10.1000/{number}",
    )


def with_vectors(newsletter: Newsletter, issue: Issue) -> None:
    """Encode whatever the ranking will ask for, as the days before have done."""
    picking = newsletter.picking(issue)
    for some in islice(newsletter.waiting(issue), 4):
        picking.editions(some)


def sent(newsletter: Newsletter, settings: Settings, issue: Issue, connections: int) -> dict[DeliveryState, int]:
    """Send all messages of an issue."""
    transport, policy = bootstrap.transport(settings), bootstrap.policy(settings)
    tally = newsletter.deliver([issue], transport, policy, now=NOW, connections=connections)
    return dict(tally.states)


def size_of(newsletter: Newsletter, issue: Issue) -> int:
    """Give the size of a message of the issue."""
    [reader] = newsletter.store.subscribers.without_edition(replace(issue, day=date.min), limit=1)  # anybody
    message = newsletter.preview(reader, issue.day, now=NOW).message
    return len(message.data)


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Run smtp-sink, which takes mail and forgets it; give its port."""
    program = shutil.which("smtp-sink", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        raise SystemExit("smtp-sink is missing: it comes with Debian's postfix")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, *user, f"127.0.0.1:{port}", "1000"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
        yield port
    finally:
        process.terminate()
        process.wait()


def source(where: str, messages: int, size: int, connections: int, to: str = "x@r.example") -> float:
    """Give how many messages a second smtp-source sends, several over one connection as we do."""
    program = shutil.which("smtp-source", path=os.environ.get("PATH", "") + ":/usr/sbin") or "smtp-source"
    command = [program, "-d", "-s", str(connections), "-m", str(messages), "-l", str(size), "-t", to]
    seconds, _ = timed(lambda: subprocess.run([*command, "-f", "papers@papers.example", where], check=True))
    return messages / seconds


def fill(store: Store, count: int) -> None:
    """Queue so many deliveries, each with a subscriber and an edition of its own, as copies of the first."""
    import sqlalchemy as sa  # noqa: PLC0415

    copies = {
        "subscribers": {
            "public_id": "'p' || n",
            "email": "'r' || n || '@r.example'",
            "address": "'r' || n || '@r.example'",
        },
        "editions": {"subscriber_key": "n"},
        "deliveries": {"subscriber_key": "n", "message_id": "'<' || n || '@papers.example>'"},
    }
    numbers = (
        f"WITH RECURSIVE numbers(n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM numbers WHERE n < {1000 + count - 2})"
    )
    with store._engine.begin() as connection:  # noqa: SLF001
        for table, changed in copies.items():
            names = [column["name"] for column in sa.inspect(connection).get_columns(table)]
            values = [changed.get(name, "n" if name == "key" else name) for name in names]
            theirs = "subscriber_key" if "subscriber_key" in names else "key"
            chosen = f"SELECT {', '.join(values)} FROM {table}, numbers WHERE {theirs} = 1"
            connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(names)}) {numbers} {chosen}"))


def work(url: str, connections: int) -> None:
    """Send what is queued by the null transport, for some seconds, and print how much and the memory it took."""
    with Store(url) as store:
        newsletter, settings = made(url, store, 1)
        [issue] = store.issues.all()
        before = memory()
        transport, policy = NullTransport(), bootstrap.policy(settings)
        seconds, tally = timed(
            lambda: newsletter.deliver([issue], transport, policy, now=NOW, connections=connections, limit=3000)
        )
        sent = tally.states[DeliveryState.SENT]
    print(
        json.dumps(
            {
                "sent": sent,
                "per_second": round(sent / seconds),
                "before_mb": before,
                "most_memory_mb": memory(),
                "builder_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
            }
        )
    )


def timed(act: Any) -> tuple[float, Any]:
    """Give how long something took, and its result."""
    started = time.perf_counter()
    result = act()
    return time.perf_counter() - started, result


def memory() -> int:
    """Give the most memory that this process ever had, in megabytes (getrusage counts the parent's, on Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    main()
