"""Is a crash survived? `newsletter ingest` and `newsletter send` are killed at random moments, and started again.

Each round is one day of a newsletter of its own: a digest is ingested and an issue sent to a mail server that writes
down every message before it answers. Meanwhile SIGKILL comes a few times, in the middle of anything: reading, opening
the issue, ranking, sending. In every fourth round it is SIGTERM, after which nothing may be in doubt. Then the programs
run to their end, and what the server took is compared with what the readers were to get.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from newsletter.model import DeliveryState, InterestProfile, NewSubscriber, SubscriberStatus
from newsletter.store import Store

ROOT = Path(__file__).resolve().parent.parent
NOW = "2026-08-20T06:00:00Z"
KILLS = 4  # at most, in one round
PAPERS = 24
DELAY = 0.04  # seconds that the server takes at most before it writes a message down, and again before it answers
SUBJECTS = ("speech", "galaxies", "proteins", "numbers", "dunes", "markets")


def main() -> None:
    """Measure, and print one JSON document or a few lines; ends with 1 where something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    parser.add_argument("--subscribers", type=int, default=60, metavar="N")
    parser.add_argument("--connections", type=int, default=4, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the moments at which is killed")
    parser.add_argument("--database", metavar="URL", help="a PostgreSQL server to make databases on; else SQLite")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--sink", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--host", default="127.0.0.1", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sink:
        serve(arguments.sink, arguments.host)
        return
    document = measured(
        arguments.rounds, arguments.subscribers, arguments.connections, arguments.seed, arguments.database
    )
    if arguments.json:
        print(json.dumps(document, indent=1))
    else:
        print("\n".join(f"{name}: {value}" for name, value in document.items()))
    sys.exit(0 if document["survived"] else 1)


def measured(
    rounds: int, subscribers: int, connections: int, seed: int, database: str | None, *, term_every: int = 4
) -> dict[str, Any]:
    """Give what was lost, doubled and left in doubt over so many rounds, and what was going on at the kills."""
    dice = random.Random(seed)
    found = Found()
    with tempfile.TemporaryDirectory() as name, sink(Path(name) / "taken.jsonl") as port:
        folder = Path(name)
        (folder / "digest.bib").write_text(digest(), encoding="utf-8")
        for number in range(rounds):
            with fresh(folder, number, database) as url:
                day = Day(folder, url, port, subscribers, connections, random.Random(dice.random()))
                day.live(found, signal.SIGTERM if number % term_every == term_every - 1 else signal.SIGKILL)
    return {
        "benchmark": "crash",
        "database": "postgresql" if database else "sqlite",
        "rounds": rounds,
        "messages": rounds * subscribers,
        "connections": connections,
        "kills": found.kills.total(),
        "kills_while": dict(found.kills),
        "lost": found.lost,
        "duplicates": found.duplicates,
        "duplicates_allowed": connections * found.kills.total(),
        "duplicates_of_another_message_id": found.strangers,
        "papers_lost": found.papers_lost,
        "terminations": len(found.terminated),
        "slowest_termination_seconds": round(max(found.terminated, default=0), 2),
        "in_doubt_after_termination": found.in_doubt,
        "survived": found.survived(connections),
    }


@dataclass
class Found:
    """What all rounds together did to the mail."""

    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    duplicates: int = 0
    strangers: int = 0
    papers_lost: int = 0
    in_doubt: int = 0
    terminated: list[float] = field(default_factory=list)

    def survived(self, connections: int) -> bool:
        """Tell whether all was as it must be."""
        wrong = self.lost + self.strangers + self.papers_lost + self.in_doubt
        in_time = max(self.terminated, default=0) < 10
        return not wrong and in_time and self.duplicates <= connections * self.kills.total()


@dataclass
class Day:
    """One newsletter's only day."""

    folder: Path
    url: str
    port: int
    subscribers: int
    connections: int
    dice: random.Random

    def live(self, found: Found, blow: signal.Signals) -> None:
        """Ingest and send, with a few blows, and add to what was found."""
        subscribe(self.url, self.subscribers)
        before = len(self.taken())
        for words in (("ingest", "--file", "digest.bib"), ("send",)):
            blows = self.dice.randint(1, KILLS) if words[0] == "send" else self.dice.randint(0, 2)
            while blows and self.struck(words, blow, found):
                blows -= 1
            with self.started(*words) as process:
                _, said = process.communicate(timeout=300)
            if process.returncode:
                raise SystemExit(f"newsletter {words[0]} ended with {process.returncode}: {said.decode()}")
        self.judge(self.taken()[before:], found)

    def struck(self, words: tuple[str, ...], blow: signal.Signals, found: Found) -> bool:
        """Start a command and strike it at some moment; tell whether it was still running."""
        with self.started(*words) as process:
            self.wait(process, until_mail=words[0] == "send" and self.dice.random() < 0.5)
            if process.poll() is not None:
                return False
            process.send_signal(blow)
            struck_at = time.monotonic()
            _, said = process.communicate(timeout=60)
        took = time.monotonic() - struck_at
        if blow is signal.SIGKILL:
            found.kills[words[0] if words[0] == "ingest" else self.doing()] += 1
            return True
        # Before it listens it dies of SIGTERM; and interrupted within exec(), as while a dataclass is being made,
        # CPython ends by SIGINT in the end, whatever status it is told.
        if process.returncode not in {0, 143, -signal.SIGTERM, -signal.SIGINT}:
            raise SystemExit(f"newsletter {words[0]} ended with {process.returncode}: {said.decode()}")
        found.terminated.append(took)
        counts = self.counts()
        found.in_doubt += counts.get(DeliveryState.SENDING, 0) + counts.get(DeliveryState.UNCERTAIN, 0)
        return True

    def wait(self, process: subprocess.Popen[bytes], *, until_mail: bool) -> None:
        """Wait for some time, or until the server has some more mail and then a moment."""
        if not until_mail:
            time.sleep(self.dice.uniform(0.2, 3.0))
            return
        enough = len(self.taken()) + self.dice.randint(1, max(1, self.subscribers // KILLS))
        while process.poll() is None and len(self.taken()) < enough:
            time.sleep(0.005)
        time.sleep(self.dice.uniform(0, DELAY))

    def doing(self) -> str:
        """Say what `send` was at when it was killed, as the database shows it."""
        return "sending" if self.counts() else "opening the issue or ranking"

    def counts(self) -> dict[DeliveryState, int]:
        """Give the states of all deliveries."""
        with Store(self.url) as store:
            return store.deliveries.counts([issue.key for issue in store.issues.all()])

    def started(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
        ours = {
            "NOW": NOW,
            "DATABASE__URL": self.url,
            "DELIVERY__TRANSPORT": "smtp",
            "SMTP__HOST": "127.0.0.1",
            "SMTP__PORT": str(self.port),
            "SMTP__CONNECTIONS": str(self.connections),
            "RANKING__ENCODER": "wordllama",
        }
        environment = {**kept, "PYTHONPATH": str(ROOT), **{f"NEWSLETTER_{name}": value for name, value in ours.items()}}
        return subprocess.Popen(
            [sys.executable, "-m", "newsletter", *words],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def taken(self) -> list[dict[str, str]]:
        """Give what the server has written down so far."""
        whole = (self.folder / "taken.jsonl").read_text(encoding="utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def judge(self, mail: list[dict[str, str]], found: Found) -> None:
        """Compare what was taken with what was to be sent."""
        copies: defaultdict[str, list[str]] = defaultdict(list)
        for one in mail:
            copies[one["recipient"]].append(one["message_id"] + one["digest"])
        found.lost += len(set(map(address, range(self.subscribers))) - copies.keys())
        found.lost += self.subscribers - self.counts().get(DeliveryState.SENT, 0)
        found.duplicates += len(mail) - len(copies)
        found.strangers += sum(len(set(same)) > 1 for same in copies.values())
        with Store(self.url) as store:
            found.papers_lost += PAPERS - store.papers.count()


def address(number: int) -> str:
    """Give the address of a reader."""
    return f"reader{number}@lab.example"


def subscribe(url: str, count: int) -> None:
    """Make the tables, and the readers of a newsletter."""
    profile = InterestProfile(keywords=SUBJECTS[:3])
    readers = [NewSubscriber(address(n), profile, papers=5, status=SubscriberStatus.ACTIVE) for n in range(count)]
    with Store(url) as store:
        store.subscribers.replace(readers, now=datetime(2026, 8, 1, tzinfo=UTC))


def digest() -> str:
    """Give the papers of the day."""
    return "\n".join(
        f"@article{{k{n}, title={{On {SUBJECTS[n % len(SUBJECTS)]}, part {n}}}, author={{Ada Lovelace}}, year=2026, "
        f"abstract={{We study {SUBJECTS[n % len(SUBJECTS)]} at length, and find {n} things that nobody knew.}}}}"
        for n in range(PAPERS)
    )


@contextmanager
def fresh(folder: Path, number: int, server: str | None) -> Iterator[str]:
    """Give the URL of an empty database, for one round."""
    if server is None:
        own = folder / f"round{number}"
        own.mkdir()
        yield f"sqlite:///{own / 'newsletter.db'}"
        shutil.rmtree(own)
        return
    import psycopg  # noqa: PLC0415

    base, name = server.rpartition("/")[0], f"crash_{uuid.uuid4().hex}"
    with psycopg.connect(base.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        try:
            yield f"{base}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def sink(file: Path, *, host: str = "127.0.0.1", inside: Sequence[str] = ()) -> Iterator[int]:
    """Run the mail server as a process of its own, `inside` what starts it on another host; give its port."""
    file.touch()
    command = [*inside, sys.executable, str(Path(__file__).resolve()), "--sink", str(file), "--host", host]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def serve(file: Path, host: str) -> None:
    """Be the mail server, until standard input ends."""
    from aiosmtpd.controller import Controller  # noqa: PLC0415
    from aiosmtpd.smtp import SMTP, Envelope, Session  # noqa: PLC0415

    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)

    class Recorder:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            content = bytes(envelope.original_content or b"")
            name = content.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()
            one = {"recipient": envelope.rcpt_tos[0], "message_id": name, "digest": sha256(content).hexdigest()}
            await asyncio.sleep(random.uniform(0, DELAY))
            os.write(descriptor, json.dumps(one).encode() + b"\n")
            os.fsync(descriptor)
            await asyncio.sleep(random.uniform(0, DELAY))
            return "250 2.0.0 taken"

    class Sink(Controller):
        def _trigger_server(self) -> None:
            assert self.server is not None
            self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
            super()._trigger_server()  # type: ignore[no-untyped-call]

    server = Sink(Recorder(), hostname=host, port=0)
    server.start()
    print(server.port, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
