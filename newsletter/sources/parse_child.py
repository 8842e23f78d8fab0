"""The process in which documents of strangers are parsed; `sandbox` starts it and can stop it at any time.

Run as `python -m newsletter.sources.parse_child MEMORY`, the bytes of memory that it may take (0: no limit). It reads
requests from standard input and writes answers to standard output (see `frames`), one after the other, and ends where
its input ends, so that it does not outlive the program.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Never

from pydantic_core import to_json

from newsletter.config import SourceKind
from newsletter.errors import SourceError
from newsletter.sources import formats, frames, oai_pages, opml

if sys.platform != "win32":
    import resource

_MOST_WARNINGS = 200
_LONGEST_WARNING = 4_000
# The program stops what takes too long; this is for when the program itself is gone.
_GRACE = 2.0

_log = logging.getLogger(__name__)

Request = Mapping[str, Any]


def main() -> int:
    """Answer requests until there are no more; give the status to end with."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's business
    _limit_memory(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    warnings = _Warnings()
    logging.basicConfig(level=logging.INFO, handlers=[warnings])
    # A library that prints something must not break into the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        _serve(sys.stdin.buffer, answers, warnings)
    except (EOFError, BrokenPipeError):  # the program has ended, or needs us no more
        return 0
    except MemoryError:
        return frames.OUT_OF_MEMORY


def _serve(requests: BinaryIO, answers: BinaryIO, warnings: _Warnings) -> Never:
    frames.write(answers, {"ready": True})
    while True:
        request, data = frames.read(requests)
        _wake_after(request["timeout"] + _GRACE)
        answer, body = _answer(request, data)
        _wake_after(0)
        frames.write(answers, {**answer, "log": warnings.taken(), "memory": _resident()}, body)


def _answer(request: Request, data: bytes) -> tuple[dict[str, Any], bytes]:
    """Give what the program is told: the result as JSON, or which error it was."""
    where = str(request["where"])
    try:
        return {}, to_json(_TASKS[request["task"]](data, request))
    except SourceError as error:
        told = {"message": error.message, "hint": error.hint, "permanent": error.permanent}
        return {"error": {"kind": type(error).__name__, **told}}, b""
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  a defect of ours or of a library must not look like an end by force
        _log.exception("%s: a parser failed", where)
        message = f"{where} cannot be parsed: {type(error).__name__}: {error}"[:1000]
        hint = "this is a defect of the program: please report it, with the document"
        return {"error": {"kind": "SourceError", "message": message, "hint": hint, "permanent": True}}, b""


def _digest(data: bytes, request: Request) -> object:
    kind, today = SourceKind(request["kind"]), date.fromisoformat(request["today"])
    return formats.parse(data, kind=kind, where=request["where"], today=today)


def _feeds(data: bytes, request: Request) -> object:
    return opml.parse(data, where=request["where"])


def _oai_page(data: bytes, request: Request) -> object:
    return oai_pages.read(data, where=request["where"])


_TASKS: dict[str, Callable[[bytes, Request], object]] = {"digest": _digest, "feeds": _feeds, "oai_page": _oai_page}


class _Warnings(logging.Handler):
    """Keeps what is logged, so that the program can log it as its own."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._kept) < _MOST_WARNINGS:
            self._kept.append((record.name, record.levelno, self.format(record)[:_LONGEST_WARNING]))

    def taken(self) -> list[tuple[str, int, str]]:
        """Give what was logged since the last call."""
        kept, self._kept = self._kept, []
        return kept


def _limit_memory(most: int) -> None:
    """Bound the address space, and with it all memory, where the system can."""
    if sys.platform == "win32" or not most:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    ceiling = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is expected, and no reason to fill the disk
    except (ValueError, OSError):  # macOS refuses
        return


def _wake_after(seconds: float) -> None:
    """Let the system end this process in so many seconds, whatever it is doing then; 0 takes that back."""
    if sys.platform != "win32":
        signal.alarm(math.ceil(seconds))


def _resident() -> int:
    """Give the bytes of memory in use, where the system says so; else 0."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):  # the last: Windows has no sysconf
        return 0


if __name__ == "__main__":
    os._exit(main())  # at once: nothing is left to be flushed, and there may be no memory to tidy up with
