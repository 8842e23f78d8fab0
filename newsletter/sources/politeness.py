"""Manners towards the servers we read from: ask only for news, not too often, and come back when they say.

Validators make a request conditional (RFC 9110 section 13, RFC 9111 section 4.3). All times are seconds; clocks, sleep
and dice are arguments.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.patience import http_date

# Hosts whose operators ask for more, with all hosts below them as one (https://info.arxiv.org/help/api/tou.html).
_ASKED_FOR = {"arxiv.org": 3.0}
_FIRST_REST, _LONGEST_REST = timedelta(minutes=10), timedelta(hours=12)
_LONGEST_VALIDATOR = 1000


@dataclass(frozen=True, slots=True)
class Validators:
    """What an answer said by which to tell whether it has changed since. Empty where it said nothing.

    `url` is the address that gave them, after redirects: another one's ETag means nothing, and it is not asked with
    them. Empty means the address that is asked first.
    """

    etag: str = ""
    last_modified: str = ""
    url: str = ""

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)

    def headers(self) -> dict[str, str]:
        """Give the request headers that ask only for what is new (RFC 9110 sections 13.1.2 and 13.1.3)."""
        named = {"If-None-Match": _sound(self.etag), "If-Modified-Since": _sound(self.last_modified)}
        return {name: value for name, value in named.items() if value}

    def renewed(self, etag: str, last_modified: str, *, url: str) -> Validators:
        """Give those of a newer answer; what a 304 left out stays as it was (RFC 9111 section 4.3.4)."""
        return Validators(_sound(etag) or self.etag, _sound(last_modified) or self.last_modified, url)


NO_VALIDATORS = Validators()


def _sound(value: str) -> str:
    """Give a header value that can be sent back, or nothing: it comes from a stranger, and goes through a database."""
    value = value.strip()
    return value if len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable() else ""


class HostPacer:
    """Keeps requests to one host apart, for all sources of a run and all their threads.

    `interval` is the least number of seconds between two requests to a host. arXiv's hosts count as one and get three
    seconds at the least.
    """

    def __init__(
        self,
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._held: dict[str, float] = {}

    def wait(self, host: str, *, most: float = float("inf")) -> bool:
        """Sleep until it is the caller's turn to ask `host`; False, at once, where that would take over `most` seconds.

        Turns are given in the order of the calls.
        """
        host, interval = self._group(host)
        with self._lock:
            now = self._clock()
            turn = max(now, self._next.get(host, now))
            if turn - now > most:
                return False
            self._next[host] = turn + interval
        if turn > now:
            self._sleep(turn - now)
        return True

    def hold(self, host: str, seconds: float) -> None:
        """Remember that `host` asked to be left alone for so many seconds."""
        host, _ = self._group(host)
        with self._lock:
            self._held[host] = max(self._held.get(host, 0.0), self._clock() + seconds)

    def held(self, host: str) -> float:
        """Give the seconds for which `host` still wants to be left alone; 0 or less where it does not."""
        host, _ = self._group(host)
        with self._lock:
            return self._held[host] - self._clock() if host in self._held else 0.0

    def _group(self, host: str) -> tuple[str, float]:
        host = host.lower().removesuffix(".")
        for name, interval in _ASKED_FOR.items():
            if host == name or host.endswith(f".{name}"):
                return name, max(interval, self._interval)
        return host, self._interval


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Give the time (aware) at which a server made its answer; None where it does not say, or a cache kept the answer.

    Date and Age: RFC 9110 section 6.6.1, RFC 9111 section 5.1.
    """
    return http_date(headers.get("date", "")) if headers.get("age", "0").strip() == "0" else None


def rest_after(failures: int, *, dice: Callable[[], float]) -> timedelta:
    """Give how long a source is left alone that failed so many times in a row: not at all after the first time (it may
    be our own network), then 10 minutes, 20, 40 … up to 12 hours, each by half at random.
    """
    if failures < 2:
        return timedelta(0)
    full = min(_LONGEST_REST, _FIRST_REST * float(2 ** min(failures - 2, 20)))
    return full * (0.5 + dice() / 2)
