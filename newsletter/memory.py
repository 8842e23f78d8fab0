"""Memory that was freed, given back to the system: for a process that is to stay small between its large tasks.

And Python's garbage collector kept out of the way within one.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import time
from collections.abc import Iterator

_ARENA_MAX, _TRIM_THRESHOLD, _MMAP_THRESHOLD = -8, -1, -3  # of malloc.h
_KEPT, _MAPPED = 8_000_000, 32_000_000  # bytes
_LONGEST_UNSEEN = 60.0  # seconds
_all_looked_at = -_LONGEST_UNSEEN
_small = False


def give_back() -> None:
    """Give back what nobody uses any more, what only refers to itself included (some 50 ms)."""
    gc.collect()
    trim()


def trim() -> None:
    """Give back what is free: glibc keeps freed blocks for later, as much as a loaded model takes (malloc_trim(3))."""
    with contextlib.suppress(OSError, AttributeError):  # other systems have no malloc_trim, and no need of it
        ctypes.CDLL(None).malloc_trim(0)


def stay_small() -> None:
    """Have all threads share one heap, before they begin, and give back what is free at its end as it grows.

    For a process that runs for months, of many threads that seldom do anything at once: with a heap each, what one has
    freed helps no other. What other processes can do is left to them (`stays_small`).
    Blocks below 32 MB stay part of the heap, as they do by themselves after a while (mallopt(3)): to map each would
    cost a third more time.
    """
    global _small  # noqa: PLW0603  the heap is the process's, too
    _small = True
    with contextlib.suppress(OSError, AttributeError):
        for what, value in ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _KEPT), (_MMAP_THRESHOLD, _MAPPED)):
            ctypes.CDLL(None).mallopt(what, value)


def stays_small() -> bool:
    """Whether this process is to stay small, and its large tasks are done by others."""
    return _small


def collect_new() -> None:
    """Free cycles among what was made since this was last called, in a task that is otherwise `uncollected`.

    It takes no time to speak of, where the collector by itself goes through all that the process holds now and then.
    That is done here once a minute: a task may take hours, and other threads leave cycles that have grown old by then.
    """
    global _all_looked_at  # noqa: PLW0603  the collector is the process's, too
    old = time.monotonic() - _all_looked_at > _LONGEST_UNSEEN
    gc.collect(2 if old else 1)
    if old:
        _all_looked_at = time.monotonic()


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector from looking for cycles where many objects are made and none is one.

    It would go through all papers at hand again and again: a sixth of the time of ranking. What nothing refers to is
    freed as ever, and cycles are looked for when this ends.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
