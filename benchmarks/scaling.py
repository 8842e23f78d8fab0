"""What one issue for very many readers needs: a model, and a simulation of the fleet that checks it.

The model says that an issue is done when its slowest station is: the workers' cores, the database's writers, the mail
servers. The simulation lets shards go through those stations, each with service times that scatter, workers that take
the next shard when they are free and some that die; it knows nothing of the model. Both take the service times that
`benchmarks/million.py` measured, as options.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
from dataclasses import asdict, dataclass, replace
from typing import Any

SHARD = 500
STALLED = 45.0  # seconds until the shard of a worker that died is begun anew
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)


@dataclass(frozen=True)
class Fleet:
    """Who works, and how long each takes: milliseconds of one core for a reader, rows and mails a second."""

    cores: int = 16
    rank: float = 2.0  # ms of a core
    mail: float = 1.0  # ms of a core: claim, render, send, record
    writes: float = 10_000.0  # readers a second whose rows one database takes: edition, delivery, three changes
    databases: int = 1  # partitions on servers of their own
    servers: float = 3_000.0  # mails a second that all mail servers take
    deaths: float = 0.0  # of a worker, for each hour that it works

    @property
    def stations(self) -> dict[str, float]:
        """Readers a second that each station takes."""
        return {
            "workers": self.cores * 1000.0 / (self.rank + self.mail),
            "database": self.writes * self.databases,
            "mail servers": self.servers,
        }


def model(fleet: Fleet, readers: int) -> dict[str, Any]:
    """Give how long an issue takes, and which station is the limit."""
    limit = min(fleet.stations, key=lambda name: fleet.stations[name])
    seconds = readers / fleet.stations[limit]
    # The first shard has to come through before the last station has work, and a death costs what it waits for.
    return {"limit": limit, "seconds": round(seconds, 1), "readers_per_second": round(fleet.stations[limit], 1)}


def simulated(fleet: Fleet, readers: int, *, seed: int = 1) -> float:
    """Give how long an issue takes: each core takes shard after shard; what they write and send queues up behind it."""
    chance = random.Random(seed)
    shards = max(1, math.ceil(readers / SHARD))
    cores = [(0.0, number) for number in range(fleet.cores)]
    heapq.heapify(cores)
    databases = [0.0] * fleet.databases
    servers, last = 0.0, 0.0
    again: list[float] = []  # when shards that died are begun anew
    while shards or again:
        free, number = heapq.heappop(cores)
        if again and (not shards or again[0] <= free):
            free = max(free, heapq.heappop(again))
        else:
            shards -= 1
        took = SHARD * (fleet.rank + fleet.mail) / 1000.0 * chance.lognormvariate(-0.03, 0.25)
        if chance.random() < fleet.deaths * took / 3600.0:
            heapq.heappush(again, free + took / 2 + STALLED)
            heapq.heappush(cores, (free + took / 2 + STALLED, number))
            continue
        database = min(range(fleet.databases), key=lambda one: databases[one])
        # The database and the mail servers work while the core does; the core waits where they are behind.
        databases[database] = max(databases[database], free) + SHARD / fleet.writes * chance.uniform(0.9, 1.1)
        servers = max(servers, free) + SHARD / fleet.servers
        done = max(free + took, databases[database], servers)
        last = max(last, done)
        heapq.heappush(cores, (done, number))
    return last


def needed(fleet: Fleet, readers: int, hours: float) -> Fleet:
    """Give the smallest fleet that does an issue in so many hours, with a tenth to spare."""
    rate = readers / hours / 3600.0 * 1.1
    return replace(
        fleet,
        cores=math.ceil(rate * (fleet.rank + fleet.mail) / 1000.0),
        databases=math.ceil(rate / fleet.writes),
        servers=rate,
    )


def main() -> None:
    """Compare, and print one JSON document or a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in asdict(Fleet()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value, metavar="X")
    parser.add_argument("--hours", type=float, default=2.0, metavar="H", help="within which an issue is to be out")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = vars(parser.parse_args())
    as_json, hours = arguments.pop("json"), arguments.pop("hours")
    document = measured(Fleet(**arguments), hours)
    if as_json:
        print(json.dumps(document, indent=1))
        return
    for row in document["sizes"]:
        print(
            f"{row['readers']:>12,}: {row['model']['seconds'] / 60:8.1f} min by the model ({row['model']['limit']}), "
            f"{row['simulated_seconds'] / 60:8.1f} simulated; in {hours:g} h: {row['needed']['cores']} cores, "
            f"{row['needed']['databases']} database(s), {row['needed']['servers']:,.0f} mails a second"
        )


def measured(fleet: Fleet, hours: float) -> dict[str, Any]:
    """Give both for all sizes, and what each size needs."""
    rows = []
    for readers in SIZES:
        fit = needed(fleet, readers, hours)
        rows.append(
            {
                "readers": readers,
                "model": model(fleet, readers),
                "simulated_seconds": round(simulated(fleet, readers), 1),
                "needed": asdict(fit),
                "needed_simulated_hours": round(simulated(fit, readers) / 3600.0, 3),
            }
        )
    return {"benchmark": "scaling", "fleet": asdict(fleet), "stations": fleet.stations, "sizes": rows}


if __name__ == "__main__":
    main()
