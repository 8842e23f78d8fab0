"""Works off the queue of deliveries: claim, render, mark, send, record; one thread a connection.

What a crash at any moment leaves behind: rows that were claimed only are sent by the next run; rows marked `sending`,
at most one a connection, are in doubt, and `recovery.recover` treats them by the stated policy.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from newsletter import logs, memory
from newsletter.delivery.ledger import Ledger, Line
from newsletter.delivery.limits import Limits
from newsletter.delivery.policy import Failures, Policy
from newsletter.delivery.recovery import owner_name, retire
from newsletter.delivery.states import next_attempt, settle
from newsletter.delivery.tally import Tally
from newsletter.delivery.transport import Session, Transport
from newsletter.errors import MessageError, TransportError
from newsletter.model import EVERYBODY, Delivery, DeliveryState, Message, Outcome, Shard
from newsletter.store.allowances import Allowances
from newsletter.store.deliveries import Deliveries, Settlement

LEASE = timedelta(minutes=15)  # longer than the ten minutes that a server may take to answer the final dot
# Of what is claimed and not begun. It may be short: who lost it is refused when they want to begin, so that a host that
# died blocks little for long, and one that was only cut off doubles nothing.
CLAIM = timedelta(minutes=2)
_RENEWED = 30.0  # seconds between renewals of claims that wait for their turn
DRAIN = 8.0  # seconds that messages on their way are given when the program is told to stop
_CLAIMED_EACH, _MOST_CLAIMED = 32, 500
_PATIENCE = timedelta(seconds=60)  # what is put off for longer waits for the next run

_LOG = logs.of("delivery")

Letter: TypeAlias = Callable[[], Message | Outcome] | Outcome
_Task: TypeAlias = tuple[Delivery, Letter]
_Progress: TypeAlias = Callable[[int], None] | None


class Letters(Protocol):
    """Makes the messages of claimed deliveries; an Outcome where there is none to send (the subscriber left)."""

    def __call__(self, claimed: Sequence[Delivery]) -> Mapping[int, Letter]:
        """Give, by delivery key, what gives its message, or what became of it without one."""
        ...


class _Clock:
    """The newsletter's own time, which a replay may have set; from the start of the run it goes on as time does."""

    def __init__(self, start: datetime) -> None:
        self.start, self._began = start, time.monotonic()

    def __call__(self) -> datetime:
        return self.start + timedelta(seconds=time.monotonic() - self._began)


