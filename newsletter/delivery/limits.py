"""How fast may be sent now, by all limits of a policy, which all senders of an installation share."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from newsletter.delivery.policy import Domains, Policy, Quota, Tokens
from newsletter.model import Outcome
from newsletter.store.allowances import Allowances

_SECOND = timedelta(seconds=1)
_LONGEST_SCOPE = 300  # letters, as the column has


class Limits:
    """One sender's part of what all may send. For any number of threads.

    The clock is read under the lock: a time that is older than another thread's turn would seem to be too early.
    """

    def __init__(self, policy: Policy, allowances: Allowances) -> None:
        self._allowances = allowances
        self._lock = threading.Lock()
        self._second = self._tokens("second", Quota(policy.per_second, _SECOND)) if policy.per_second else None
        self._quotas = [(quota, self._tokens(str(quota.length), quota)) for quota in policy.quotas]
        self._domains = self._limited(policy.per_domain)

    def exhausted(self) -> Quota | None:
        """Give a quota of the installation that is used up, None where something may be sent."""
        with self._lock:
            now = time.monotonic()
            return next((quota for quota, tokens in self._quotas if tokens.ready(now) > now), None)

    def spend(self) -> Quota | None:
        """Take a turn of each quota; give one that is used up, None where the message may go."""
        with self._lock:
            now = time.monotonic()
            return next((quota for quota, tokens in self._quotas if tokens.turn(now) > now), None)

    def pace(self) -> float:
        """Take a turn of this second, and give 0; or give how many seconds to wait before asking again."""
        with self._lock:
            now = time.monotonic()
            return self._second.turn(now) - now if self._second else 0.0

    def domain(self, name: str) -> float:
        """Take a turn of a recipient's domain, and give 0; or give for how many seconds to put the message off."""
        with self._lock:
            now = time.monotonic()
            return self._domains.turn(name, now) - now

    def told(self, domain: str, outcome: Outcome) -> None:
        """Mind what a domain said to a message."""
        with self._lock:
            self._domains.told(domain, outcome, time.monotonic())

    def _tokens(self, scope: str, quota: Quota) -> Tokens:
        take = self._allowances.take
        return Tokens(quota, lambda some, most: take(scope, limit=some.limit, length=some.length, most=most))

    def _limited(self, quota: Quota | None) -> Domains:
        if quota is None:
            return Domains()
        gap = quota.length.total_seconds() / quota.limit
        return Domains(lambda domain: self._tokens(f"domain: {domain}"[:_LONGEST_SCOPE], quota), gap=gap)
