"""The transport for rehearsals: everything is done but the sending."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from newsletter.model import DeliveryState, Message, Outcome

NOT_SENT = Outcome(DeliveryState.SENT, "not sent: the null transport")


class NullSession:
    """Says that every message was sent, and drops it."""

    def deliver(self, message: Message) -> Outcome:
        """Drop `message`."""
        return NOT_SENT


class NullTransport:
    """Messages go nowhere, and the response says so."""

    @contextmanager
    def session(self) -> Iterator[NullSession]:
        """Give a session; nothing is opened."""
        yield NullSession()
