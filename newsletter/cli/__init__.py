"""The command line. `main` turns what went wrong into a message that says what to do, and an exit status."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper

DONE, FAILED, WRONG_USAGE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
_FINISHING = 10.0  # seconds


def main() -> None:
    """Run the command that the arguments name; exit with 0 done, 1 failed, 2 wrong usage."""
    # Linear algebra in one thread; it goes by this when it is imported. Many readers are shared out among processes,
    # whose threads would only wait for each other; and a process that stays takes less memory.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Files and programs get UTF-8 whatever the locale; a terminal that lacks a letter shows a ? for it. A line
            # leaves at once: who waits for the address of a page that is served would wait for its end.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace", line_buffering=True)
    with _stoppable() as terminated:
        try:
            status = _status()
        except KeyboardInterrupt:  # typer catches those that come while a command runs
            status = INTERRUPTED
    if status == INTERRUPTED:
        status = TERMINATED if terminated else INTERRUPTED
        said = "stopped" if terminated else "interrupted"
        sys.stderr.write(f"newsletter: {said}; what was recorded stays, run the command again to go on\n")
    try:
        sys.stdout.flush()
    except OSError as error:
        status = _unwritten(error)
    sys.exit(status)


@contextmanager
def _stoppable() -> Iterator[list[float]]:
    """Make SIGTERM (an init system's or a container's way to say stop) end a command as Ctrl-C does; tell if it came.

    What is on its way is finished first: dying at once would leave messages of which nobody knows whether they arrived.
    """
    told: list[float] = []  # when
    if threading.current_thread() is not threading.main_thread():  # only there signals can be handled
        yield told
        return

    def stop(_number: int, _frame: object) -> None:
        now = time.monotonic()
        if told and now - told[-1] < _FINISHING:  # once is enough, and must not cut the finishing short
            return
        told.append(now)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, before)


def _status() -> int | str | None:
    from newsletter.cli.app import app  # noqa: PLC0415  lazy, so that `import newsletter.cli` is free
    from newsletter.cli.output import OutputError  # noqa: PLC0415
    from newsletter.errors import NewsletterError, UsageError  # noqa: PLC0415

    try:
        app()
    except NewsletterError as error:
        sys.stderr.write(f"newsletter: {error.message}\n" + (f"  → {error.hint}\n" if error.hint else ""))
        return WRONG_USAGE if isinstance(error, UsageError) else FAILED
    except SystemExit as leaving:  # how typer ends: also after it caught a KeyboardInterrupt
        return leaving.code
    except OutputError as error:
        return _unwritten(error.reason)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename:  # typer's own `--help`, on a full disk
            raise
        return _unwritten(error)
    return DONE


def _unwritten(error: OSError) -> int:
    """Give up standard output; say why, unless its reader just left (`newsletter … | head`)."""
    # What is still buffered would fail again when the interpreter ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(
            f"newsletter: cannot write the output: {error.strerror}\n"
            "  → what the command did is done; only its report is lost\n"
        )
    return FAILED
