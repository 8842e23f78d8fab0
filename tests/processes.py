"""Whether a process lives, and whether it ends."""

from __future__ import annotations

import threading
from pathlib import Path

_PATIENCE, _STEP = 30.0, 0.01  # seconds


def lives(pid: int) -> bool:
    """Whether it runs; one that has ended and is not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(pid: int) -> bool:
    """Whether it ends before long; nobody tells of the end of a process that is not ours."""
    waiting = threading.Event()
    return any(not lives(pid) or waiting.wait(_STEP) for _ in range(int(_PATIENCE / _STEP)))
