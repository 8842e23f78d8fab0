"""Notices that a file changed, by looking: no service of the system is needed, and a hundred files take a moment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

EVERY = 0.05  # seconds between two looks
Fingerprint: TypeAlias = frozenset[tuple[str, int, int]]


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Give what is different once any of some files, or a file in some folders, was written, made or removed."""
    return frozenset(found for path in paths for found in _stamps(path))


def _stamps(path: Path) -> Iterator[tuple[str, int, int]]:
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                for entry in entries:
                    yield from _stamps(Path(entry.path))
        else:
            stat = path.stat()
            yield str(path), stat.st_mtime_ns, stat.st_size
    except OSError:  # it went while we looked, which is a change, or was never there, which is none
        return


async def changes(
    paths: Callable[[], Iterable[Path]], known: Fingerprint, *, every: float = EVERY
) -> AsyncIterator[bool]:
    """Tell at every look whether something has changed since the one before, of which `known` is the first."""
    while True:
        await asyncio.sleep(every)
        seen = fingerprint(paths())
        yield seen != known
        known = seen
