"""Tells systemd how the program does (sd_notify(3)); does nothing where systemd did not start it."""

from __future__ import annotations

import contextlib
import os
import socket
import time


def notify(*states: str) -> None:
    """Send states such as `READY=1` or `STATUS=…` to the socket that systemd named. What fails is nobody's trouble."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.connect("\0" + address[1:] if address.startswith("@") else address)
        told.sendall("\n".join(states).encode())


def reloading() -> None:
    """Say that the settings are read again; `READY=1` says that it is done."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog() -> float | None:
    """Give after how many seconds without `WATCHDOG=1` systemd takes the program for hung; None: never."""
    microseconds, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 1e6
