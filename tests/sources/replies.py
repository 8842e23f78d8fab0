"""A real HTTP server whose answers a test scripts one after another, and a clock that only waiting moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Reply:
    """One answer; `length` is announced in place of the body's own."""

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


class Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def __call__(self) -> float:
        return sum(self.waits)


class Server:
    """Gives the replies in turn, the last one for ever, and keeps the queries that were asked."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.queries: list[dict[str, str]] = []
        left = list(replies)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.queries.append(dict(parse_qsl(urlsplit(self.path).query)))
                reply = left.pop(0) if len(left) > 1 else left[0]
                body = reply.body.encode() if isinstance(reply.body, str) else reply.body
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) if reply.length is None else reply.length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/oai"


@contextmanager
def answering(*replies: Reply | bytes | str) -> Iterator[Server]:
    """Run a server that answers so."""
    server = Server([reply if isinstance(reply, Reply) else Reply(reply) for reply in replies])
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()
