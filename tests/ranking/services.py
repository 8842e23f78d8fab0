"""A service of embeddings on this machine that speaks OpenAI's protocol, its vectors made by an encoder of ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from newsletter.ranking.encoder import Encoder, Vectors

Answer = Callable[[BaseHTTPRequestHandler], None]


def answer(body: bytes | str, status: int = 200, **headers: str) -> Answer:
    """Answer with these bytes."""
    data = body.encode() if isinstance(body, str) else body

    def give(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return give


class Another:
    """A model that gives vectors of the same length, and other ones."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode(texts)[:, ::-1]


class Service:
    """Answers as the protocol says, but for the requests that `instead` has an answer of its own for."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.scale = 1.0
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.instead: list[Answer | None] = []  # for the next requests, in turn; None is a regular one
        self.over = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with suppress(ConnectionResetError):  # who gave up waiting leaves so
                    super().handle()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.bodies.append(body)
                service.headers.append(dict(self.headers))
                service.paths.append(self.path)
                instead = service.instead.pop(0) if service.instead else None
                try:
                    (instead or answer(json.dumps(service.document(body["input"]))))(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def document(self, texts: list[str]) -> dict[str, Any]:
        """Give the answer to a request, the last text's vector first: only `index` says whose a vector is."""
        rows = self.encoder.encode(texts).astype(float) * self.scale
        entries = [{"object": "embedding", "index": index, "embedding": row.tolist()} for index, row in enumerate(rows)]
        return {"object": "list", "data": entries[::-1], "model": "wordllama", "usage": {"prompt_tokens": 1}}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def asked(self) -> list[str]:
        """All texts that were asked for, in order."""
        return [text for body in self.bodies for text in body["input"]]

    def never(self, _: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the test is over."""
        self.over.wait(30)

    def dribble(self, request: BaseHTTPRequestHandler) -> None:
        """Answer with a byte every now and then until the test is over."""
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not self.over.wait(0.02):
            request.wfile.write(b" ")

    @contextmanager
    def running(self) -> Iterator[Service]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()
