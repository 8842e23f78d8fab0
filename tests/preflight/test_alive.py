"""Whether somebody answers at an address: one request, guarded as all others are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from newsletter.preflight.alive import alive


class Pages(BaseHTTPRequestHandler):
    """`/404` answers 404, `/to/x` leads to /x, `/circle` to itself; `/long` never ends its body."""

    def do_GET(self) -> None:
        first, _, rest = self.path.strip("/").partition("/")
        if first in {"to", "circle"}:
            self.send_response(302)
            self.send_header("Location", f"/{rest}" if rest else "/circle")
        else:
            self.send_response(int(first) if first.isdecimal() else 200)
        if first == "long":
            self.send_header("Content-Length", "1000000000")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["", "200", "to/200", "to/to/200", "403", "429", "long"])
def test_a_page_that_answers_is_alive(url: str, path: str) -> None:
    assert alive(f"{url}/{path}", allow_private=True) == ""


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("404", "it answers 404"),
        ("500", "it answers 500"),
        ("to/410", "it answers 410"),
        ("circle", "more than 5 times"),
    ],
)
def test_one_that_does_not_is_told_with_the_reason(url: str, path: str, said: str) -> None:
    assert said in alive(f"{url}/{path}", allow_private=True)


def test_nobody_there_is_told(url: str) -> None:
    port = int(url.rpartition(":")[2])
    closed = f"http://127.0.0.1:{port + 1 if port < 65535 else port - 1}"
    assert alive(closed, allow_private=True)


def test_this_machine_is_asked_only_where_that_is_allowed(url: str) -> None:
    assert "private" in alive(url) or "port" in alive(url)
    assert alive("http://127.0.0.1/") != ""
