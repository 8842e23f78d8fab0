"""Papers that come in pages: one visit to a server, with a limit on its length, and patience where it asks for some."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from newsletter.config import Fetching
from newsletter.errors import FetchError
from newsletter.sources.fetch import Fetched, Surroundings, fetch
from newsletter.sources.politeness import HostPacer

Sleep = Callable[[float], None]
Clock = Callable[[], float]

PAUSE = 3.0  # seconds between calls that arXiv asks for (https://info.arxiv.org/help/api/tou.html)
LONGEST_VISIT = 900.0
_ATTEMPTS = 3

_log = logging.getLogger(__name__)


class PageReader:
    """Fetches one page after another, at least three seconds apart and within `longest` seconds for all of them.

    `now` (aware) is when the visit begins; `sleep` waits and `clock` counts seconds. `pacer` keeps the pauses, for all
    sources of a run where they share one.
    """

    def __init__(
        self,
        limits: Fetching,
        *,
        now: datetime,
        sleep: Sleep,
        clock: Clock,
        pacer: HostPacer | None = None,
        longest: float = LONGEST_VISIT,
    ) -> None:
        self._limits = limits
        self._now = now
        self._around = Surroundings(clock=clock, sleep=sleep)
        self._pacer = pacer or HostPacer(max(PAUSE, limits.per_host_interval), clock=clock, sleep=sleep)
        self._longest = longest
        self._began = clock()

    def get(self, url: str) -> bytes:
        """Give the bytes of what `page` gives. Raises FetchError."""
        return self.page(url).data

    def page(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """Give what is at `url`; a server that asks for a longer pause than a fetch may take is asked again behind it.

        `headers` are for the host of `url` alone. Raises FetchError; temporary where the time of the visit is used up.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            if self._passed() > self._longest:
                raise FetchError(
                    f"{url}: {self._longest:g} seconds are not enough to read all pages",
                    hint="it will be tried again; ask for fewer days or categories, or for one collection",
                    permanent=False,
                )
            now = self._now + timedelta(seconds=self._passed())
            try:
                return fetch(url, limits=self._limits, pacer=self._pacer, now=now, around=self._around, headers=headers)
            except FetchError as error:
                pause = error.retry_after
                if pause is None or attempt == _ATTEMPTS or self._passed() + pause > self._longest:
                    raise
                _log.info("%s", error.message)
            self._around.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _passed(self) -> float:
        return self._around.clock() - self._began
