"""The connection under httpx: made only to checked addresses, and bounded in time and bytes whatever a server does.

httpx asks for the host by name; `_Backend` resolves it, checks every address (newsletter.sources.guard) and connects to
one of those very addresses, so that a name which resolves differently a moment later gains nothing. TLS still names the
host and verifies its certificate, because only the socket's address is ours. Each hop has a connection of its own.

Proxies from the environment are not used: a proxy resolves names itself, where nothing could be checked.
`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured. Imported lazily, by `fetch`: httpx is slow to import.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpcore
import httpx

from newsletter.sources import guard

# What httpx, httpcore and the network raise when an exchange goes wrong.
FAILURES = (
    TimeoutError,
    OSError,
    UnicodeError,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
SILENT = (httpx.TimeoutException, httpcore.TimeoutException)
UNUSABLE = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpcore.UnsupportedProtocol, UnicodeError)

Connect = Callable[[str, int, float], httpcore.NetworkStream]

_CONNECT_SECONDS = 10.0  # for one address, where there are others to try
_FAREWELL_SECONDS = 0.25
_TAIL = 32


def connect(address: str, port: int, seconds: float) -> httpcore.NetworkStream:
    """Open a TCP connection to an IP address. Raises httpcore.ConnectError and ConnectTimeout."""
    return httpcore.SyncBackend().connect_tcp(address, port, timeout=seconds)


class Allowance:
    """How much time and how many bytes one attempt has left. `left` gives the seconds until its end."""

    def __init__(self, left: Callable[[], float], *, silence: float, octets: int) -> None:
        self._left = left
        self._silence = silence
        self._octets = octets

    def seconds(self) -> float:
        """Give the seconds that the next step may take. Raises TimeoutError where there are none."""
        left = self._left()
        if left <= 0:
            raise TimeoutError
        return min(left, self._silence)

    def spend(self, octets: int) -> None:
        """Count bytes off the wire: headers and chunk marks as well, of which a server can send any number."""
        self._octets -= octets
        if self._octets < 0:
            raise httpcore.RemoteProtocolError("more bytes came than any document within the limit needs")


class _Wire(httpcore.NetworkStream):
    """A connection on which every step stays within an allowance: a byte a second does not keep it open."""

    def __init__(self, stream: httpcore.NetworkStream, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance
        self._last = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, self._allowance.seconds())
        self._allowance.spend(len(data))
        if data:
            self._last = data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._allowance.seconds())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> _Wire:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._allowance.seconds())
        return _Wire(stream, self._allowance)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def goes_on_after(self, tail: bytes) -> bool:
        """Tell whether anything but line ends came, or comes at once, behind what a body ended with."""
        if not self._last.rstrip(b"\r\n").endswith(tail.rstrip(b"\r\n")):
            return True
        try:
            more = self._stream.read(1024, min(_FAREWELL_SECONDS, self._allowance.seconds()))
        except (TimeoutError, OSError, httpcore.TimeoutException, httpcore.NetworkError):
            return False
        return bool(more.strip(b"\r\n"))


class _Backend(httpcore.NetworkBackend):
    """Connects to the addresses that `guard` lets through, in the resolver's order."""

    def __init__(
        self, url: str, allowance: Allowance, *, allow_private: bool, resolve: guard.Resolve, connect: Connect
    ) -> None:
        self._url = url
        self._allowance = allowance
        self._allow_private = allow_private
        self._resolve = resolve
        self._connect = connect

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _Wire:
        found = guard.addresses(host, port, resolve=self._resolve, seconds=self._allowance.seconds())
        if guard.all_public(found, host, url=self._url, allow_private=self._allow_private):
            # From here on a redirect comes from a stranger, who shall not choose what we ask inside our network.
            self._allow_private = False
        failed: Exception = OSError(f"{host} has no address")
        for number, address in enumerate(found, 1):
            seconds = self._allowance.seconds()
            try:
                stream = self._connect(
                    address, port, seconds if number == len(found) else min(_CONNECT_SECONDS, seconds)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Wire(stream, self._allowance)
        raise failed


class Browser:
    """Asks for one address after another for one source, each on a connection of its own.

    Cookies go from hop to hop, because journals' redirects through a sign-in page never end without them.
    httpx builds the requests and answers; its client is left out, which would follow, add and look up things of its
    own (a bad Location, passwords in a .netrc, proxies).
    """

    def __init__(
        self,
        url: str,
        allowance: Allowance,
        *,
        headers: dict[str, str],
        allow_private: bool,
        resolve: guard.Resolve,
        connect: Connect,
    ) -> None:
        self._backend = _Backend(url, allowance, allow_private=allow_private, resolve=resolve, connect=connect)
        self._headers = {**headers, "Connection": "close"}
        self._cookies = httpx.Cookies()

    @contextmanager
    def get(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """Give the answer, whose body is still to be read. Raises FetchError where refused, and FAILURES."""
        with self._asked(httpx.Request("GET", url, headers={**self._headers, **headers})) as response:
            yield response

    @contextmanager
    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """Send something, and give the answer as `get` does."""
        with self._asked(httpx.Request("POST", url, content=body, headers={**self._headers, **headers})) as response:
            yield response

    @contextmanager
    def _asked(self, request: httpx.Request) -> Iterator[httpx.Response]:
        self._cookies.set_cookie_header(request)
        # The certificates take 20 ms to load: only where they are needed.
        tls = httpx.create_ssl_context() if request.url.scheme == "https" else None
        with (
            httpcore.ConnectionPool(ssl_context=tls, network_backend=self._backend) as connection,
            closing(connection.handle_request(_for_the_wire(request))) as answer,
        ):
            names = {name.lower() for name, _ in answer.headers}
            announced = b"content-length" in names and b"transfer-encoding" not in names  # RFC 9112 section 6.3
            body = _Body(answer, announced=announced)
            response = httpx.Response(
                answer.status, headers=answer.headers, stream=body, extensions=answer.extensions, request=request
            )
            self._cookies.extract_cookies(response)
            yield response


def _for_the_wire(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.read(),
    )


class _Body(httpx.SyncByteStream):
    """The body as it comes. One that goes on behind its Content-Length is an error: we would keep half of it."""

    def __init__(self, response: httpcore.Response, *, announced: bool) -> None:
        self._response = response
        self._announced = announced

    def __iter__(self) -> Iterator[bytes]:
        tail = b""
        for part in self._response.iter_stream():
            tail = part[-_TAIL:]
            yield part
        wire = self._response.extensions.get("network_stream")
        if self._announced and isinstance(wire, _Wire) and wire.goes_on_after(tail):
            raise httpcore.RemoteProtocolError("more bytes came than the Content-Length says")

    def close(self) -> None:
        self._response.close()
