"""One writer for all connections of a sender: what has gathered while it wrote is written with the next commit.

A commit waits for the disk, so two of them for each message would be the limit of how fast mail is sent. Each
connection hands in the outcome of its last message together with the next one that it wants to begin, and waits until
that is durable: at most one message a connection is ever on its way without a record of how it ended.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from newsletter.store.deliveries import Deliveries, Settlement


@dataclass
class _Entry:
    settled: Settlement | None
    begin: int | None
    done: bool = False
    begun: bool = False
    error: BaseException | None = field(default=None)


class Ledger:
    """Writes for one owner of leases; for any number of threads."""

    def __init__(self, deliveries: Deliveries, owner: str, lease: timedelta) -> None:
        self._deliveries = deliveries
        self._owner = owner
        self._lease = lease
        self._gathering, self._writing = threading.Lock(), threading.Lock()
        self._waiting: list[_Entry] = []

    def advance(self, settled: Settlement | None, begin: int | None = None) -> bool:
        """Record how one delivery ended and that another begins; tell, when that is durable, whether it may begin.

        It may not where its lease has gone to somebody else. Raises what the store raises.
        """
        entry = _Entry(settled, begin)
        with self._gathering:
            self._waiting.append(entry)
        with self._writing:  # whoever gets here first writes for all who came meanwhile
            if not entry.done:
                self._write()
        if entry.error is not None:
            raise entry.error
        return entry.begun

    def _write(self) -> None:
        with self._gathering:
            entries, self._waiting = self._waiting, []
        settled = [entry.settled for entry in entries if entry.settled is not None]
        begin = [entry.begin for entry in entries if entry.begin is not None]
        try:
            begun = self._deliveries.advance(
                settled, begin, owner=self._owner, now=datetime.now(UTC), lease=self._lease
            )
        except BaseException as error:
            for entry in entries:
                entry.done, entry.error = True, error
            raise
        for entry in entries:
            entry.done, entry.begun = True, entry.begin in begun


class Line:
    """What one connection has still to write down: the outcome of its last message, with the next that begins."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._last: Settlement | None = None

    def begin(self, key: int) -> bool:
        """Begin a delivery; tell, when that and what came before is durable, whether it may be sent."""
        last, self._last = self._last, None
        return self._ledger.advance(last, key)

    def settle(self, settled: Settlement) -> None:
        """Note an outcome, to be written when the next delivery begins."""
        self.flush()
        self._last = settled

    def flush(self) -> None:
        """Write what is noted now, as nothing else begins soon."""
        if self._last is not None:
            last, self._last = self._last, None
            self._ledger.advance(last)
