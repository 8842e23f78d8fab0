"""Bytes from an address: politely, within limits of time and size, and from nowhere that we must not ask.

One request after another is made by hand (no automatic redirects, no automatic decompression), so that every hop and
every byte passes a check: `guard` says which addresses may be asked, `wire` is the connection, `unpack` the body,
`politeness` when to ask and when to come back.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter import __version__
from newsletter.config import Fetching
from newsletter.errors import FetchError
from newsletter.patience import TEMPORARY, pause_before, retry_after
from newsletter.sources import guard
from newsletter.sources.politeness import NO_VALIDATORS, HostPacer, Validators, server_time
from newsletter.sources.text import plain
from newsletter.sources.unpack import unpacked

if TYPE_CHECKING:
    import httpx

    from newsletter.sources.wire import Connect

_REDIRECTS = 5
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_OK = 200
_NO_CONTENT = 204
_NOT_MODIFIED = 304
_PIECE = 64 * 1024
# Headers, six hops of them at up to 100 KB, and the marks between chunks come on top of what a document may have.
_OVERHEAD = 1_000_000
_ACCEPT = "application/atom+xml, application/rss+xml, application/rdf+xml, application/json, text/plain, */*;q=0.5"
_AGAIN = "it will be tried again"
_HINTS = {
    401: "the address asks for a login; give one that does not",
    403: "the server refuses us; set fetching.contact, so that its operator can see who asks",
    404: "check the source's url",
    410: "the page is gone for good; remove the source or give its new url",
    429: "the server asks us to come less often",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave: the decompressed bytes, and the address they came from after redirects.

    `not_modified`: the server says that nothing changed since the validators that were known; there are no bytes.
    `server_time` (aware) is the server's clock, where it told it and no cache answered in its place. `headers` are all
    those of the answer, their names in lower case.
    """

    data: bytes
    url: str
    content_type: str = ""
    validators: Validators = NO_VALIDATORS
    not_modified: bool = False
    server_time: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What fetching needs of the machine: a clock and a sleep in seconds, chance from 0 to 1, names, connections."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    dice: Callable[[], float] = random.random
    resolve: guard.Resolve = guard.lookup
    connect: Connect | None = None  # None: over TCP


REAL = Surroundings()


@dataclass(frozen=True, slots=True)
class _Errand:
    """One call of `fetch`: what is wanted, and until when (on the clock of `around`)."""

    url: str
    limits: Fetching
    known: Validators
    pacer: HostPacer
    around: Surroundings
    now: datetime
    began: float
    headers: Mapping[str, str]
    deadline: float = math.inf

    def left(self) -> float:
        return self.deadline - self.around.clock()

    def moment(self) -> datetime:
        return self.now + timedelta(seconds=self.around.clock() - self.began)


