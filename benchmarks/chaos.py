"""Does a fleet of workers lose or double anything, whatever happens to it?

An issue is opened on PostgreSQL and worked off by several `newsletter worker`s, which mail to a server that writes down
each message before it answers. Meanwhile workers are killed (SIGKILL) and replaced, the database is stopped as by a
power cut and started again, and with `--hosts`, where each part runs on a host of its own (network namespaces; root and
iproute2 are needed), hosts are cut off and healed. In the end what the mail server took is compared with what readers
were to get.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import crash, fleet

NOW = "2026-08-20T08:00:00Z"
CUT = 12.0  # seconds that a host is cut off: longer than its timeouts
STALLED = 4.0  # seconds after which the jobs of a worker that is gone are done again


def main() -> None:
    """Measure, and print one JSON document or a few lines; ends with 1 where a mail was lost or doubled too often."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=2000, metavar="N")
    parser.add_argument("--workers", type=int, default=4, metavar="N")
    parser.add_argument("--connections", type=int, default=4, metavar="N", help="of each worker to the mail server")
    parser.add_argument("--kills", type=int, default=6, metavar="N", help="of workers, by SIGKILL")
    parser.add_argument("--restarts", type=int, default=1, metavar="N", help="of the database, in mid-issue")
    parser.add_argument("--cuts", type=int, default=1, metavar="N", help="of a worker's cable, with --hosts")
    parser.add_argument("--hosts", action="store_true", help="each part on a host of its own (network namespaces)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of what happens to whom")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    document = measured(Plan(**{name: value for name, value in vars(arguments).items() if name != "json"}))
    if arguments.json:
        print(json.dumps(document, indent=1))
    else:
        print("\n".join(f"{name}: {value}" for name, value in document.items()))
    sys.exit(0 if document["survived"] else 1)


@dataclass(frozen=True)
class Plan:
    """What is to happen to how many."""

    subscribers: int = 2000
    workers: int = 4
    connections: int = 4
    kills: int = 6
    restarts: int = 1
    cuts: int = 1
    hosts: bool = False
    seed: int = 1

    @property
    def blows(self) -> list[str]:
        """What happens, in an order that the seed decides."""
        cuts = self.cuts if self.hosts else 0
        blows = ["kill"] * self.kills + ["restart"] * self.restarts + ["cut"] * cuts
        random.Random(self.seed).shuffle(blows)
        return blows


@contextmanager
def places(plan: Plan) -> Iterator[tuple[dict[str, fleet.Host], fleet.Network | None]]:
    """Give the hosts of all parts by name."""
    names = ["database", "mail", *(f"worker{number}" for number in range(plan.workers))]
    if not plan.hosts:
        yield fleet.loopback(names), None
        return
    if not fleet.can_have_hosts():
        raise SystemExit("--hosts needs root, iproute2, and a kernel that allows network namespaces")
    with fleet.network() as network:
        yield {name: network.host(name) for name in names}, network


def measured(plan: Plan) -> dict[str, Any]:
    """Give what was lost and doubled."""
    with tempfile.TemporaryDirectory() as name, places(plan) as (hosts, network):
        folder = Path(name)
        folder.chmod(0o755)
        server = fleet.Postgres(folder / "database", hosts["database"])
        server.create()
        try:
            mail = folder / "taken.jsonl"
            with crash.sink(mail, host=hosts["mail"].address, inside=hosts["mail"].inside) as port:
                return Story(plan, folder, server, hosts, network, port, mail).told()
        finally:
            server.stop()


