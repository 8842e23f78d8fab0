"""A server whose paths answer as a test says, a clock that only sleeping moves, and a network of invented names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpcore

from newsletter.sources import wire
from newsletter.sources.fetch import Surroundings

Answer = Callable[[BaseHTTPRequestHandler], None]
PUBLIC = "93.184.216.34"


def plainly(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def raw(*pieces: bytes) -> Answer:
    """Answer with these very bytes, status line and all."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            request.wfile.write(piece)

    return answer


def endless(start: bytes, piece: bytes) -> Answer:
    """Answer with `start`, and then with `piece` for as long as anybody listens."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(start)
        while True:
            request.wfile.write(piece)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Answer differently each time; the last one stays."""
    waiting = list(answers)

    def answer(request: BaseHTTPRequestHandler) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(request)

    return answer


class Site:
    """A server whose paths answer as a test says."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.over = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append(dict(self.headers))
                site.paths.append(self.path)
                try:
                    site.answers[self.path](self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def port(self) -> int:
        return self.server.server_port

    def url(self, path: str, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def dribble(self, start: bytes) -> Answer:
        """Answer with `start`, and then with a byte every now and then until the test is over."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.wfile.write(start)
            while not self.over.wait(0.02):
                request.wfile.write(b"x")

        return answer

    def never(self, _: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the test is over."""
        self.over.wait(20)


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        site.server.shutdown()
        site.server.server_close()
        thread.join()


class Clock:
    """Seconds that pass only in `sleep`."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class Network:
    """A network in which names and addresses are invented, and every public address is the test's server."""

    def __init__(self, site: Site, **names: Sequence[str]) -> None:
        self.site = site
        self.names = {name.replace("_", "."): list(found) for name, found in names.items()}
        self.asked: list[str] = []
        self.connected: list[tuple[str, int]] = []

    def resolve(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.names[host]

    def connect(self, address: str, port: int, seconds: float) -> httpcore.NetworkStream:
        self.connected.append((address, port))
        return wire.connect("127.0.0.1", self.site.port, seconds)

    def around(self) -> Surroundings:
        clock = Clock()
        return Surroundings(
            clock=clock, sleep=clock.sleep, dice=lambda: 1.0, resolve=self.resolve, connect=self.connect
        )
