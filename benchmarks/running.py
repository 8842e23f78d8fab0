"""What `newsletter run` takes: seconds until it serves, and memory before, during and after its first issue.

A newsletter in a folder of its own, with a day's made-up papers whose vectors nobody has yet and a few readers, whose
mail goes into a Maildir. `newsletter run` is started as anybody starts it, its memory is read every few milliseconds
(VmRSS of proc(5), of its process alone), and a preview is asked of its pages, so that the encoder stays loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from newsletter import catalogue
from newsletter.config import Settings

THURSDAY = "2026-08-20T06:00:00+00:00"
SETTINGS = """
[site]
name = "Papers"
postal_address = "1 Dune Street"
[delivery]
transport = "maildir"
[[source]]
name = "inbox"
path = "*.jsonl"
[web]
port = {port}
"""
PATIENCE = 120.0


def main() -> None:
    """Measure, and print one JSON document, or a few lines for people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=int, default=300, metavar="N", help="of the day, all to be encoded")
    parser.add_argument("--readers", type=int, default=20, metavar="N")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    if min(arguments.papers, arguments.readers) < 1:
        parser.error("without papers and readers there is no issue")
    with tempfile.TemporaryDirectory(prefix="newsletter-running-") as folder:
        found = measured(Path(folder), papers=arguments.papers, readers=arguments.readers)
    if arguments.json:
        print(json.dumps({"benchmark": "running", **found}, indent=1))
    else:
        for name, value in found.items():
            print(f"{name.replace('_', ' '):34}{value:>8}")


def measured(folder: Path, *, papers: int, readers: int) -> dict[str, Any]:
    """Run a newsletter through its first issue, and give what it took."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "newsletter.toml").write_text(SETTINGS.format(port=port))
    environment = {**os.environ, "NEWSLETTER_NOW": THURSDAY}
    for number in range(readers):
        profile = "--confirmed", "--topic", "speech-recognition", "--keyword", "alignment", "--hour", "5"
        command("subscribers", "add", f"reader{number}@lab.example", *profile, folder=folder, environment=environment)
    quiet = run_once(folder, environment, port)
    (folder / "papers.jsonl").write_text("\n".join(made_up(papers)))
    return {"papers": papers, "readers": readers, **quiet, **issue(folder, environment, port, readers)}


def run_once(folder: Path, environment: dict[str, str], port: int) -> dict[str, Any]:
    """Start it with nothing to do; the second start counts, when all files have been read once."""
    with running(folder, environment):
        until(lambda: answers(port))
    began = time.monotonic()
    with running(folder, environment) as memory:
        until(lambda: answers(port))
        seconds = time.monotonic() - began
        time.sleep(2)
        return {"start_seconds": round(seconds, 2), "idle_megabytes": memory.now()}


def issue(folder: Path, environment: dict[str, str], port: int, readers: int) -> dict[str, Any]:
    """Let it read, encode, rank and send; then look at the pages' preview, which needs the encoder again."""
    with running(folder, environment) as memory:
        until(lambda: len(list(folder.glob("mail/new/*"))) >= readers)
        time.sleep(2)
        found = {"issue_peak_megabytes": memory.peak, "after_issue_megabytes": memory.now()}
        memory.peak = 0
        asked = urllib.parse.urlencode({"topics": "speech-recognition", "keywords": "alignment"}).encode()
        url = f"http://127.0.0.1:{port}/preview"
        with urllib.request.urlopen(urllib.request.Request(url, asked), timeout=PATIENCE) as answer:
            assert answer.status == 200
        time.sleep(2)
        return {**found, "encoder_loaded_megabytes": memory.now(), "loading_peak_megabytes": memory.peak}


@dataclass
class Memory:
    """What a process has in memory, read again and again until it is stopped. In MB."""

    pid: int
    peak: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def now(self) -> int:
        """Give what it has now."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) // 1024 if found else 0

    def watch(self) -> None:
        """Keep the most that it had."""
        while not self._stopped.wait(0.005):
            self.peak = max(self.peak, self.now())

    def stop(self) -> None:
        """Read no more."""
        self._stopped.set()


@contextmanager
def running(folder: Path, environment: dict[str, str]) -> Iterator[Memory]:
    """Run `newsletter run` in a folder, and end it as systemd does."""
    process = subprocess.Popen(words("run"), cwd=folder, env=environment, stdout=sys.stderr)
    memory = Memory(process.pid)
    watching = threading.Thread(target=memory.watch)
    watching.start()
    try:
        yield memory
    finally:
        memory.stop()
        watching.join()
        process.terminate()
        process.wait(timeout=30)


def command(*given: str, folder: Path, environment: dict[str, str]) -> None:
    """Run a command of the product."""
    subprocess.run(words(*given), cwd=folder, env=environment, check=True, capture_output=True)


def words(*given: str) -> list[str]:
    """Give a command line."""
    return [sys.executable, "-m", "newsletter", *given]


def answers(port: int) -> bool:
    """Tell whether the pages are there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/live", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def until(happened: Callable[[], bool]) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > ends:
            raise SystemExit("it takes too long")
        time.sleep(0.01)


def made_up(count: int) -> Iterator[str]:
    """Give papers as JSON lines: titles of two keywords, abstracts of some 170 words."""
    topics = list(catalogue.load(Settings().topics).values())
    chance = random.Random(20260820)
    known = " ".join(topic.description for topic in topics).replace(",", "").replace(".", "").split()
    for number in range(count):
        topic = chance.choice(topics)
        sentences = [topic.description, *(" ".join(chance.choices(known, k=20)) + "." for _ in range(7))]
        yield json.dumps(
            {
                "title": f"{' and '.join(chance.sample(topic.keywords, 2))}: a study ({number})",
                "abstract": " ".join(sentences),
                "url": f"https://arxiv.org/abs/2608.{number:05}",
            }
        )


if __name__ == "__main__":
    main()
