"""One writer for all connections of a sender: what has gathered while it wrote is written with the next commit.

A commit waits for the disk, so two of them for each message would be the limit of how fast mail is sent. Each
connection hands in the outcome of its last message together with the next one that it wants to begin, and waits until
that is durable: at most one message a connection is ever on its way without a record of how it ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from newsletter.store.deliveries import Deliveries, Settlement

_LONGEST_PATIENCE = 0.005  # seconds


class _Entry:
    """What one connection hands in. Its `turn` comes when that is written, or when it is to write for all."""

    __slots__ = ("begin", "begun", "done", "error", "settled", "turn")

    def __init__(self, settled: Settlement | None, begin: int | None) -> None:
        self.settled, self.begin = settled, begin
        self.done = self.begun = False
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()


class Ledger:
    """Writes for one owner of leases; for any number of threads."""

    def __init__(self, deliveries: Deliveries, owner: str, lease: timedelta) -> None:
        self._deliveries = deliveries
        self._owner = owner
        self._lease = lease
        self._gathering = threading.Condition()
        self._writing = False  # somebody writes, and will see who has come meanwhile
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
            writes, self._writing = not self._writing, True
        if not writes:
            entry.turn.acquire()
        if not entry.done:
            self._write()
        if entry.error is not None:
            raise entry.error
        return entry.begun

    def _write(self) -> None:
        """Write for all who have come, and let the first of those who come meanwhile write next."""
        entries: list[_Entry] = []
        try:
            entries = self._gathered()
            self._write_all(entries)
        finally:
            with self._gathering:
                self._writing = bool(self._waiting)
                following = self._waiting[:1]
            for entry in (*entries, *following):
                entry.turn.release()

    def _gathered(self) -> list[_Entry]:
        """Give what is to be written. A moment is waited for who will come soon: a commit of eight costs little more
        than a commit of one. No longer than half of the time that the last one took, as who waits sends nothing.
        """
        with self._gathering:
            self._gathering.wait_for(lambda: not self._away, timeout=self._patience)
            entries, self._waiting = self._waiting, []
        return entries

    def _write_all(self, entries: Sequence[_Entry]) -> None:
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