@dataclass
class Story:
    """One issue, and what happened to it."""

    plan: Plan
    folder: Path
    server: fleet.Postgres
    hosts: dict[str, fleet.Host]
    network: fleet.Network | None
    port: int
    mail: Path
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.plan.seed)
        mail = self.hosts["mail"].address
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")},
            "PYTHONPATH": str(fleet.ROOT),
            "OMP_NUM_THREADS": "1",
            "NEWSLETTER_NOW": NOW,  # after the hour of all readers
            "NEWSLETTER_DATABASE__URL": self.server.url,
            "NEWSLETTER_SITE__POSTAL_ADDRESS": "1 Dune Street",
            "NEWSLETTER_RANKING__ENCODER": "wordllama",
            "NEWSLETTER_DELIVERY__TRANSPORT": "smtp",
            "NEWSLETTER_SMTP__HOST": mail,
            "NEWSLETTER_SMTP__PORT": str(self.port),
            "NEWSLETTER_SMTP__TIMEOUT": "8",
            "NEWSLETTER_SMTP__CONNECTIONS": str(self.plan.connections),
            "NEWSLETTER_CLUSTER__ENABLED": "true",
            "NEWSLETTER_CLUSTER__SHARD": str(max(10, self.plan.subscribers // 40)),
            "NEWSLETTER_CLUSTER__STALLED_AFTER": str(STALLED),
        }
        self.workers = [
            fleet.Worker(self.hosts[f"worker{number}"], self.folder, self.environment)
            for number in range(self.plan.workers)
        ]

    def told(self) -> dict[str, Any]:
        """Live through it, and give the figures."""
        self._prepare()
        began = time.monotonic()
        try:
            for worker in self.workers:
                worker.start()
            for number, blow in enumerate(self.plan.blows, 1):
                self._wait_for(number * self.plan.subscribers // (len(self.plan.blows) + 1))
                self._strike(blow)
            self._wait_for(self.plan.subscribers, within=600)
            self._settled(within=120)
            seconds = time.monotonic() - began
            slowest = max(worker.terminate() for worker in self.workers)
        finally:
            for worker in self.workers:
                worker.kill()
        return self._judged(seconds, slowest)

    def _prepare(self) -> None:
        (self.folder / "digest.bib").write_text(crash.digest(), encoding="utf-8")
        subscribe = f"from benchmarks import crash; crash.subscribe({self.server.url!r}, {self.plan.subscribers})"
        self._run("-c", subscribe)
        self._run("-m", "newsletter", "ingest", "--file", "digest.bib")
        self._run("-m", "newsletter", "issue", "open")

    def _run(self, *words: str) -> str:
        """Run Python on a worker's host, from which the database can be reached, and give what it says."""
        command = [*self.hosts["worker0"].inside, sys.executable, *words]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed: {done.stderr.decode()}")
        return done.stdout.decode()

    def _strike(self, blow: str) -> None:
        self.happened[blow] += 1
        if blow == "restart":
            self.server.stop()
            time.sleep(self.dice.uniform(0, 3))
            self.server.start()
            return
        victim = self.dice.choice(self.workers)
        if blow == "kill":
            victim.kill()
            victim.start()
            return
        assert self.network is not None
        self.network.cable(victim.host, plugged=False)
        time.sleep(CUT)
        self.network.cable(victim.host, plugged=True)

    def _taken(self) -> list[dict[str, str]]:
        whole = self.mail.read_text(encoding="utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def _wait_for(self, recipients: int, *, within: float = 300) -> None:
        until = time.monotonic() + within
        while len({one["recipient"] for one in self._taken()}) < recipients:
            if time.monotonic() > until:
                raise SystemExit(f"stuck at {len(self._taken())} mails of {recipients}\n{self._logs()}")
            time.sleep(0.2)

    def _counts(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for issue in json.loads(self._run("-m", "newsletter", "issue", "list", "--json")):
            counts.update(issue["deliveries"])
        return counts

    def _settled(self, *, within: float) -> None:
        """Wait until every delivery has its outcome."""
        until = time.monotonic() + within
        while (counts := self._counts()) != Counter(sent=self.plan.subscribers):
            if time.monotonic() > until:
                raise SystemExit(f"not settled: {dict(counts)}\n{self._logs()}")
            time.sleep(1)

    def _logs(self) -> str:
        return "\n".join(path.read_text(encoding="utf-8")[-3000:] for path in sorted(self.folder.glob("*.log")))

    def _judged(self, seconds: float, slowest: float) -> dict[str, Any]:
        copies: defaultdict[str, set[str]] = defaultdict(set)
        taken = self._taken()
        for one in taken:
            copies[one["recipient"]].add(one["message_id"])
        struck = self.happened.total() + (self.plan.workers - 1) * self.happened["restart"]
        found = {
            "benchmark": "chaos",
            **asdict(self.plan),
            "happened": dict(self.happened),
            "lost": len({crash.address(number) for number in range(self.plan.subscribers)} - copies.keys()),
            "duplicates": len(taken) - len(copies),
            # Each worker that is struck leaves one message a connection in doubt; a database that stops strikes all.
            "duplicates_allowed": self.plan.connections * struck,
            "duplicates_of_another_message_id": sum(len(names) > 1 for names in copies.values()),
            "seconds": round(seconds, 1),
            "messages_per_second": round(len(taken) / seconds, 1),
            "slowest_termination_seconds": round(slowest, 2),
        }
        fine = not found["lost"] and not found["duplicates_of_another_message_id"]
        return {**found, "survived": fine and found["duplicates"] <= found["duplicates_allowed"]}


if __name__ == "__main__":
    main()
