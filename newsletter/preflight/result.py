"""What a check says: whether, what, where, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. A failure is one that readers or mail servers will notice."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that was looked at. `cure` says what to do; where all is well it is empty."""

    check: str
    level: Level
    what: str
    where: str = ""
    cure: str = ""


def ok(check: str, what: str) -> Result:
    """Say that all is well."""
    return Result(check, Level.OK, what)


def warning(check: str, what: str, where: str, cure: str) -> Result:
    """Say what could be better."""
    return Result(check, Level.WARNING, what, where, cure)


def failed(check: str, what: str, where: str, cure: str) -> Result:
    """Say what must not be sent so."""
    return Result(check, Level.FAILED, what, where, cure)
