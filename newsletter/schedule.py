"""When the duties are done: each by itself, every minute or so, never twice at a time.

APScheduler wakes them and knows nothing else: no time of any mail is kept in it, so that it cannot lose or double one.
A cron job at 2:30 would run twice in the autumn and never in the spring, and what a sleeping machine missed would be
forgotten; a duty that asks the database what is due has none of these troubles.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from newsletter import logs
from newsletter.duties import Duties
from newsletter.errors import NewsletterError

_LOG = logs.of("schedule")
_SAID_AGAIN = 3600.0  # seconds after which the same trouble is told anew
# Seconds between two rounds of each duty.
EVERY = {"read": 60, "open": 30, "follow": 60, "deliver": 20, "take_returns": 120, "watch": 300, "tidy": 1800}


class Schedule:
    """The duties on threads of their own, until they are stopped."""

    def __init__(self, duties: Duties) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor  # noqa: PLC0415  lazy: only this needs it
        from apscheduler.schedulers.background import BackgroundScheduler  # noqa: PLC0415

        self.duties = duties
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._told: dict[str, tuple[str, float]] = {}
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(len(EVERY))},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
            timezone=UTC,
        )
        for name, seconds in EVERY.items():
            first = datetime.now(UTC) + timedelta(seconds=seconds if name == "watch" else 0)
            self._scheduler.add_job(self._round, "interval", (name,), seconds=seconds, id=name, next_run_time=first)
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that one round is still going on is no news

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    @property
    def alive(self) -> bool:
        """Whether rounds go on."""
        return bool(self._scheduler.running)

    def stop(self, within: float) -> set[str]:
        """Begin nothing new, wait for what is going on, `within` seconds at most; give the duties that still do."""
        self._scheduler.shutdown(wait=False)
        until = time.monotonic() + within
        while self._busy and time.monotonic() < until:
            time.sleep(0.02)
        return set(self._busy)

    def _round(self, name: str) -> None:
        with self._lock:
            self._busy.add(name)
        try:
            duty: Callable[[], None] = getattr(self.duties, name)
            duty()
            self._told.pop(name, None)
        except NewsletterError as error:
            self._tell(name, str(error))
        except Exception:  # noqa: BLE001  a defect of one round; the next one, and the others, go on
            _LOG.exception("%s broke off", name)
        finally:
            with self._lock:
                self._busy.discard(name)

    def _tell(self, name: str, error: str) -> None:
        """Log what went wrong, once an hour while it stays the same."""
        before, at = self._told.get(name, ("", 0.0))
        if error != before or time.monotonic() - at > _SAID_AGAIN:
            self._told[name] = (error, time.monotonic())
            logs.event(_LOG, f"{name} failed", level=logging.ERROR, error=error)
