"""How fast do papers get from JSON into the store?

Made-up days of 500 papers in the shape of Hugging Face's JSON, with abstracts of 150 words: parsed (here, and in the
process for documents of strangers, as the product does), then kept in an empty database, then parsed and kept again,
when nothing is new. On one thread.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from newsletter.config import SourceKind
from newsletter.model import Digest
from newsletter.sources import huggingface
from newsletter.sources.sandbox import SANDBOX
from newsletter.store import Store

A_DAY = 500
WORDS = [a + b for a in ("lo", "ra", "mi", "te", "so", "ve") for b in ("rn", "st", "ll", "ck", "nd", "mb", "sh", "zz")]
NOW = datetime(2026, 8, 20, 6, tzinfo=UTC)


def made_up_day(number: int) -> bytes:
    """Give one day's JSON, the same for the same number."""
    dice = random.Random(number)

    def text(words: int) -> str:
        return " ".join(dice.choices(WORDS, k=words))

    return json.dumps(
        [
            {
                "paper": {
                    "id": f"{2001 + number % 12:04}.{number // 12 * A_DAY + place:05}",
                    "title": text(9),
                    "summary": text(150),
                    "authors": [{"name": text(2).title()} for _ in range(6)],
                    "publishedAt": "2026-08-19T10:00:00.000Z",
                    "submittedOnDailyAt": "2026-08-20T01:00:00.000Z",
                    "upvotes": place,
                }
            }
            for place in range(A_DAY)
        ]
    ).encode()


def parsed(data: bytes) -> Digest:
    """Parse as a source does."""
    return SANDBOX.digest(data, kind=SourceKind.AUTO, where="made up", today=NOW.date(), timeout=60)


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(papers: int, url: str) -> dict[str, object]:
    """Parse and keep about so many papers; give papers a second for each step, with the spread over days."""
    days = [made_up_day(number) for number in range(max(1, papers // A_DAY))]
    steps: dict[str, list[float]] = {"parse here": [], "parse": [], "keep": [], "again": []}
    parsed(days[0])  # the process is kept between documents; starting it is no part of any
    with Store(url) as store:
        for data in days:
            digests: list[Digest] = []
            steps["parse here"].append(timed(lambda: huggingface.parse(data, where="made up")))  # noqa: B023
            steps["parse"].append(timed(lambda: digests.append(parsed(data))))  # noqa: B023
            [digest] = digests
            steps["keep"].append(timed(lambda: store.papers.add(digest, source="made up", now=NOW)))  # noqa: B023
        for data in days:
            steps["again"].append(timed(lambda: store.papers.add(parsed(data), source="made up", now=NOW)))  # noqa: B023
        kept = store.papers.count()
    both = [a + b for a, b in zip(steps["parse"], steps["keep"], strict=True)]
    return {
        "day": date(2026, 8, 20).isoformat(),
        "papers": kept,
        "database": url.split(":", 1)[0],
        "papers_per_second": {name: _rates(times) for name, times in {**steps, "parse and keep": both}.items()},
    }


def _rates(times: list[float]) -> dict[str, float]:
    rates = sorted(A_DAY / seconds for seconds in times)
    return {"minimum": round(rates[0]), "median": round(statistics.median(rates)), "maximum": round(rates[-1])}


def main() -> None:
    """Run, and print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--papers", type=int, default=10_000, help="how many papers")
    options.add_argument("--database", default="", help="a SQLAlchemy URL; a SQLite file by default")
    options.add_argument("--json", action="store_true", help="one JSON document")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(chosen.papers, chosen.database or f"sqlite:///{Path(folder, 'papers.db')}")
    print(json.dumps(found, indent=None if chosen.json else 1))


if __name__ == "__main__":
    main()
