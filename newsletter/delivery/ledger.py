"""One writer for all connections of a sender: what has gathered while it wrote is written with the next commit.

A commit waits for the disk, so two of them for each message would be the limit of how fast mail is sent. Each
connection hands in the outcome of its last message together with the next one that it wants to begin, and waits until
that is durable: at most one message a connection is ever on its way without a record of how it ended.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from newsletter.store.deliveries import Deliveries, Settlement

_LONGEST_PATIENCE = 0.005  # seconds


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
        self._writing = threading.Lock()
        self._gathering = threading.Condition()
        self._waiting: list[_Entry] = []
        self._away: set[int] = set()  # what is on its way: the outcome is still to come
        self._patience = 0.0

    def advance(self, settled: Settlement | None, begin: int | None = None) -> bool:
        """Record how one delivery ended and that another begins; tell, when that is durable, whether it may begin.

        It may not where its lease has gone to somebody else. Raises what the store raises.
        """
        entry = _Entry(settled, begin)
        with self._gathering:
            self._waiting.append(entry)
            if settled is not None:
                self._away.discard(settled.key)
            if not self._away:
                self._gathering.notify()
        with self._writing:  # whoever gets here first writes for all who came meanwhile
            if not entry.done:
                self._write()
        if entry.error is not None:
            raise entry.error
        return entry.begun

    def _gathered(self) -> list[_Entry]:
        """Give what is to be written. A moment is waited for who will come soon: a commit of eight costs little more
        than a commit of one. No longer than half of the time that the last one took, as who waits sends nothing.
        """
        with self._gathering:
            self._gathering.wait_for(lambda: not self._away, timeout=self._patience)
            entries, self._waiting = self._waiting, []
        return entries

    def _write(self) -> None:
        entries = self._gathered()
        settled = [entry.settled for entry in entries if entry.settled is not None]
        begin = [entry.begin for entry in entries if entry.begin is not None]
        started = time.perf_counter()
        try:
            begun = self._deliveries.advance(
                settled, begin, owner=self._owner, now=datetime.now(UTC), lease=self._lease
            )
        except BaseException as error:
            for entry in entries:
                entry.done, entry.error = True, error
            raise
        self._patience = min((time.perf_counter() - started) / 2, _LONGEST_PATIENCE)
        with self._gathering:
            self._away |= begun
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
