"""Editions picked by other processes, too, where there are many readers: this one reads, picks and writes meanwhile.

A picker (`pick_child`) prepares the issue by itself, once this process has put all vectors into the database. It is
sent readers, and answers with what it picked for them. What it cannot pick for, and all that it had in hand when it
died, is picked here: every error arises in one place, and nothing waits for the dead.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any, Self, TypeAlias

from newsletter import logs
from newsletter.children import STOPPED, Child, started
from newsletter.config import Settings
from newsletter.model import Edition, Pick, Subscriber
from newsletter.picking import Picking

# Preparing an issue, and what its first readers have in common, takes as long as picking for some thousands of others.
WORTH_IT = 5000
_AHEAD = 2  # lists that a picker has in hand: one that it picks for, and one to go on with

_LOG = logs.of("pickers")

Picked: TypeAlias = list[tuple[tuple[Pick, ...], datetime | None]] | None  # None: pick for them yourself
_Handed: TypeAlias = dict["Future[Picked]", Sequence[Subscriber]]


class Pickers:
    """Picks for the readers of one issue, list after list. For one thread.

    It is a context: pickers end with it, and at once where this process is killed.
    """

    def __init__(self, settings: Settings, count: int, picking: Picking) -> None:
        self._task = (settings, picking.issue)
        self._to_start = count
        self._picking = picking
        self.started: list[Picker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for picker in self.started:
            picker.end()

    def __call__(self, lists: Iterable[Sequence[Subscriber]]) -> Iterator[list[Edition]]:
        """Give the editions of each list, in whatever order they are done."""
        handed: _Handed = {}
        for some in lists:
            self._start()
            picker = min(self.started, key=lambda one: one.busy, default=None)
            if picker and picker.busy < _AHEAD:
                handed[picker.pick(some)] = some
            else:
                yield self._picking.editions(some)
                for idle in self.started:  # all vectors are in the database by now
                    idle.begin(self._task)
            yield from self._done(handed)
        while handed:
            waiting = next((one for one in reversed(handed) if one.cancel()), None)
            if waiting:  # nobody has begun with it
                yield self._picking.editions(handed.pop(waiting))
            else:
                wait(handed, return_when=FIRST_COMPLETED)
            yield from self._done(handed)

    def _start(self) -> None:
        self.started += started(self._to_start, Picker)
        self._to_start = 0

    def _done(self, handed: _Handed) -> Iterator[list[Edition]]:
        for one in [future for future in handed if future.done()]:
            some, picked = handed.pop(one), one.result()
            if picked is None:
                yield self._picking.editions(some)
            else:
                issue = self._picking.issue
                yield [Edition(issue, reader, *each) for reader, each in zip(some, picked, strict=True)]


class Picker:
    """One process, and the thread that talks to it."""

    def __init__(self) -> None:
        self._child = Child("pick_child")
        self._thread = ThreadPoolExecutor(1)
        self._ready, self._wanted = False, True
        self._promises: list[Future[Picked]] = []
        self.begun: Future[None] | None = None

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._child.pid

    @property
    def busy(self) -> float:
        """How many lists it has in hand; no end of them while it prepares, and once it is gone."""
        self._promises = [one for one in self._promises if not one.done()]
        return len(self._promises) if self._ready else float("inf")

    def begin(self, task: object) -> None:
        """Have it prepare an issue, once."""
        if not self.begun:
            self.begun = self._thread.submit(self._begin, task)

    def pick(self, some: Sequence[Subscriber]) -> Future[Picked]:
        """Have editions picked. The promise is kept in any case, whatever becomes of the process."""
        promise = self._thread.submit(self._ask, some)
        self._promises.append(promise)
        return promise

    def end(self) -> None:
        """Stop it at once: it holds nothing that could be lost."""
        self._wanted = False
        self._child.kill()
        self._thread.shutdown(cancel_futures=True)
        self._child.close()

    def _begin(self, task: object) -> None:
        self._child.tell(task)
        self._ready = self._heard() == "ready"

    def _ask(self, some: Sequence[Subscriber]) -> Picked:
        if not self._ready:
            return None
        self._child.tell(list(some))
        picked: Picked = self._heard()
        return picked

    def _heard(self) -> Any:
        try:
            return self._child.hear()
        except STOPPED:
            self._ready = False
            if self._wanted:
                logs.event(_LOG, "picker died", level=logging.WARNING, status=self._child.status)
            return None
