"""Other processes of this program: for what takes much memory and is seldom needed, or wants a processor of its own."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, TypeVar, cast

from newsletter import logs

T = TypeVar("T")

STOPPED = (OSError, EOFError, pickle.UnpicklingError)  # what `Child.hear` raises of one that has ended, or is killed
_LOG = logs.of("children")
_BUFFER = 1 << 20  # bytes, some twenty messages: fewer turns between the processes


class Child:
    """A process that answers what it is told, in pickles. It ends with its input, hence with its program."""

    def __init__(self, module: str) -> None:
        """Start a module of ours. Raises OSError where there is no room for another process."""
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            command(module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=_BUFFER,  # but no large buffer: `pickle.load` copies all that is in it, for each message anew
            start_new_session=True,  # Ctrl-C at the terminal is for the program alone
        )
        self._requests, self._answers = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """How it ended; None while it lives."""
        return self._process.poll()

    def tell(self, what: object) -> None:
        """Send something. Where it is gone, who listens to it notices."""
        with suppress(OSError):
            pickle.dump(what, self._requests)
            self._requests.flush()

    def hear(self) -> Any:
        """Wait for the next answer. Raises what `STOPPED` names."""
        return pickle.load(self._answers)  # noqa: S301  from our own program

    def kill(self) -> None:
        """Stop it at once; who listens to it notices."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Let go of the pipes, once nobody listens any more."""
        with suppress(OSError):  # of what it never read
            self._requests.close()
        self._answers.close()


@contextmanager
def conversation() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Give, in such a process, what it is told and where it answers. Whatever else it prints goes to the errors.

    It ends quietly where there is nobody left to talk to.
    """
    with suppress(EOFError, BrokenPipeError), os.fdopen(os.dup(1), "wb", _BUFFER) as answers:
        os.dup2(2, 1)
        yield sys.stdin.buffer, answers


def started(count: int, start: Callable[[], T]) -> list[T]:
    """Start something so many times, or as often as there is room for another process."""
    some: list[T] = []
    try:
        while len(some) < count:
            some.append(start())
    except OSError as error:
        logs.event(_LOG, "process does not start", level=logging.WARNING, error=str(error), started=len(some))
    return some


def processors() -> int:
    """Give how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def command(module: str, *arguments: str) -> list[str]:
    """Give the command that runs a module of ours."""
    # -P: nothing in the working directory can stand in for a module.
    return [sys.executable, "-P", "-m", f"newsletter.{module}", *arguments]


def answer(module: str, told: bytes, *arguments: str, timeout: float) -> bytes:
    """Give what a module says that is told something, answers and ends, in so many seconds.

    Raises OSError (it cannot be started) and subprocess.SubprocessError (it failed, or took longer).
    """
    done = subprocess.run(  # noqa: S603  our own interpreter and module
        command(module, *arguments),
        input=told,
        stdout=subprocess.PIPE,
        timeout=timeout,
        check=True,
        start_new_session=True,  # Ctrl-C at the terminal is for the program alone
    )
    return done.stdout
