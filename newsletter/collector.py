"""Python's garbage collector, and where it is in the way."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def resting() -> Iterator[None]:
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
