"""When to ask a server again: after Retry-After (RFC 9110 section 10.2.3; 429 is of RFC 6585), or growing pauses.

The moment and the dice are arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
# Of what waits in the database: a minute, three, nine … together some eighteen hours.
_ATTEMPTS, _FIRST_REST = 8, timedelta(minutes=1)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
# Worth another attempt, beside every 5xx: request timeout, too early, too many (RFC 9110, 8470, 6585).
TEMPORARY = (408, 425, 429)


def retry_after(value: str, *, now: datetime, most: float) -> float | None:
    """Give the seconds that a Retry-After header asks for, from 0 to `most`; None where it is missing or senseless.

    `now` (aware) is what a date is counted from. A date that names no zone is of GMT (RFC 9110 section 5.6.7).
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), most)
    moment = http_date(value)
    return None if moment is None else min(max(0.0, (moment - now).total_seconds()), most)


def http_date(value: str) -> datetime | None:
    """Give the moment (aware) that a header names (RFC 9110 section 5.6.7); None where it names none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def pause_before(attempt: int, *, dice: Callable[[], float]) -> float:
    """Give the seconds to wait before another attempt (1 is the second): 1, 2, 4 … up to 30, each by half at random.

    The chance keeps many newsletters from coming back to a server at the same moment. `dice` gives 0 to 1.
    """
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (attempt - 1)) * (0.5 + dice() / 2)


def rest(attempts: int) -> timedelta | None:
    """Give how long what failed so often waits in the database until it is tried again; None: it is given up."""
    return None if attempts >= _ATTEMPTS else _FIRST_REST * 3 ** (attempts - 1)
