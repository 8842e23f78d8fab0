"""A real HTTP server on the loopback interface, and a fetcher that must not be fooled by it."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from newsletter import __version__
from newsletter.config import Fetching
from newsletter.errors import FetchError
from newsletter.sources.fetch import fetch

Answer = Callable[[BaseHTTPRequestHandler], None]
QUICK = Fetching(timeout=0.3)
LIMITS = Fetching(timeout=10, max_bytes=10_000)


def plainly(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


class Site:
    """A server whose paths answer as a test says."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[dict[str, str]] = []
        self.over = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append(dict(self.headers))
                try:
                    site.answers[self.path](self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def url(self, path: str, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.server.server_port}{path}"


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


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as running:
        yield running


def refused(url: str, limits: Fetching = LIMITS) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, limits=limits)
    assert url in caught.value.message
    return caught.value


def test_the_bytes_and_their_validators_come_back(site: Site) -> None:
    site.answers["/feed"] = plainly(b"<rss/>", Content_Type="text/xml", ETag='"1"', Last_Modified="Wed, 20 Aug 2025")
    found = fetch(site.url("/feed"), limits=Fetching(contact="https://news.example.org"))
    assert found.data == b"<rss/>"
    assert (found.url, found.content_type, found.etag) == (site.url("/feed"), "text/xml", '"1"')
    assert site.seen[0]["User-Agent"] == f"newsletter/{__version__} (+https://news.example.org)"


def test_compressed_bytes_come_back_whole(site: Site) -> None:
    site.answers["/z"] = plainly(gzip.compress(b"x" * 9000, mtime=0), Content_Encoding="gzip")
    assert fetch(site.url("/z"), limits=LIMITS).data == b"x" * 9000


@pytest.mark.parametrize("body", [b"x" * 10_001, gzip.compress(b"\0" * 50_000_000, mtime=0)], ids=["plain", "gzip"])
def test_too_many_bytes_are_refused_compressed_or_not(site: Site, body: bytes) -> None:
    encoding = "gzip" if body[:2] == b"\x1f\x8b" else "identity"
    site.answers["/big"] = plainly(body, Content_Encoding=encoding)
    error = refused(site.url("/big"))
    assert "larger than 10,000 bytes" in error.message
    assert error.permanent


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"x" * 5000, mtime=0)[:-20]], ids=["none", "cut"])
def test_broken_compression_is_a_temporary_error(site: Site, body: bytes) -> None:
    site.answers["/z"] = plainly(body, Content_Encoding="gzip")
    assert not refused(site.url("/z")).permanent


def test_a_compression_we_did_not_ask_for_is_refused(site: Site) -> None:
    site.answers["/br"] = plainly(b"x", Content_Encoding="br")
    assert "'br'" in refused(site.url("/br")).message


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(404, True), (410, True), (401, True), (403, True), (429, False), (500, False), (503, False)],
)
def test_a_status_says_whether_to_try_again(site: Site, status: int, permanent: bool) -> None:
    site.answers["/s"] = plainly(b"", status=status)
    error = refused(site.url("/s"))
    assert str(status) in error.message
    assert error.permanent is permanent
    assert error.hint


def test_redirects_are_followed_to_where_they_lead(site: Site) -> None:
    site.answers["/a"] = plainly(b"", status=301, Location="/b")
    site.answers["/b"] = plainly(b"", status=307, Location=site.url("/c"))
    site.answers["/c"] = plainly(b"here")
    found = fetch(site.url("/a"), limits=LIMITS)
    assert (found.data, found.url) == (b"here", site.url("/c"))


def test_a_redirect_without_end_is_refused(site: Site) -> None:
    site.answers["/loop"] = plainly(b"", status=302, Location="/loop")
    assert "redirects more than" in refused(site.url("/loop")).message
    assert len(site.seen) == 6


@pytest.mark.parametrize("target", ["file:///etc/passwd", "javascript:alert(1)", "ftp://example.org/"])
def test_a_redirect_to_another_scheme_is_refused(site: Site, target: str) -> None:
    site.answers["/r"] = plainly(b"", status=302, Location=target)
    error = refused(site.url("/r"))
    assert "address" in error.message
    assert error.permanent


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "example.org", "http://", ""])
def test_only_http_addresses_are_fetched(url: str) -> None:
    assert "not an http or https address" in refused(url).message


def test_a_server_that_never_answers_is_left_in_time(site: Site) -> None:
    def wait(_: BaseHTTPRequestHandler) -> None:
        site.over.wait(20)

    site.answers["/wait"] = wait
    error = refused(site.url("/wait"), QUICK)
    assert "within 0.3 seconds" in error.message
    assert not error.permanent


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_server_that_dribbles_is_left_in_time(site: Site, where: str) -> None:
    def dribble(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\nX: " if where == "headers" else b"HTTP/1.0 200 OK\r\n\r\n")
        while not site.over.wait(0.02):
            request.wfile.write(b"x")

    site.answers["/slow"] = dribble
    assert "within 0.3 seconds" in refused(site.url("/slow"), QUICK).message


def test_a_body_shorter_than_announced_is_a_temporary_error(site: Site) -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")

    site.answers["/cut"] = cut
    assert not refused(site.url("/cut")).permanent


def test_a_refused_connection_is_a_temporary_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = refused(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert "refuses the connection" in error.message
    assert not error.permanent


def test_a_name_that_does_not_resolve_is_a_temporary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = refused("http://no-such-host.invalid/")
    assert "no-such-host.invalid does not resolve" in error.message
    assert not error.permanent


def test_a_certificate_that_does_not_verify_is_a_permanent_error() -> None:
    site = Site()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    with serving(site):
        error = refused(site.url("/", "https", "localhost"))
    assert "certificate" in error.message
    assert error.permanent
