"""Is somebody there? One request for one address, by the same guarded connection as sources are read with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from newsletter.errors import FetchError
from newsletter.sources import guard

if TYPE_CHECKING:
    from newsletter.sources import wire

_SECONDS = 10.0
_MOST = 100_000  # bytes of headers; the body is not read
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
# The page is there, and wants a login, another method or more patience than we have.
_THERE = frozenset({401, 403, 405, 406, 429})


def alive(url: str, *, allow_private: bool = False) -> str:
    """Give '' where a page answers at `url`, else what is the matter."""
    from newsletter.sources import wire  # noqa: PLC0415  httpx is slow to import

    end = time.monotonic() + _SECONDS
    allowance = wire.Allowance(lambda: end - time.monotonic(), silence=_SECONDS, octets=_MOST)
    browser = wire.Browser(
        url,
        allowance,
        headers={"User-Agent": "newsletter (checks links)", "Accept": "*/*"},
        allow_private=allow_private,
        resolve=guard.lookup,
        connect=wire.connect,
    )
    try:
        return _asked(browser, url, allow_private=allow_private)
    except FetchError as error:
        return error.message
    except wire.FAILURES as error:
        return f"{type(error).__name__}: {error}".rstrip(": ")


def _asked(browser: wire.Browser, url: str, *, allow_private: bool) -> str:
    address = guard.first(url, allow_private=allow_private)
    for _ in range(_REDIRECTS + 1):
        with browser.get(address, {}) as response:
            status = response.status_code
            location = response.headers.get("location", "")
        if status not in _MOVED:
            return "" if status < 400 or status in _THERE else f"it answers {status}"
        address = guard.next_hop(address, location, source=url, allow_private=allow_private)
    return f"it redirects more than {_REDIRECTS} times"
