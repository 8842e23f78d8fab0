"""Messages handed to an SMTP server: one connection a session, kept over messages and renewed when it ends."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from ssl import SSLContext

from newsletter.config import Relay
from newsletter.delivery.addresses import ascii_domain
from newsletter.delivery.connection import ConnectError, connect, tls_context, where
from newsletter.delivery.transaction import NotBegunError, transact
from newsletter.model import DeliveryState, Message, Outcome

# RFC 5321, section 4.5.3.2.6, grants the reply to the final dot ten minutes, against five or less for anything else:
# giving up early there leaves a message in doubt.
PATIENCE = 10
# How many seconds to wait before the second and the third try to connect.
WAITS = (1.0, 5.0)
_FAREWELL = 5.0


class SmtpSession:
    """One connection to the server, for one thread."""

    def __init__(self, settings: Relay, dial: Callable[[], smtplib.SMTP]) -> None:
        self._settings = settings
        self._dial = dial
        self._client = dial()

    def deliver(self, message: Message) -> Outcome:
        """Send `message` in a transaction of its own.

        Servers close connections that are idle or have carried enough messages. Where that shows before MAIL was
        answered nothing was sent, and the message goes over a new connection at once.
        """
        try:
            return self.attempt(message)
        except NotBegunError as error:
            return Outcome(DeliveryState.DEFERRED, str(error))

    def attempt(self, message: Message) -> Outcome:
        """As `deliver`, but raise NotBegunError where the new connection ends before MAIL is answered, too."""
        try:
            if self._client.sock is not None:
                with suppress(NotBegunError):
                    return self._transact(message)
            self._client = self._dial()
            return self._transact(message)
        except NotBegunError:
            raise
        except BaseException:
            # Whatever it was (an interrupt, too), nobody knows where in a transaction it left the connection.
            self._client.close()
            raise

    def close(self) -> None:
        """Say QUIT, without waiting long for the answer, and hang up."""
        if self._client.sock is not None:
            self._client.sock.settimeout(min(self._settings.timeout, _FAREWELL))
            with suppress(smtplib.SMTPException):
                self._client.quit()
        self._client.close()

    def _transact(self, message: Message) -> Outcome:
        patience = self._settings.timeout * PATIENCE
        return transact(self._client, message, where=where(self._settings), patience=patience)


class SmtpTransport:
    """The SMTP server of the settings. `ehlo_name` is how we introduce ourselves, as a rule the sender's domain.

    Without it the machine's own name is used (RFC 5321, section 4.1.4, asks for one that resolves).
    """

    def __init__(self, settings: Relay, *, ehlo_name: str = "", waits: Sequence[float] = WAITS) -> None:
        self._settings = settings
        self._ehlo_name = ascii_domain(ehlo_name) or None
        self._waits = tuple(waits)

    @contextmanager
    def session(self) -> Iterator[SmtpSession]:
        """Connect and log in; raises TransportError where that fails."""
        session = self.open()
        try:
            yield session
        finally:
            session.close()

    def open(self) -> SmtpSession:
        """As `session`, for a caller who closes it."""
        return SmtpSession(self._settings, self._dial)

    @cached_property
    def _context(self) -> SSLContext:
        return tls_context(self._settings)

    def _dial(self) -> smtplib.SMTP:
        """Give a new connection, trying again where the failure may be a passing one."""
        for wait in self._waits:
            try:
                return connect(self._settings, self._context, self._ehlo_name)
            except ConnectError as error:
                if not error.temporary:
                    raise
            time.sleep(wait)
        return connect(self._settings, self._context, self._ehlo_name)