def fetch(
    url: str,
    *,
    limits: Fetching,
    known: Validators | None = None,
    pacer: HostPacer | None = None,
    now: datetime | None = None,
    around: Surroundings | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fetched:
    """Get what is at `url`, asking only for news where `known` validators of an earlier answer are given.

    All tries, hops and pauses together take at most `limits.timeout` seconds, counted from when it is our turn to ask
    the host (`pacer`: give the same one to all sources of a run). At most `limits.max_bytes` come, compressed and
    decompressed. What may pass (a network fault, 408, 425, 429, 5xx: RFC 9110, 6585, 8470) is tried `limits.tries`
    times, after the pause that Retry-After asks for, else after 1, 2, 4 … seconds. Zotero's Backoff is minded, too: it
    may stand in a good answer, and is for what is asked of the host next.

    `headers` go with the request, and may hold a key: a redirect to another host, scheme or port does not get them.

    Raises FetchError, and nothing else. Permanent: an address that is not http(s) or not of the public internet (see
    `limits.allow_private`), a certificate that does not verify, too many redirects or bytes, a status such as 404.
    Temporary: names that do not resolve, lost connections, broken and empty bodies, 429, 5xx, time; with `retry_at`
    and `retry_after` where the server asks for a longer pause than there is time for. `retry_at` is counted from
    `now` (aware; the real time by default).
    """
    around = around or REAL
    pacer = pacer or HostPacer(limits.per_host_interval, clock=around.clock, sleep=around.sleep)
    guard.first(url, allow_private=limits.allow_private)
    errand = _Errand(
        url, limits, known or NO_VALIDATORS, pacer, around, now or datetime.now(UTC), around.clock(), headers or {}
    )
    _respect(errand)
    pacer.wait(_host(url))  # our own queue is not the server's fault: the time limit starts behind it
    errand = replace(errand, deadline=around.clock() + limits.timeout)
    for attempt in range(1, limits.tries):
        try:
            return _followed(errand)
        except FetchError as error:
            pause = max(pause_before(attempt, dice=around.dice), error.retry_after or 0.0)
            if error.permanent or pause >= errand.left():
                raise
        around.sleep(pause)
        _take_turn(errand, url)
    return _followed(errand)


def _respect(errand: _Errand) -> None:
    """Wait where another source of this run was told to leave the host alone, or raise where that is too long."""
    host = _host(errand.url)
    held = errand.pacer.held(host)
    if held >= errand.limits.timeout:
        raise FetchError(
            f"{errand.url}: {host} asked to be left alone for {held:.0f} seconds more",
            hint=_AGAIN,
            permanent=False,
            retry_at=errand.moment() + timedelta(seconds=held),
            retry_after=held,
        )
    if held > 0:
        errand.around.sleep(held)


def _take_turn(errand: _Errand, url: str) -> None:
    if not errand.pacer.wait(_host(url), most=errand.left()):
        from newsletter.sources import faults  # noqa: PLC0415

        raise faults.too_late(errand.url, errand.limits)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _followed(errand: _Errand) -> Fetched:
    """Make one attempt, over up to five redirects."""
    from newsletter.sources import faults, wire  # noqa: PLC0415  httpx is slow to import

    limits, around = errand.limits, errand.around
    contact = plain(limits.contact).encode("ascii", "ignore").decode()  # a header's value, RFC 9110 section 5.5
    agent = f"newsletter/{__version__}" + (f" (+{contact})" if contact else "")
    headers = {"User-Agent": agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
    allowance = wire.Allowance(errand.left, silence=limits.read_timeout, octets=2 * limits.max_bytes + _OVERHEAD)
    browser = wire.Browser(
        errand.url,
        allowance,
        headers=headers,
        allow_private=limits.allow_private,
        resolve=around.resolve,
        connect=around.connect or wire.connect,
    )
    trail = [errand.url]
    with faults.explained(trail, limits, errand.left):
        while len(trail) <= _REDIRECTS + 1:
            address = trail[-1]
            if len(trail) > 1:
                _take_turn(errand, address)
            conditions = errand.known.headers() if address == (errand.known.url or errand.url) else {}
            own = errand.headers if _origin(address) == _origin(errand.url) else {}
            with browser.get(address, {**conditions, **own}) as response:
                if response.status_code not in _REDIRECT_STATUSES:
                    return _answer(errand, response, address, conditional=bool(conditions))
                location = response.headers.get("location", "")
            trail.append(guard.next_hop(address, location, source=errand.url, allow_private=limits.allow_private))
    raise FetchError(f"{errand.url} redirects more than {_REDIRECTS} times", hint="give the address it should lead to")


def _answer(errand: _Errand, response: httpx.Response, address: str, *, conditional: bool) -> Fetched:
    named = response.headers
    etag, modified = named.get("etag", ""), named.get("last-modified", "")
    if response.status_code == _NOT_MODIFIED and conditional:
        kept = errand.known.renewed(etag, modified, url=address)
        return Fetched(b"", address, validators=kept, not_modified=True, server_time=server_time(named))
    if response.status_code != _OK:
        raise _refusal(errand, response)
    parts = unpacked(
        response.iter_raw(_PIECE),
        coding=named.get("content-encoding", ""),
        url=errand.url,
        most=errand.limits.max_bytes,
        check=lambda: _in_time(errand),
    )
    data = b"".join(parts)
    if not data.strip():
        raise FetchError(f"{errand.url} answered with nothing", hint=_AGAIN, permanent=False)
    if (seconds := _rest(errand, named.get("backoff", ""))) is not None:
        errand.pacer.hold(response.url.host, seconds)
    validators = NO_VALIDATORS.renewed(etag, modified, url=address)
    kind, headers = named.get("content-type", ""), dict(named)
    return Fetched(data, address, kind, validators, server_time=server_time(named), headers=headers)


def _rest(errand: _Errand, asked: str) -> float | None:
    """Give the seconds of rest that the value of a header asks for; None where it asks for none."""
    return retry_after(asked, now=errand.moment(), most=errand.limits.max_retry_after)


def _in_time(errand: _Errand) -> None:
    if errand.left() <= 0:
        raise TimeoutError  # explained by faults


def _refusal(errand: _Errand, response: httpx.Response) -> FetchError:
    """Give the error that a status other than 200 is, and remember a Retry-After for the other sources of the run."""
    status = response.status_code
    reason = plain(response.reason_phrase)[:100]
    message = f"{errand.url} answered {status}" + (f" {reason}" if reason else "")
    # 204 and a 304 that nobody asked for: a server in disorder, which may mend itself.
    permanent = status < 500 and status not in (*TEMPORARY, _NO_CONTENT, _NOT_MODIFIED)
    hint = _HINTS.get(status, "check the source's url" if permanent else _AGAIN)
    seconds = None
    if not permanent:
        seconds = _rest(errand, response.headers.get("retry-after") or response.headers.get("backoff", ""))
    if seconds is None:
        return FetchError(message, hint=hint, permanent=permanent, status=status)
    errand.pacer.hold(response.url.host, seconds)
    back = errand.moment() + timedelta(seconds=seconds)
    return FetchError(
        f"{message} and asks us to come back at {back:%Y-%m-%d %H:%M:%S %Z}",
        hint=hint,
        permanent=False,
        retry_at=back,
        retry_after=seconds,
        status=status,
    )
