"""Other processes of this program: for what takes much memory and is seldom needed, or wants a processor of its own."""

from __future__ import annotations

import subprocess
import sys


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
