"""Single mails, such as a confirmation, a welcome or an alert: in the database before they leave, until they have.

A mail server that rests, or that knows a sender only after a while (greylisting), is tried again; so is who was killed
in the middle. A mail of which nobody knows whether it arrived is sent again, under the same Message-ID: a confirmation
that comes twice harms nobody, one that never comes loses a reader.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter import logs
from newsletter.delivery.transport import Transport, hand_over
from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Message, Outcome
from newsletter.patience import rest
from newsletter.store import Store
from newsletter.store.outbox import Letter

_LOG = logs.of("outbox")
_LEASE = timedelta(minutes=15)  # longer than any server may take for one message
_HOPELESS = (DeliveryState.FAILED, DeliveryState.BOUNCED)


@dataclass(frozen=True)
class Outbox:
    """Keeps mails and sends them, by one transport."""

    store: Store
    transport: Transport

    def post(self, message: Message, *, now: datetime) -> Outcome:
        """Keep a mail, and try to send it at once."""
        letter = self.store.outbox.add(message, now=now, lease=_LEASE)
        outcome = hand_over(self.transport, message)
        self._settle(letter, outcome, now)
        return outcome

    def send_due(self, *, now: datetime, stop: Callable[[], bool] = lambda: False) -> None:
        """Send what is to be tried again by now, one after the other; none is begun once it is to `stop`.

        Where the transport does not work at all, the others stay as they are.
        """
        letter = self._next(now)
        if letter is None:
            return
        try:
            with self.transport.session() as session:
                while letter is not None:
                    self._settle(letter, session.deliver(letter.message), now)
                    letter = None if stop() else self._next(now)
        except TransportError as error:
            if letter is not None:
                self._settle(letter, Outcome(DeliveryState.DEFERRED, str(error)), now)

    def _next(self, now: datetime) -> Letter | None:
        return self.store.outbox.take(now=now, lease=_LEASE)

    def _settle(self, letter: Letter, outcome: Outcome, now: datetime) -> None:
        """Write what became of an attempt."""
        if outcome.state is DeliveryState.SENT:
            self.store.outbox.drop(letter.key)
            return
        wait = None if outcome.state in _HOPELESS else rest(letter.attempts)
        if wait is None:
            self.store.outbox.drop(letter.key)
            logs.event(_LOG, "mail given up", level=logging.ERROR, mail=letter.key, attempts=letter.attempts,
                       response=outcome.response)  # fmt: skip
        else:
            self.store.outbox.put_off(letter.key, outcome.response, until=now + wait)
            logs.event(_LOG, "mail put off", level=logging.WARNING, mail=letter.key, attempts=letter.attempts,
                       minutes=round(wait.total_seconds() / 60), response=outcome.response)  # fmt: skip