class Dispatcher:
    """One run over the queue of some issues."""

    def __init__(
        self,
        deliveries: Deliveries,
        allowances: Allowances,
        transport: Transport,
        letters: Letters,
        policy: Policy,
        *,
        connections: int,
        shard: Shard = EVERYBODY,
    ) -> None:
        self._deliveries = deliveries
        self._transport = transport
        self._letters = letters
        self._policy = policy
        self._connections = connections
        self._most = min(connections * _CLAIMED_EACH, _MOST_CLAIMED)
        self._shard = shard
        self._owner = owner_name()
        self._ledger = Ledger(deliveries, self._owner, LEASE)
        self._limits = Limits(policy, allowances)
        self._failures = Failures(policy.pause_at)
        self._work: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._workers: list[threading.Event] = []  # set when its worker has ended
        self._unfinished = 0
        self._low = threading.Event()  # there is little left to do, or nobody to do it
        self._idle = threading.Event()  # there is nothing left to do, or nobody to do it
        self._stop = threading.Event()
        self._halted = False
        self._lock = threading.Lock()
        self._put_off: list[datetime] = []  # when messages that were put off are due again
        self._errors: list[BaseException] = []
        self.tally = Tally()

    def run(self, issue_keys: Sequence[int], *, now: datetime, limit: int | None, progress: _Progress) -> Tally:
        """Send what waits and is due, at most `limit` messages.

        Raises TransportError where the transport cannot work at all; what was not sent then waits as before. When it is
        interrupted, it leaves after the messages on their way were finished, or `DRAIN` seconds.
        """
        left, clock = limit, _Clock(now)
        try:
            with memory.uncollected():
                while not self._stop.is_set() and (left is None or left > 0):
                    due = clock()
                    claimed = self._claim(issue_keys, due, left)
                    if claimed:
                        self._feed(claimed, clock, progress)
                        left = None if left is None else left - len(claimed)
                    elif not self._wait_for_others(due, clock):
                        break
                    memory.collect_new()
            self._finish(within=DRAIN if self._halted else None)
        except BaseException:
            self._stop.set()
            self._finish(within=DRAIN)
            raise
        finally:
            self._stop.set()
            if all(gone.is_set() for gone in self._workers):
                retire(self._owner)
            self._deliveries.release(self._owner)
        if self._errors:
            raise self._errors[0]
        return self.tally

    def halt(self) -> None:
        """End the run from another thread, as if it had been interrupted, but for the error."""
        self._halted = True
        self._break_off()

    def _claim(self, issue_keys: Sequence[int], due: datetime, left: int | None) -> list[Delivery]:
        self.tally.held = self._limits.exhausted()
        if self.tally.held:
            return []
        most = self._most if left is None else min(self._most, left)
        real = datetime.now(UTC)
        return self._deliveries.claim(
            issue_keys, owner=self._owner, due=due, now=real, lease=CLAIM, limit=most, shard=self._shard
        )

    def _feed(self, claimed: Sequence[Delivery], clock: _Clock, progress: _Progress) -> None:
        """Give the workers something to do, and wait until they will soon want more."""
        letters = self._letters(claimed)
        with self._lock:
            self._unfinished += len(claimed)
        self._low.clear()
        self._idle.clear()
        if self._stop.is_set():  # all workers may be gone by now, and would never say so again
            return
        for delivery in claimed:
            self._work.put((delivery, letters[delivery.key]))
        for _ in range(min(self._connections, len(claimed)) - len(self._workers)):
            ended = threading.Event()
            threading.Thread(target=self._worker, args=(clock, progress, ended), daemon=True).start()
            self._workers.append(ended)
        self._wait(self._low)

    def _wait(self, event: threading.Event) -> None:
        """Wait for an event, and keep meanwhile what is claimed: slow servers and limits may let it wait for long."""
        while not event.wait(_RENEWED):
            self._deliveries.renew(self._owner, until=datetime.now(UTC) + CLAIM)

    def _wait_for_others(self, due: datetime, clock: _Clock) -> bool:
        """Wait for what is being sent, then for what was put off; tell whether there may be more to send soon.

        What was due at `due` has been claimed.
        """
        if self._workers:
            self._wait(self._idle)
        with self._lock:
            self._put_off = [again for again in self._put_off if again > due]
            soonest = min(self._put_off, default=None)
        if soonest is None or self.tally.held or soonest - clock() > _PATIENCE:
            return False
        return not self._stop.wait(max(0.0, (soonest - clock()).total_seconds()))

    def _finish(self, within: float | None = None) -> None:
        """Send the workers home when all is done (or they are to stop), and wait for them, `within` seconds at most."""
        for _ in self._workers:
            self._work.put(None)
        until = None if within is None else time.monotonic() + within
        for ended in self._workers:
            # Not Thread.join: interrupted, it takes a thread that still runs for ended (CPython issue 90882).
            if until is None:
                self._wait(ended)
            else:
                ended.wait(max(0.0, until - time.monotonic()))

    def _worker(self, clock: _Clock, progress: _Progress, ended: threading.Event) -> None:
        line = Line(self._ledger)
        try:
            with self._transport.session() as session:
                try:
                    while (task := self._next(line)) is not None and not self._stop.is_set():
                        self._one(session, line, *task, clock)
                        self._done(progress)
                finally:
                    line.flush()  # before the connection is closed, which may take a while
        except BaseException as error:  # noqa: BLE001  handed to the thread that runs us
            self._errors.append(error)
            self._break_off()
        finally:
            ended.set()

    def _next(self, line: Line) -> _Task | None:
        """Give the next task; before a wait for one, what is not recorded yet is."""
        try:
            task = self._work.get_nowait()
        except queue.Empty:
            self._low.set()
            line.flush()
            task = self._work.get()
        if self._work.qsize() <= self._most // 2:  # while these are sent, the next are made
            self._low.set()
        return task

    def _done(self, progress: _Progress) -> None:
        if progress:
            progress(1)
        with self._lock:
            self._unfinished -= 1
            if not self._unfinished:
                self._idle.set()

    def _break_off(self) -> None:
        """Let nobody wait for work that will not come, nor for its end."""
        self._stop.set()
        for _ in range(self._connections):
            self._work.put(None)
        self._low.set()
        self._idle.set()

    def _one(
        self,
        session: Session,
        line: Line,
        delivery: Delivery,
        letter: Letter,
        clock: _Clock,
    ) -> None:
        try:
            message = letter if isinstance(letter, Outcome) else letter()
        except MessageError as error:
            # The address cannot stand in a message: no other try will change that, and no other mail suffers.
            message = Outcome(DeliveryState.FAILED, str(error))
        if isinstance(message, Outcome):
            return self._settle(line, delivery, message, clock)
        if not self._may_go(line, delivery, message, clock):
            return None
        if not line.begin(delivery.key):
            return None  # somebody else has it: our lease ran out while others were sent
        started = time.perf_counter()
        try:
            outcome = session.deliver(message)
        except TransportError as error:
            # The transport failed, not this message: it was no attempt, and it is first in line when the
            # transport works again.
            waits = Settlement(delivery.key, DeliveryState.DEFERRED, error.message, clock.start, begun=False)
            self._record(line, waits, Outcome(DeliveryState.DEFERRED, error.message))
            raise
        self._limits.told(_domain(message), outcome)
        return self._settle(line, delivery, outcome, clock, took=time.perf_counter() - started)

    def _may_go(self, line: Line, delivery: Delivery, message: Message, clock: _Clock) -> bool:
        """Wait for our turn; where the recipient's domain is to get nothing now, put the message off."""
        wait = self._limits.domain(_domain(message))
        if wait > 0:
            until = clock() + timedelta(seconds=wait)
            with self._lock:
                self._put_off.append(until)
            self._deliveries.put_off(delivery.key, owner=self._owner, until=until)
            return False
        # What is stopped here has only been claimed, and is given back.
        return self._within_quotas() and self._paced(line)

    def _within_quotas(self) -> bool:
        """Take a turn of each quota; where one is used up, nothing more is claimed.

        The run is not broken off for it: other connections may have turns that they have not used yet.
        """
        if held := self._limits.spend():
            self.tally.held = held
        return held is None

    def _paced(self, line: Line) -> bool:
        """Wait for a turn of this second; tell whether it came before we are to stop."""
        while not self._stop.is_set() and (wait := self._limits.pace()) > 0:
            line.flush()
            self._stop.wait(wait)
        return not self._stop.is_set()

    def _settle(
        self, line: Line, delivery: Delivery, outcome: Outcome, clock: _Clock, *, took: float | None = None
    ) -> None:
        """Settle a delivery; `took` is how many seconds the try took, None where none was begun."""
        begun = took is not None
        limit, resend = self._policy.attempts, self._policy.resend_uncertain
        attempts = delivery.attempts + begun
        state = settle(outcome, attempts, limit, old=DeliveryState.SENDING if begun else delivery.state)
        # The dice spread retries, they guard nothing.
        jitter = random.random()  # noqa: S311
        again = next_attempt(outcome, attempts, clock(), limit=limit, jitter=jitter, resend_uncertain=resend)
        self._record(line, Settlement(delivery.key, state, outcome.response, again, seconds=took), outcome)

    def _record(self, line: Line, settled: Settlement, outcome: Outcome) -> None:
        line.settle(settled)
        self._tell(settled)
        with self._lock:
            self.tally.note(outcome, settled.state)
            if alarm := self._failures.note(settled.state):
                self.tally.alarm = self.tally.alarm or alarm
        if alarm:
            self._break_off()

    @staticmethod
    def _tell(settled: Settlement) -> None:
        again = settled.next_attempt_at.isoformat(timespec="seconds") if settled.next_attempt_at else None
        seconds = None if settled.seconds is None else round(settled.seconds, 4)
        said = settled.response if settled.state is not DeliveryState.SENT else None
        logs.event(_LOG, settled.state, delivery=settled.key, response=said, again=again, seconds=seconds)


def _domain(message: Message) -> str:
    return message.recipient.rpartition("@")[2].lower()
