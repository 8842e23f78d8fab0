"""Works off the queue of deliveries: claim, render, mark, send, record; one thread a connection.

What a crash at any moment leaves behind: rows that were claimed only are sent by the next run; rows marked `sending`,
at most one a connection, are in doubt, and `recover` treats them by the stated policy.
"""

from __future__ import annotations

import os
import queue
import random
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from newsletter.delivery.states import next_attempt, settle
from newsletter.delivery.transport import Session, Transport
from newsletter.errors import MessageError, TransportError
from newsletter.model import Delivery, DeliveryState, Message, Outcome
from newsletter.store.deliveries import Deliveries, Settlement

LEASE = timedelta(minutes=15)  # longer than the ten minutes that a server may take to answer the final dot
DRAIN = 8.0  # seconds that messages on their way are given when the program is told to stop
_CLAIMED_EACH = 8


_Task: TypeAlias = tuple[Delivery, Callable[[], Message] | Outcome]


class Letters(Protocol):
    """Makes the messages of claimed deliveries; an Outcome where there is none to send (the subscriber left)."""

    def __call__(self, claimed: Sequence[Delivery]) -> dict[int, Callable[[], Message] | Outcome]:
        """Give, by delivery key, what makes its message, or what became of it without one."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """How often a message is tried, and whether one that may have arrived is sent again."""

    attempts: int = 8
    resend_uncertain: bool = False


@dataclass
class Tally:
    """What became of the deliveries of one run."""

    states: Counter[DeliveryState] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def note(self, outcome: Outcome, state: DeliveryState) -> None:
        """Count one outcome; keep the first few replies that a person should read."""
        self.states[state] += 1
        if state is not DeliveryState.SENT and outcome.response and len(self.problems) < 10:
            self.problems.append(f"{state}: {outcome.response}")


def owner_name() -> str:
    """Give a name for this process that no other has, and that tells the others whether it still lives."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


def recover(deliveries: Deliveries, *, resend: bool) -> int:
    """Free what dead senders had claimed, and tell how many messages they left in doubt."""
    dead = [owner for owner in deliveries.owners() if _dead(owner)]
    return deliveries.expire(now=datetime.now(UTC), dead=dead, resend=resend)


def _dead(owner: str) -> bool:
    """Tell whether an owner is a process of this machine that is gone; of other machines only the lease can tell."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname()[:60] or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class Dispatcher:
    """One run over the queue of some issues."""

    def __init__(
        self, deliveries: Deliveries, transport: Transport, letters: Letters, policy: Policy, *, connections: int
    ) -> None:
        self._deliveries = deliveries
        self._transport = transport
        self._letters = letters
        self._policy = policy
        self._connections = connections
        self._owner = owner_name()
        self._work: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._workers: list[threading.Event] = []  # set when its worker has ended
        self._low = threading.Event()  # there is little left to do, or nobody to do it
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []
        self.tally = Tally()

    def run(
        self, issue_keys: Sequence[int], *, now: datetime, limit: int | None, progress: Callable[[int], None] | None
    ) -> Tally:
        """Send what waits and is due, at most `limit` messages.

        Raises TransportError where the transport cannot work at all; what was not sent then waits as before. When
        it is interrupted, it leaves after the messages on their way were finished, or `DRAIN` seconds.
        """
        left = limit
        try:
            while not self._stop.is_set() and (left is None or left > 0):
                most = self._connections * _CLAIMED_EACH
                claimed = self._deliveries.claim(
                    issue_keys,
                    owner=self._owner,
                    due=now,
                    now=datetime.now(UTC),
                    lease=LEASE,
                    limit=most if left is None else min(most, left),
                )
                if not claimed:
                    break
                self._feed(claimed, now, progress)
                left = None if left is None else left - len(claimed)
            self._finish()
        except BaseException:
            self._stop.set()
            self._finish(within=DRAIN)
            raise
        finally:
            self._stop.set()
            self._deliveries.release(self._owner)
        if self._errors:
            raise self._errors[0]
        return self.tally

    def _feed(self, claimed: Sequence[Delivery], now: datetime, progress: Callable[[int], None] | None) -> None:
        """Give the workers something to do, and wait until they will soon want more."""
        letters = self._letters(claimed)
        self._low.clear()
        for delivery in claimed:
            self._work.put((delivery, letters[delivery.key]))
        for _ in range(min(self._connections, len(claimed)) - len(self._workers)):
            ended = threading.Event()
            threading.Thread(target=self._worker, args=(now, progress, ended), daemon=True).start()
            self._workers.append(ended)
        self._low.wait()

    def _finish(self, within: float | None = None) -> None:
        """Send the workers home when all is done (or they are to stop), and wait for them, `within` seconds at most."""
        for _ in self._workers:
            self._work.put(None)
        until = None if within is None else time.monotonic() + within
        for ended in self._workers:
            # Not Thread.join: interrupted, it takes a thread that still runs for ended (CPython issue 90882).
            ended.wait(None if until is None else max(0.0, until - time.monotonic()))

    def _worker(self, now: datetime, progress: Callable[[int], None] | None, ended: threading.Event) -> None:
        try:
            with self._transport.session() as session:
                while (task := self._work.get()) is not None and not self._stop.is_set():
                    if self._work.qsize() < self._connections:
                        self._low.set()
                    self._one(session, *task, now)
                    if progress:
                        progress(1)
        except BaseException as error:  # noqa: BLE001  handed to the thread that runs us
            self._errors.append(error)
            self._stop.set()
            for _ in range(self._connections):  # nobody is to wait for work that will not come
                self._work.put(None)
        finally:
            self._low.set()
            ended.set()

    def _one(
        self, session: Session, delivery: Delivery, letter: Callable[[], Message] | Outcome, now: datetime
    ) -> None:
        attempts = delivery.attempts
        if isinstance(letter, Outcome):
            outcome = letter
        else:
            try:
                message = letter()
            except MessageError as error:
                # The address cannot stand in a message: no other try will change that, and no other mail suffers.
                outcome = Outcome(DeliveryState.FAILED, str(error))
            else:
                if not self._deliveries.start([delivery.key], owner=self._owner, now=datetime.now(UTC), lease=LEASE):
                    return  # somebody else has it: our lease ran out while others were sent
                attempts += 1
                try:
                    outcome = session.deliver(message)
                except TransportError as error:
                    # The transport failed, not this message: it was no attempt, and it is first in line when the
                    # transport works again.
                    waits = Settlement(delivery.key, DeliveryState.DEFERRED, error.message, now, begun=False)
                    self._record(waits, Outcome(DeliveryState.DEFERRED, error.message))
                    raise
        self._settle(delivery, outcome, attempts, now)

    def _settle(self, delivery: Delivery, outcome: Outcome, attempts: int, now: datetime) -> None:
        limit, resend = self._policy.attempts, self._policy.resend_uncertain
        state = settle(outcome, attempts, limit)
        # The dice spread retries, they guard nothing.
        jitter = random.random()  # noqa: S311
        again = next_attempt(outcome, attempts, now, limit=limit, jitter=jitter, resend_uncertain=resend)
        self._record(Settlement(delivery.key, state, outcome.response, again), outcome)

    def _record(self, settled: Settlement, outcome: Outcome) -> None:
        self._deliveries.settle([settled], owner=self._owner, now=datetime.now(UTC))
        with self._lock:
            self.tally.note(outcome, settled.state)
