"""Memory that was freed, given back to the system: for a process that is to stay small between its large tasks."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def give_back() -> None:
    """Give back what nobody uses any more, what only refers to itself included (some 50 ms)."""
    gc.collect()
    trim()


def trim() -> None:
    """Give back what is free: glibc keeps freed blocks for later, as much as a loaded model takes (malloc_trim(3))."""
    with contextlib.suppress(OSError, AttributeError):  # other systems have no malloc_trim, and no need of it
        ctypes.CDLL(None).malloc_trim(0)
