"""When soft bounces are too many. Pure: the time is an argument."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class SoftBounces:
    """How many soft bounces suppress an address, and how fast they are forgotten."""

    limit: float = 5.0
    half_life: timedelta = timedelta(days=30)

    def score(self, moments: Iterable[datetime], now: datetime) -> float:
        """Give the sum over soft bounces, each of which counts 1 when it comes and half as much a half-life later."""
        ages = (max(timedelta(0), now - moment) / self.half_life for moment in moments)
        return sum(math.pow(0.5, age) for age in ages)

    def too_many(self, moments: Iterable[datetime], now: datetime) -> bool:
        """Tell whether the score has reached the limit."""
        return self.score(moments, now) >= self.limit
