"""How mail is sent: how often and how fast, when it is given up, and when a person should look. Pure but for memory.

Times are seconds of one clock that never goes back, and always an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from newsletter.model import DeliveryState, Outcome
from newsletter.store.allowances import SLOTS, Taken

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

    `per_second`, `per_domain` (of each recipient's domain) and `quotas` are of the whole installation, however many
    programs send. What could not be sent `expire_after` it was queued is given up. `pause_at` is the share of
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


class Tokens:
    """Turns within a quota that all senders share. A few are taken at a time, so that asking costs little."""

    def __init__(self, quota: Quota, take: Callable[[Quota, int], Taken]) -> None:
        """`take` asks for so many turns of a quota."""
        self._quota, self._take = quota, take
        self._few = max(1, quota.limit // SLOTS)
        self._left, self._until, self._again = 0, 0.0, 0.0

    def ready(self, now: float) -> float:
        """Have a turn at hand; give `now`, or when to ask again."""
        if now >= self._until:  # what was not used in time must not be used later
            self._left = 0
        if not self._left and now >= self._again:
            taken = self._take(self._quota, self._few)
            self._left, self._until, self._again = taken.count, now + taken.hold, now + taken.wait
        return now if self._left else max(now, self._again)

    def turn(self, now: float) -> float:
        """Take a turn, and give `now`; or give when to ask again."""
        again = self.ready(now)
        if self._left:
            self._left -= 1
        return again


class Domains:
    """Whose turn it is among the messages to one recipient's domain, and which domains want to be left alone."""

    def __init__(self, tokens: Callable[[str], Tokens] | None = None, *, gap: float = 0.0) -> None:
        """`tokens` gives a domain's turns, None sets no limit; `gap` is how many seconds lie between two, by and by."""
        self._make, self._gap = tokens, gap
        self._tokens: dict[str, Tokens] = {}
        self._last: dict[str, float] = {}
        self._refusals: dict[str, int] = {}
        self._rests: dict[str, float] = {}

    def turn(self, domain: str, now: float) -> float:
        """Give when a message may be sent: `now`, or a time at which it is to ask again.

        Those who have to wait are told times one after the other, so that they do not all come back at once.
        """
        if (rest := self._rests.get(domain, now)) > now:
            return rest
        if self._make is None:
            return now
        if domain not in self._tokens:
            self._tokens[domain] = self._make(domain)
        again = self._tokens[domain].turn(now)
        if again > now:
            again = max(again, self._last.get(domain, 0.0) + self._gap)
            self._last[domain] = again
        return again

    def told(self, domain: str, outcome: Outcome, now: float) -> None:
        """Mind what was said to a message: a domain that says "later" again and again rests, longer and longer."""
        if not (outcome.state is DeliveryState.DEFERRED and outcome.response.startswith(SLOW_DOWN)):
            self._refusals.pop(domain, None)
            return
        self._refusals[domain] = self._refusals.get(domain, 0) + 1
        if (beyond := self._refusals[domain] - _IN_A_ROW) >= 0:
            self._rests[domain] = now + min(_SHORTEST_REST * 2 ** min(beyond, 10), _LONGEST_REST)


@dataclass(frozen=True, slots=True)
class Alarm:
    """That `failed` of the `last` messages failed or bounced, which is too many."""

    failed: int
    last: int

    def __str__(self) -> str:
        """Give it in English, for logs and commands."""
        return f"{self.failed} of the last {self.last} messages failed or bounced"


class Failures:
    """The share of the last messages that failed or bounced."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last: deque[bool] = deque(maxlen=_SAMPLE)

    def note(self, state: DeliveryState) -> Alarm | None:
        """Count one message; say so where too many failed."""
        self._last.append(state in {DeliveryState.FAILED, DeliveryState.BOUNCED})
        if not self._limit or len(self._last) < _LEAST or sum(self._last) <= self._limit * len(self._last):
            return None
        return Alarm(sum(self._last), len(self._last))
