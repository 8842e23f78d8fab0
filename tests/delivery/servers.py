"""SMTP servers on loopback: one that behaves (aiosmtpd, with TLS and logins) and one that follows a script."""

from __future__ import annotations

import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, BinaryIO, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"
USER, PASSWORD = "papers", "only for tests"


@dataclass(frozen=True)
class Received:
    sender: str
    recipient: str
    content: bytes
    ehlo_name: str
    encrypted: bool
    logged_in: bool
    mail_options: tuple[str, ...]


@dataclass
class Mailbox:
    """What a `Sink` took, and the replies it gives next at a phase instead of taking."""

    received: list[Received] = field(default_factory=list)
    replies: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    connections: set[str | None] = field(default_factory=set)

    def answer(self, phase: str, *replies: str) -> None:
        self.replies[phase].extend(replies)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.connections.add(session.peer)
        if self.replies["MAIL"]:
            return self.replies["MAIL"].popleft()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.replies["RCPT"]:
            return self.replies["RCPT"].popleft()
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.replies["."]:
            return self.replies["."].popleft()
        assert isinstance(envelope.original_content, bytes)
        [recipient] = envelope.rcpt_tos
        self.received.append(
            Received(
                sender=envelope.mail_from or "",
                recipient=recipient,
                content=envelope.original_content,
                ehlo_name=session.host_name or "",
                encrypted=_encrypted(server),
                logged_in=bool(session.authenticated),
                mail_options=tuple(envelope.mail_options),
            )
        )
        return f"250 2.0.0 taken as {len(self.received)}"


def _encrypted(server: SMTP) -> bool:
    assert server.transport is not None
    return server.transport.get_extra_info("ssl_object") is not None


def _check_login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


class Sink(Controller):
    """aiosmtpd on a free port of loopback; `mailbox` holds what came."""

    def __init__(self, **options: Any) -> None:
        self.mailbox = Mailbox()
        super().__init__(self.mailbox, hostname=HOST, port=0, authenticator=_check_login, **options)

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()  # type: ignore[no-untyped-call]

    @property
    def received(self) -> list[Received]:
        return self.mailbox.received


@contextmanager
def sink(**options: Any) -> Iterator[Sink]:
    server = Sink(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Act(Enum):
    """What a scripted server does instead of answering."""

    HANG_UP = auto()
    RESET = auto()
    SILENCE = auto()


Answer = str | Act
_USUAL = {"DATA": "354 go ahead", "QUIT": "221 bye", "RSET": "250 OK"}


class Script:
    """A server that gives the answers it is told, one connection at a time.

    `answers` maps a verb (`HELLO` is the greeting, `TEXT` what happens when the first line of a text has come, `.` its
    end) to the answers given one after the other; when they are used up it agrees to everything.
    """

    def __init__(self, offers: Iterable[str] = (), /, **answers: Answer | list[Answer]) -> None:
        self.heard: list[str] = []
        self.texts: list[bytes] = []
        self.connections = 0
        self._offers = tuple(offers)
        self._answers = {verb: deque(given if isinstance(given, list) else [given]) for verb, given in answers.items()}
        self._over = threading.Event()
        self._listener = socket.create_server((HOST, 0))
        self._connection = self._listener
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Hang up on everybody and listen no more."""
        self._over.set()
        for endpoint in (self._listener, self._connection):
            with suppress(OSError):
                endpoint.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._connection = connection
            with connection, connection.makefile("rb") as lines, suppress(OSError):
                connection.settimeout(30)
                self._converse(connection, lines)

    def _converse(self, connection: socket.socket, lines: BinaryIO) -> None:
        going_on = self._answer(connection, "HELLO", "220 script.test ready")
        while going_on and (line := lines.readline()):
            command = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
            self.heard.append(command)
            verb = command.split(" ")[0].upper()
            if verb == "EHLO":
                features = ["script.test", *self._offers]
                usual = "\r\n".join(f"250{'-' if f != features[-1] else ' '}{f}" for f in features)
                going_on = self._answer(connection, verb, usual)
            else:
                said = self._next(verb, _USUAL.get(verb, "250 OK"))
                going_on = self._act(connection, said) and verb != "QUIT"
                if said == _USUAL["DATA"]:
                    going_on = self._take_text(connection, lines)

    def _take_text(self, connection: socket.socket, lines: BinaryIO) -> bool:
        text = [lines.readline()]
        act = self._next("TEXT", "")
        if act:
            return self._act(connection, act)
        while text[-1] not in {b".\r\n", b""}:
            text.append(lines.readline())
        if text[-1] == b"":
            return False
        self.texts.append(b"".join(text))
        return self._answer(connection, ".", "250 taken")

    def _next(self, verb: str, usual: str) -> Answer:
        waiting = self._answers.get(verb)
        return waiting.popleft() if waiting else usual

    def _answer(self, connection: socket.socket, verb: str, usual: str) -> bool:
        return self._act(connection, self._next(verb, usual))

    def _act(self, connection: socket.socket, answer: Answer) -> bool:
        match answer:
            case Act.HANG_UP:
                return False
            case Act.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case Act.SILENCE:
                self._over.wait(30)
                return False
            case Act():
                raise AssertionError(answer)
            case _:
                connection.sendall(answer.encode() + b"\r\n")
                return not answer.startswith("421")
