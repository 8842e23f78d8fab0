"""A mail server for what comes back: LMTP (RFC 2033) or SMTP, for a mail server of one's own on the same network.

`250` is said when the mail is stored and not before; where the store fails the answer is `451`, and the other server
keeps the mail and tries again. Mail of people is refused, so that they learn that nobody reads it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from newsletter import logs
from newsletter.errors import ConfigError, StoreError

MOST_BYTES = 10_000_000  # of one mail: a bounce may return all of what was sent
MOST_CONNECTIONS = 20
_LONGEST_LINE = 1_000_000  # what is returned need not keep to the 998 of RFC 5322, and is wanted all the same
_FAREWELL = b"421 4.3.2 too many connections, come back later\r\n"
_LOG = logs.of("returns")


class Reception:
    """Answers to the commands of one listener (aiosmtpd's handler)."""

    def __init__(self, take: Callable[[bytes], bool], address: str) -> None:
        """`take` stores a mail and tells whether it is one that may come back; `address` is where bounces go."""
        self._take = take
        local, _, self._domain = address.lower().rpartition("@")
        self._local = local
        self.connections = 0

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the bounce address, with whatever behind a +, and one recipient a mail."""
        local, _, domain = address.lower().rpartition("@")
        if domain != self._domain or local.partition("+")[0] != self._local:
            return "550 5.1.1 no mail is taken for this address"
        if envelope.rcpt_tos:  # LMTP answers for each recipient, and each bounce address is of one delivery
            return "452 4.5.3 one recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store what came, and say what became of it."""
        content = envelope.original_content or b""
        [recipient] = envelope.rcpt_tos
        sender = (envelope.mail_from or "").strip("<>")  # aiosmtpd gives <> as it came
        head = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode("utf-8", "replace")
        try:
            report = await asyncio.to_thread(self._take, head + content)
        except StoreError as error:
            logs.event(_LOG, "mail could not be stored", level=logging.ERROR, error=error.message)
            return "451 4.3.0 cannot be stored now"
        if sender and not report:
            return "550 5.7.1 this address takes only reports on mail that was sent; nobody reads it"
        return "250 2.0.0 stored" if report else "250 2.0.0 read"


class Listener:
    """A listener on `lmtp://host:port` or `smtp://host:port`, in a thread of its own."""

    def __init__(self, url: str, reception: Reception) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 0
        self._kind: type[SMTP] = _Lmtp if parts.scheme == "lmtp" else _Smtp
        self._reception = reception
        self._loop = asyncio.new_event_loop()

    @contextmanager
    def running(self) -> Iterator[Listener]:
        """Listen while the block lasts; `port` is then the one that is listened on. Raises ConfigError."""
        try:
            server = self._loop.run_until_complete(
                self._loop.create_server(self._protocol, host=self.host, port=self.port)
            )
        except OSError as error:
            self._loop.close()
            raise ConfigError(
                f"cannot listen on {self.host}, port {self.port}: {error.strerror}",
                hint="set returns.listen to an address of this machine that is free",
            ) from error
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(_stopped(server), self._loop).result(timeout=10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def _protocol(self) -> SMTP:
        return self._kind(
            self._reception,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            ident="newsletter",
            loop=self._loop,
            timeout=120,
        )


async def _stopped(server: asyncio.Server) -> None:
    """Stop listening, and end what is in hand: a mail without an answer stays where it is."""
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _Counted(SMTP):
    """An SMTP conversation, of which there may be so many at a time."""

    line_length_limit = _LONGEST_LINE

    def connection_made(self, transport: Any) -> None:
        """Begin, or send away who is too much."""
        self.event_handler.connections += 1
        super().connection_made(transport)
        if self.event_handler.connections > MOST_CONNECTIONS:
            transport.write(_FAREWELL)
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        self.event_handler.connections -= 1
        super().connection_lost(error)


class _Smtp(_Counted):
    pass


class _Lmtp(_Counted, LMTP):
    pass
