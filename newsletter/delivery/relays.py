"""Several mail servers: each gets its share of the messages; one that fails rests, and the others take its part."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from newsletter.config import Relay
from newsletter.delivery.connection import where
from newsletter.delivery.smtp import SmtpSession, SmtpTransport
from newsletter.delivery.transaction import NotBegunError
from newsletter.errors import TransportError
from newsletter.model import Message, Outcome

_SHORTEST_REST, _LONGEST_REST = 30.0, 900.0  # seconds


class Roster:
    """Which server is asked next. Times are seconds of one clock, and arguments; so are the dice."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._weights = tuple(weights)
        self._failures = [0] * len(weights)
        self._rests = [0.0] * len(weights)

    def choose(self, tried: set[int], now: float, dice: float) -> int | None:
        """Give one that does not rest and was not `tried`, by weight; None where there is none.

        One of weight 0 stands in where no other is left. `dice` is drawn evenly from 0 to 1.
        """
        awake = [n for n in range(len(self._weights)) if n not in tried and self._rests[n] <= now]
        shares = [n for n in awake for _ in range(self._weights[n])] or awake
        return shares[int(dice * len(shares))] if shares else None

    def failed(self, number: int, now: float) -> None:
        """Let a server rest, the longer the more often in a row it failed."""
        if self._rests[number] > now:  # another connection has said so
            return
        rest = _SHORTEST_REST * 2 ** min(self._failures[number], 10)
        self._failures[number] += 1
        self._rests[number] = now + min(rest, _LONGEST_REST)

    def worked(self, number: int) -> None:
        """Forget that a server failed."""
        self._failures[number] = 0
        self._rests[number] = 0.0


class Relays:
    """The mail servers of the settings. All sessions of one `Relays` know which of them rest."""

    def __init__(self, relays: Sequence[Relay], *, ehlo_name: str = "") -> None:
        # Without waits before another try to connect: another server is the better try.
        self.servers = [SmtpTransport(relay, ehlo_name=ehlo_name, waits=()) for relay in relays]
        self._names = [where(relay) for relay in relays]
        self._roster = Roster([relay.weight for relay in relays])
        self._errors: dict[int, Exception] = {}
        self._lock = threading.Lock()

    @contextmanager
    def session(self) -> Iterator[RelaySession]:
        """Give a session; servers are connected to when the first message goes their way."""
        session = RelaySession(self)
        try:
            yield session
        finally:
            session.close()

    def pick(self, tried: set[int]) -> int | None:
        """Give the number of the server that is asked next, None where all others rest."""
        with self._lock:
            return self._roster.choose(tried, time.monotonic(), random.random())  # noqa: S311  no secret hangs on it

    def failed(self, number: int, error: Exception) -> None:
        """Remember that a server could not be used."""
        with self._lock:
            self._errors[number] = error
            self._roster.failed(number, time.monotonic())

    def worked(self, number: int) -> None:
        """Remember that a server took part in a transaction, whatever became of it."""
        with self._lock:
            self._roster.worked(number)

    def unusable(self) -> TransportError:
        """Give the error that tells what was wrong with each server."""
        with self._lock:
            said = [
                error.message if isinstance(error, TransportError) else f"{self._names[number]}: {error}"
                for number, error in sorted(self._errors.items())
            ]
            hints = [error.hint for error in self._errors.values() if isinstance(error, TransportError)]
        return TransportError(f"no mail server can be used: {'; '.join(said)}", hint=next(filter(None, hints), ""))


class RelaySession:
    """A connection to each server that was needed so far, for one thread."""

    def __init__(self, relays: Relays) -> None:
        self._relays = relays
        self._sessions: dict[int, SmtpSession] = {}

    def deliver(self, message: Message) -> Outcome:
        """Hand a message to one server, and to another where it turns out that the first cannot be used.

        Raises TransportError where none can; nothing has left then.
        """
        tried: set[int] = set()
        while (number := self._relays.pick(tried)) is not None:
            tried.add(number)
            try:
                if number not in self._sessions:
                    self._sessions[number] = self._relays.servers[number].open()
                outcome = self._sessions[number].attempt(message)
            except (TransportError, NotBegunError) as error:
                self._drop(number)
                self._relays.failed(number, error)
            else:
                self._relays.worked(number)
                return outcome
        raise self._relays.unusable()

    def close(self) -> None:
        """Hang up on all."""
        for number in list(self._sessions):
            self._drop(number)

    def _drop(self, number: int) -> None:
        if session := self._sessions.pop(number, None):
            session.close()
