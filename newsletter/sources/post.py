"""Telling somebody else's server something: one POST, to an address that `guard` let through, without redirects."""

from __future__ import annotations

import time
from collections.abc import Mapping

from newsletter import __version__
from newsletter.errors import FetchError
from newsletter.sources import guard

_MOST_ANSWERED = 100_000  # bytes; nobody reads more of an answer
_SHOWN = 300


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, allow_private: bool) -> str:
    """Send `body`, and give what the server answered in a line.

    Raises FetchError: refused by `guard`, no connection, no time, or a status that is not 2xx.
    """
    from newsletter.sources import wire  # noqa: PLC0415  lazy: httpx is slow to import

    guard.first(url, allow_private=allow_private)
    end = time.monotonic() + seconds
    browser = wire.Browser(
        url,
        wire.Allowance(lambda: end - time.monotonic(), silence=seconds, octets=_MOST_ANSWERED),
        headers={"User-Agent": f"newsletter/{__version__}", "Accept-Encoding": "identity"},
        allow_private=allow_private,
        resolve=guard.lookup,
        connect=wire.connect,
    )
    shown = guard.without_password(url)
    try:
        with browser.post(url, body, dict(headers)) as answer:
            said = f"{answer.status_code} {answer.reason_phrase}".strip()[:_SHOWN]
            if not answer.is_success:
                raise FetchError(f"{shown} answered {said}", permanent=False)
            return said
    except wire.FAILURES as error:
        raise FetchError(
            f"{shown} cannot be reached: {type(error).__name__} {error}"[:_SHOWN], permanent=False
        ) from error
