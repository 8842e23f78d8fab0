"""Messages made in processes of their own, once there are many to make: this one only sends and records then.

Making a message is work for a processor, and threads of one Python share one. A builder (`build_child`) is told which
deliveries to make, reads what it needs from the database by itself, and answers in their order. What it cannot make,
and all that it had in hand when it died, is made here: every error arises in one place, and nothing waits for the dead.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from functools import partial
from math import ceil
from typing import Self, TypeAlias

from newsletter import logs
from newsletter.children import STOPPED, Child, started
from newsletter.config import Settings
from newsletter.letters import StoredLetters
from newsletter.model import Delivery, Message, Outcome

# Starting a builder takes as long as making some hundred messages, though on another processor.
_WORTH_IT = 200
_AT_A_TIME = 256  # each time some queries, and all papers of the day, are read again

_LOG = logs.of("builders")

Built: TypeAlias = Message | Outcome | None  # None: make it yourself
_Letter: TypeAlias = Callable[[], Message | Outcome] | Outcome
_Promises: TypeAlias = dict[int, "Future[Built]"]


class Builders:
    """Letters (`delivery.dispatch.Letters`) that are made elsewhere after the first few hundred. For one thread.

    It is a context: builders end with it, and at once where this process is killed.
    """

    def __init__(
        self, settings: Settings, count: int, letters: StoredLetters, issue_keys: Sequence[int], now: datetime
    ) -> None:
        self._task = (settings, list(issue_keys), now)
        self._to_start = count
        self._letters = letters
        self.started: list[Builder] = []
        self._claimed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for builder in self.started:
            builder.end()

    def __call__(self, claimed: Sequence[Delivery]) -> Mapping[int, _Letter]:
        """Give, by delivery key, what gives its message, as soon as that is made, or what became of it."""
        self._claimed += len(claimed)
        if self._claimed > _WORTH_IT:
            self._start()
        ready = [builder for builder in self.started if builder.ready]
        if not ready:
            return self._letters(claimed)
        made: dict[int, _Letter] = {}
        size = min(ceil(len(claimed) / len(ready)), _AT_A_TIME) or 1
        for place in range(0, len(claimed), size):
            some = claimed[place : place + size]
            promises: _Promises = {one.key: Future() for one in some}
            min(ready, key=lambda builder: builder.busy).make(some, promises)
            made |= {one.key: partial(self._made, one, promises[one.key]) for one in some}
        return made

    def _start(self) -> None:
        self.started += started(self._to_start, lambda: Builder(self._task))
        self._to_start = 0

    def _made(self, delivery: Delivery, promise: Future[Built]) -> Message | Outcome:
        """Wait for a message, or make it here."""
        if (built := promise.result()) is not None:
            return built
        letter = self._letters([delivery])[delivery.key]
        return letter if isinstance(letter, Outcome) else letter()


class Builder:
    """One process, and the thread that listens to it."""

    def __init__(self, task: object) -> None:
        self.started = threading.Event()  # or it has failed to
        self.ready = False
        self._orders: queue.SimpleQueue[_Promises | None] = queue.SimpleQueue()  # None: there will be no more
        self._told, self._kept = 0, 0
        self._wanted = True
        self._lock = threading.Lock()
        self._child = Child("build_child")
        self._child.tell(task)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._child.pid

    @property
    def busy(self) -> int:
        """How many deliveries it has in hand."""
        return self._told - self._kept

    def make(self, some: Sequence[Delivery], promises: _Promises) -> None:
        """Have deliveries made; their promises are kept in any case, whatever becomes of the process."""
        with self._lock:
            self._told += len(some)
            if self.ready:
                self._orders.put(promises)
                self._child.tell(list(some))
                return
        _keep_with_nothing(promises)

    def end(self) -> None:
        """Stop it at once: it holds nothing that could be lost."""
        self._wanted = False
        self._child.kill()
        self._orders.put(None)
        self._listener.join()
        self._child.close()

    def _listen(self) -> None:
        promises: _Promises = {}
        try:
            self.ready = self._child.hear() == "ready"
            self.started.set()
            while (ordered := self._orders.get()) is not None:
                promises = ordered
                for key in list(promises):
                    built: Built = self._child.hear()
                    promises.pop(key).set_result(built)
                    self._kept += 1
        except STOPPED:
            if self._wanted:
                logs.event(_LOG, "builder died", level=logging.WARNING, status=self._child.status)
        finally:
            self._leave(promises)

    def _leave(self, promises: _Promises) -> None:
        """Take no more orders, and leave to others what was ordered."""
        with self._lock:
            self.ready = False
        self.started.set()
        _keep_with_nothing(promises)
        with suppress(queue.Empty):
            while (ordered := self._orders.get_nowait()) is not None:
                _keep_with_nothing(ordered)


def _keep_with_nothing(promises: _Promises) -> None:
    for promise in promises.values():
        promise.set_result(None)
