"""What is done after a page was answered, so that nobody can tell from its time what there was to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from newsletter.errors import NewsletterError

_MOST_WAITING = 500

_log = logging.getLogger(__name__)


class Errands:
    """Runs errands one after the other in a thread of its own. What fails is logged."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="errands")
        self._waiting: set[Future[None]] = set()
        self._lock = threading.Lock()
        self.closing = threading.Event()  # by which an errand that can be done later may end early

    def run(self, errand: Callable[[], None]) -> bool:
        """Take an errand, and tell whether there was room for it; there is none any more when they are closed."""
        with self._lock:
            if self.closing.is_set() or len(self._waiting) >= _MOST_WAITING:
                return False
            future = self._pool.submit(_logged, errand)
            self._waiting.add(future)
        future.add_done_callback(self._done)
        return True

    def finish(self) -> None:
        """Wait until all that was taken is done."""
        with self._lock:
            waiting = list(self._waiting)
        wait(waiting)

    def close(self) -> None:
        """Do what was taken, and take no more."""
        with self._lock:
            self.closing.set()
        self._pool.shutdown()

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._waiting.discard(future)


def _logged(errand: Callable[[], None]) -> None:
    try:
        errand()
    except NewsletterError as error:
        _log.error("after a page was answered: %s", error)
    except Exception:  # noqa: BLE001  a defect; the next errand is done all the same
        _log.exception("after a page was answered")
