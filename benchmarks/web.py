"""How fast the pages are, and how large; how fast papers are found among many.

    .venv/bin/python benchmarks/web.py [--papers N] [--database URL] [--json]

The server runs in a process of its own on one core, and is asked over loopback by another process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from newsletter.config import Database, DeliverySettings, Settings
from newsletter.model import Digest, PaperRecord
from newsletter.ranking.candidates import paper_text
from newsletter.store import Store

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
_SEARCHES = ("graph transformers", "protein folding dynamics", "learning", "how do black holes merge", "lovelace")
_KNOWN = [
    "learning",
    "model",
    "network",
    "graph",
    "neural",
    "protein",
    "quantum",
    "galaxy",
    "market",
    "robot",
    "language",
    "speech",
    "image",
    "diffusion",
    "sparse",
    "bayesian",
    "causal",
    "optimal",
    "control",
    "theory",
    "bound",
    "sample",
    "kernel",
    "flow",
    "black",
    "hole",
    "merger",
    "cell",
    "membrane",
    "dynamics",
    "folding",
    "transformer",
    "attention",
    "retrieval",
    "agent",
    "planning",
    "grasp",
    "vision",
    "depth",
    "climate",
    "ocean",
    "ice",
    "glacier",
    "dune",
    "sand",
    "wave",
]
# Some 20,000 words as often as Zipf's law has it, so that "learning" stands in most papers and "glacier" in few.
_WORDS = _KNOWN + [f"{one}{two}" for one in _KNOWN for two in _KNOWN] + [f"term{number}" for number in range(17_000)]
_OFTEN = np.cumsum(1 / np.arange(10, len(_WORDS) + 10)).tolist()


def _papers(count: int) -> list[PaperRecord]:
    dice = random.Random(1)
    return [
        PaperRecord(
            " ".join(dice.choices(_WORDS, cum_weights=_OFTEN, k=8)).capitalize() + f" {number}",
            " ".join(dice.choices(_WORDS, cum_weights=_OFTEN, k=150)) + ".",
            authors=("Ada Lovelace",) if number % 5000 == 0 else (f"Author {number % 997}",),
            arxiv_id=f"{20 + number // 120_000:02}{1 + number // 10_000 % 12:02}.{number % 10_000:05}",
            upvotes=number % 40,
        )
        for number in range(count)
    ]


def _fill(url: str, count: int) -> float:
    """Keep papers with random unit vectors in place of MiniLM's, and give the seconds that keeping took."""
    from newsletter.ranking.encoder import text_hash  # noqa: PLC0415
    from newsletter.ranking.minilm import MiniLM  # noqa: PLC0415

    records, dice, name = _papers(count), np.random.default_rng(1), MiniLM().name
    start = time.perf_counter()
    with Store(url) as store:
        for begin in range(0, count, 10_000):
            some = tuple(records[begin : begin + 10_000])
            store.papers.add(Digest("Benchmark", some, NOW.date()), source="benchmark", now=NOW)
        taken = time.perf_counter() - start
        last = 0
        while papers := store.archive.texts(last, 2000):
            rows = dice.standard_normal((len(papers), 384)).astype(np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            hashes = [text_hash(paper_text(paper)) for paper in papers]
            store.vectors.save(name, {h: row.astype(np.float16).tobytes() for h, row in zip(hashes, rows, strict=True)})
            last = papers[-1].key
    return taken


def _serve(url: str, folder: str, listening: socket.socket) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    import uvicorn  # noqa: PLC0415

    from newsletter.web.app import application  # noqa: PLC0415
    from newsletter.web.parts import assemble  # noqa: PLC0415
    from newsletter.web.server import configured  # noqa: PLC0415

    settings = Settings(database=Database(url=url), delivery=DeliverySettings(maildir=Path(folder) / "mail"))
    with Store(url) as store:
        parts = assemble(settings, store, now=lambda: NOW)
        uvicorn.Server(configured(application(parts), settings)).run(sockets=[listening])


def _times(ask: Callable[[int], Any], count: int) -> dict[str, float]:
    taken = []
    for number in range(count):
        start = time.perf_counter()
        ask(number)
        taken.append((time.perf_counter() - start) * 1000)
    taken.sort()
    return {"median_ms": round(statistics.median(taken), 1), "p95_ms": round(taken[int(len(taken) * 0.95)], 1)}


def _rate(base: str, path: str, seconds: float, connections: int = 4) -> float:
    done, end = [0] * connections, time.perf_counter() + seconds

    def one(number: int) -> None:
        with httpx.Client(base_url=base) as client:
            while time.perf_counter() < end:
                client.get(path)
                done[number] += 1

    threads = [threading.Thread(target=one, args=(number,)) for number in range(connections)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(done) / (time.perf_counter() - start), 0)


def _rest(pid: int) -> None:
    """Wait until the server has read all vectors, which it does by itself and in its own time."""

    def used() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = -100
    while (now := used()) - before > 5:  # hundredths of a second, in a second
        before = now
        time.sleep(1)


def _measured(base: str, pid: int, seconds: float) -> dict[str, Any]:
    with httpx.Client(base_url=base, timeout=300) as client:
        client.post("/preview")
        client.get("/search", params={"q": "warm"})
        while "being read" in client.post("/preview", data={"keywords": "graph"}).text:
            time.sleep(1)
        _rest(pid)
        found = {"subscribe": _times(lambda _: client.get("/subscribe"), 50)}
        found["preview"] = _times(lambda n: client.post("/preview", data={"interests": f"Dunes, number {n}."}), 30)
        queries = [*_SEARCHES, *(f"{word} {number}" for number, word in enumerate(_KNOWN))]
        found["search"] = _times(lambda n: client.get("/search", params={"q": queries[n % len(queries)]}), 40)
        paths = (
            "/",
            "/subscribe",
            "/issues",
            "/search?q=learning",
            "/feeds",
            "/preferences",
            "/feed.xml?topic=robotics",
        )
        found["kilobytes"] = {path: round(len(client.get(path).content) / 1000, 1) for path in paths}
    found["requests_per_second"] = {path: _rate(base, path, seconds) for path in ("/subscribe", "/", "/healthz")}
    return found


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=100_000, help="papers in the archive")
    parser.add_argument("--database", help="SQLAlchemy URL of an empty database; a SQLite file by default")
    parser.add_argument("--seconds", type=float, default=5.0, help="of requests as fast as they can be answered")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.database or f"sqlite:///{folder}/newsletter.db"
        kept = _fill(url, asked.papers)
        listening = socket.create_server(("127.0.0.1", 0))
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(url, folder, listening), daemon=True)
        server.start()
        found = {
            "papers": asked.papers,
            "kept_per_second": round(asked.papers / kept),
            **_measured(f"http://127.0.0.1:{listening.getsockname()[1]}", server.pid or 0, asked.seconds),
        }
        found["server_megabytes"] = _resident(server.pid or 0)
        server.terminate()
    print(json.dumps(found, indent=None if asked.json else 1))


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1000 for line in lines if line.startswith("VmRSS")), 0)


if __name__ == "__main__":
    main()
