"""The port that messages leave by, as the pipeline needs it.

What becomes of one message is a value, an `Outcome`, so that one bad address never stops a batch. Its state is one of

- `SENT`: whoever is next on the way has taken the message and answers for it (RFC 5321, section 6.1);
- `DEFERRED`: nothing was taken, and trying again later may help;
- `FAILED`: nothing was taken, and trying again will not help;
- `BOUNCED`: as `FAILED`, and the fault is the recipient's address: it should not be tried for other messages either;
- `UNCERTAIN`: the message was written whole, but the answer was lost. Nobody can know whether it was taken (RFC 1047);
  what to do is the operator's policy, not the transport's.

`TransportError` is raised only where the transport cannot work whatever the message is; then nothing of the message
that was being delivered has left, and it may be queued again.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Message, Outcome

RESPONSE_LENGTH = 500


class Session(Protocol):
    """A way out that is open now, a connection for instance. For one thread at a time."""

    def deliver(self, message: Message) -> Outcome:
        """Hand over one message and say what became of it."""
        ...


class Transport(Protocol):
    """A kind of way out. Any number of threads may each hold a session of it."""

    def session(self) -> AbstractContextManager[Session]:
        """Open a session; raises TransportError where that is impossible, before any message is at stake."""
        ...


def hand_over(transport: Transport, message: Message) -> Outcome:
    """Send one message by itself. Where the transport does not work at all, it is deferred."""
    try:
        with transport.session() as session:
            return session.deliver(message)
    except TransportError as error:
        return Outcome(DeliveryState.DEFERRED, str(error))


def one_line(text: str) -> str:
    """Give `text`, which a stranger may have written, fit for a log: one line, nothing unprintable, not too long."""
    printable = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:RESPONSE_LENGTH]
