"""How a run that is under way is ended from elsewhere: by a signal, or by who looks on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Brake:
    """Lets another thread end a run, or all that would follow: messages on their way are finished, others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: list[Callable[[], None]] = []
        self.pulled = False

    def pull(self) -> None:
        """End the run."""
        with self._lock:
            self.pulled, stops = True, list(self._stops)
        for stop in stops:
            stop()

    @contextmanager
    def on(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have `stop` called when the brake is pulled, or at once where it was."""
        with self._lock:
            self._stops.append(stop)
        if self.pulled:
            stop()
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)
