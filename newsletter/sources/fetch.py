"""Bytes from an address, within limits of time and size, and nothing but http and https.

One request after another is made by hand (no automatic redirects, no automatic decompression), so that every hop and
every byte passes a check. Validators (ETag, Last-Modified), rate limits and private addresses belong here: `Fetched`
has the headers, `_checked_url` sees every hop.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx

from newsletter import __version__
from newsletter.config import Fetching
from newsletter.errors import FetchError
from newsletter.sources.text import http_url, plain

_REDIRECTS = 5
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_OK = 200
_PIECE = 64 * 1024
# Worth another attempt later, beside every 5xx: too early, too many, request timeout.
_TEMPORARY = (408, 425, 429)
_ACCEPT = "application/atom+xml, application/rss+xml, application/rdf+xml, application/json, text/plain, */*;q=0.5"
_HINTS = {
    401: "the address asks for a login; give one that does not",
    403: "the server refuses us; set fetching.contact, so that its operator can see who asks",
    404: "check the source's url",
    410: "the page is gone for good; remove the source or give its new url",
    429: "the server asks us to come less often",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave: the decompressed bytes, and the address they came from after redirects."""

    data: bytes
    url: str
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""


def fetch(url: str, *, limits: Fetching) -> Fetched:
    """Get what is at `url` within `limits.timeout` seconds and `limits.max_bytes`, compressed and decompressed.

    Raises FetchError, permanent where trying again later cannot help: an address that is not http(s), a certificate
    that does not verify, too many redirects or bytes, a status such as 404. Names that do not resolve, refused
    connections, time and 5xx are temporary. The system's resolver has a time limit of its own.
    """
    deadline = time.monotonic() + limits.timeout
    contact = plain(limits.contact)
    agent = f"newsletter/{__version__}" + (f" (+{contact})" if contact else "")
    headers = {"User-Agent": agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
    address = _checked_url(url, url)
    with _explained(url, limits, deadline), httpx.Client(headers=headers, timeout=limits.timeout) as client:
        for _ in range(_REDIRECTS + 1):
            with (
                _Deadline(deadline) as watch,
                client.stream("GET", address, extensions={"trace": watch.trace}) as response,
            ):
                if response.status_code not in _REDIRECT_STATUSES:
                    return _read(response, url, limits, watch)
                address = _checked_url(urljoin(address, response.headers.get("location", "")), url)
    raise FetchError(f"{url} redirects more than {_REDIRECTS} times", hint="give the address it should lead to")


def _checked_url(url: str, source: str) -> str:
    """Refuse what is not http(s). Called for the first address and for every one it redirects to."""
    if http_url(url):
        return url
    scheme = urlsplit(url).scheme if "://" in url else ""
    what = f"{source} is" if url == source else f"{source} redirects to {url[:200]}, which is"
    raise FetchError(
        f"{what} not an http or https address" + (f" ({scheme})" if scheme else ""),
        hint="give the full address, with https://; for a file use path in place of url",
    )


def _read(response: httpx.Response, url: str, limits: Fetching, watch: _Deadline) -> Fetched:
    status = response.status_code
    if status != _OK:
        reason = f" {response.reason_phrase}" if response.reason_phrase else ""
        permanent = status < 500 and status not in _TEMPORARY
        hint = _HINTS.get(status, "check the source's url" if permanent else "it will be tried again")
        raise FetchError(f"{url} answered {status}{reason}", hint=hint, permanent=permanent)
    data = b"".join(_body(response, url, limits, watch))
    named = response.headers
    return Fetched(
        data=data,
        url=str(response.url),
        content_type=named.get("content-type", ""),
        etag=named.get("etag", ""),
        last_modified=named.get("last-modified", ""),
    )


def _body(response: httpx.Response, url: str, limits: Fetching, watch: _Deadline) -> Iterator[bytes]:
    """Give the decompressed body in pieces, none of which is large, whatever was compressed."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise FetchError(f"{url} came compressed as {encoding!r}, which we did not ask for")
    unpacker = zlib.decompressobj(wbits=31) if encoding.endswith("gzip") else None
    received = given = 0
    for raw in response.iter_raw(_PIECE):
        watch.check()
        received += len(raw)
        for piece in _unpacked(unpacker, raw):
            given += len(piece)
            if max(received, given) > limits.max_bytes:
                raise FetchError(
                    f"{url} is larger than {limits.max_bytes:,} bytes", hint="raise fetching.max_bytes if that is right"
                )
            yield piece
    watch.check()  # a body that ends with the connection ends at the deadline, too
    if unpacker is not None and not unpacker.eof:
        raise FetchError(f"{url} broke off in the middle", hint="it will be tried again", permanent=False)


def _unpacked(unpacker: Any, raw: bytes) -> Iterator[bytes]:
    if unpacker is None:
        yield raw
        return
    while raw:
        yield unpacker.decompress(raw, _PIECE)
        raw = unpacker.unconsumed_tail


class _Deadline:
    """Ends one exchange at a set moment: httpx's timeouts bound each read, not a server that sends a byte a second.

    At the deadline the connection's socket is shut down, which ends whatever read or write is waiting on it.
    """

    def __init__(self, moment: float) -> None:
        self._moment = moment
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(max(0.0, moment - time.monotonic()), self._shut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self.check()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Keep the socket of the connection as it is made, plain first and then with TLS (httpcore's trace hook)."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")

    def check(self) -> None:
        if time.monotonic() >= self._moment:
            raise TimeoutError

    def _shut(self) -> None:
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed already
                return


@contextmanager
def _explained(url: str, limits: Fetching, deadline: float) -> Iterator[None]:
    """Turn what httpx raises into FetchError with the reason a person can use."""
    late = f"{url} did not answer in full within {limits.timeout:g} seconds"
    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as error:
        raise FetchError(late, hint="raise fetching.timeout if it is only slow", permanent=False) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        raise FetchError(f"{url} leads to an address that cannot be fetched: {error}") from error
    except httpx.HTTPError as error:
        if time.monotonic() >= deadline:  # the shut-down socket shows as a protocol or read error
            raise FetchError(late, hint="raise fetching.timeout if it is only slow", permanent=False) from error
        raise _network_error(url, error) from error
    except zlib.error as error:
        raise FetchError(f"{url} came broken: {error}", permanent=False) from error


def _network_error(url: str, error: Exception) -> FetchError:
    causes = list(_chain(error))
    host = urlsplit(url).hostname
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError(f"{url}: the certificate does not verify: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return FetchError(f"{url}: TLS failed: {cause.reason or cause}")
        if isinstance(cause, socket.gaierror):
            return FetchError(
                f"{url}: the name {host} does not resolve", hint="check name and network", permanent=False
            )
        if isinstance(cause, ConnectionRefusedError):
            return FetchError(f"{url}: {host} refuses the connection", hint="it will be tried again", permanent=False)
    return FetchError(f"{url}: {str(error) or type(error).__name__}", hint="it will be tried again", permanent=False)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
