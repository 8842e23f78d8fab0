"""How often one place may ask for what costs time: counted in this process, whose time it is."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_PLACES = 10_000


class Pace:
    """A bucket of tokens for each place (keyed hash). It holds `burst`, and `per_minute` are added."""

    def __init__(self, *, burst: int, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._a_second = per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allow(self, place: str) -> bool:
        """Take one token, and tell whether there was one."""
        with self._lock:
            now = self._clock()
            left, since = self._buckets.pop(place, (float(self._burst), now))
            left = min(self._burst, left + (now - since) * self._a_second)
            allowed = left >= 1
            self._buckets[place] = (left - 1 if allowed else left, now)
            while len(self._buckets) > _PLACES:  # the place that has been quiet for longest
                self._buckets.popitem(last=False)
            return allowed
