"""How mail is sent: how often and how fast, when it is given up, and when a person should look. Pure but for memory.

Times are seconds of one clock that never goes back, and always an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from newsletter.model import DeliveryState, Outcome

# What a server says that wants less mail for a while (RFC 5321, section 4.2.3), and how often in a row it must: one
# such reply may be about one mailbox, or be greylisting (RFC 6647).
SLOW_DOWN = ("421", "450", "451", "452")
_IN_A_ROW = 3
_SHORTEST_REST, _LONGEST_REST = 120.0, 1800.0
_SAMPLE, _LEAST = 100, 50  # of how many last messages the failures are counted, and from how many on


@dataclass(frozen=True, slots=True)
class Quota:
    """At most so many messages in any stretch of so long."""

    limit: int
    length: timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """How often a message is tried, whether one that may have arrived is sent again, and how much is sent how fast.

    `per_second` is of one program, `per_domain` of one program and each recipient's domain; `quotas` are of the whole
    installation. What could not be sent `expire_after` it was queued is given up. `pause_at` is the share of
    messages that must not fail. 0 and None stand for no limit.
    """

    attempts: int = 8
    resend_uncertain: bool = False
    expire_after: timedelta | None = None
    per_second: int = 0
    per_domain: Quota | None = None
    quotas: tuple[Quota, ...] = ()
    pause_at: float = 0.0


def warm_up(first: int, since: date, today: date) -> int:
    """Give how many messages may be sent in a day by a server that began to send at `since`: twice as many each day.

    Mail services distrust an address from which much mail comes all of a sudden.
    """
    return first << min(max((today - since).days, 0), 30)


class SlidingWindow:
    """At most `limit` turns in any stretch of `length` seconds."""

    def __init__(self, limit: int, length: float) -> None:
        self._turns: deque[float] = deque(maxlen=limit)
        self._length = length

    def reserve(self, now: float) -> float:
        """Take the next turn that is free, and give when it is."""
        full = len(self._turns) == self._turns.maxlen
        turn = max(now, self._turns[0] + self._length) if full else now
        self._turns.append(max(turn, self._turns[-1]) if self._turns else turn)
        return self._turns[-1]


class Domains:
    """Whose turn it is among the messages to one recipient's domain, and which domains want to be left alone."""

    def __init__(self, quota: Quota | None = None) -> None:
        self._quota = quota
        self._windows: dict[str, SlidingWindow] = {}
        self._reserved: dict[int, float] = {}
        self._refusals: dict[str, int] = {}
        self._rests: dict[str, float] = {}

    def turn(self, domain: str, delivery: int, now: float) -> float:
        """Give when a delivery may be sent: `now`, or a time at which it is to ask again."""
        if (rest := self._rests.get(domain, now)) > now:
            return rest
        if self._quota is None:
            return now
        if delivery not in self._reserved:
            window = SlidingWindow(self._quota.limit, self._quota.length.total_seconds())
            self._reserved[delivery] = self._windows.setdefault(domain, window).reserve(now)
        if self._reserved[delivery] > now:
            return self._reserved[delivery]
        del self._reserved[delivery]
        return now

    def told(self, domain: str, outcome: Outcome, now: float) -> None:
        """Mind what was said to a message: a domain that says "later" again and again rests, longer and longer."""
        if not (outcome.state is DeliveryState.DEFERRED and outcome.response.startswith(SLOW_DOWN)):
            self._refusals.pop(domain, None)
            return
        self._refusals[domain] = self._refusals.get(domain, 0) + 1
        if (beyond := self._refusals[domain] - _IN_A_ROW) >= 0:
            self._rests[domain] = now + min(_SHORTEST_REST * 2 ** min(beyond, 10), _LONGEST_REST)


class Failures:
    """The share of the last messages that failed or bounced."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last: deque[bool] = deque(maxlen=_SAMPLE)

    def note(self, state: DeliveryState) -> str:
        """Count one message; say so where too many failed, else nothing."""
        self._last.append(state in {DeliveryState.FAILED, DeliveryState.BOUNCED})
        if not self._limit or len(self._last) < _LEAST or sum(self._last) <= self._limit * len(self._last):
            return ""
        return f"{sum(self._last)} of the last {len(self._last)} messages failed or bounced"


def room(quotas: tuple[Quota, ...], sent: Mapping[Quota, int] = MappingProxyType({})) -> int | None:
    """Give how many messages may be sent by all quotas, of each of which so many were `sent`; None for no limit."""
    return min((max(0, quota.limit - sent.get(quota, 0)) for quota in quotas), default=None)
