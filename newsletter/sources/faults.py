"""What the network raises, told so that a person can use it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from newsletter.config import Fetching
from newsletter.errors import FetchError
from newsletter.sources import wire
from newsletter.sources.text import plain

AGAIN = "it will be tried again"
_CUT_SHORT = 0.01  # a read that the deadline ends may wake up a moment early


@contextmanager
def explained(trail: Sequence[str], limits: Fetching, left: Callable[[], float]) -> Iterator[None]:
    """Turn what httpx and the network raise into FetchError with the reason.

    `trail`: the source's address and those it redirected to, so far. `left`: seconds until the time limit.
    """
    try:
        yield
    except FetchError:
        raise
    except wire.UNUSABLE as error:
        raise FetchError(f"{_named(trail)} cannot be fetched: {plain(str(error))[:200]}") from error
    except wire.FAILURES as error:
        raise _fault(trail, limits, error, late=isinstance(error, TimeoutError) or left() < _CUT_SHORT) from error


def too_late(url: str, limits: Fetching) -> FetchError:
    """Give the error of a source that used up its time."""
    return FetchError(
        f"{url} did not answer in full within {limits.timeout:g} seconds",
        hint="raise fetching.timeout if it is only slow",
        permanent=False,
    )


def _named(trail: Sequence[str]) -> str:
    return trail[0] if len(trail) == 1 else f"{trail[0]} redirects to {trail[-1]}, which"


def _fault(trail: Sequence[str], limits: Fetching, error: Exception, *, late: bool) -> FetchError:
    if late:
        return too_late(trail[0], limits)
    if isinstance(error, wire.SILENT):
        return FetchError(
            f"{_named(trail)} was silent for {limits.read_timeout:g} seconds",
            hint="raise fetching.read_timeout if it is only slow",
            permanent=False,
        )
    return _network_error(trail[0], urlsplit(trail[-1]).hostname or "", error)


def _network_error(url: str, host: str, error: Exception) -> FetchError:
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError(f"{url}: the certificate of {host} does not verify: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            lost = isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError)
            return FetchError(f"{url}: TLS with {host} failed: {cause.reason or cause}", permanent=not lost)
        if isinstance(cause, socket.gaierror):
            return FetchError(
                f"{url}: the name {host} does not resolve", hint="check name and network", permanent=False
            )
        if isinstance(cause, ConnectionRefusedError):
            return FetchError(f"{url}: {host} refuses the connection", hint=AGAIN, permanent=False)
    reason = plain(str(error))[:200] or type(error).__name__
    return FetchError(f"{url}: {host}: {reason}", hint=AGAIN, permanent=False)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
