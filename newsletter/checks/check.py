"""What one look at an installation found: a name, how bad it is, what is so, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from newsletter.errors import NewsletterError


class Status(StrEnum):
    """How something is: as it should be, weak, or broken. The order is that of badness."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `hint` says what to do; it is empty where there is nothing to be done."""

    name: str
    status: Status
    message: str
    hint: str = ""


def ok(name: str, message: str) -> Check:
    """Give a finding that all is well."""
    return Check(name, Status.OK, message)


def warning(name: str, message: str, hint: str) -> Check:
    """Give a finding of something that works, but should be better."""
    return Check(name, Status.WARNING, message, hint)


def failed(name: str, message: str, hint: str) -> Check:
    """Give a finding of something that does not work, or will not."""
    return Check(name, Status.FAILED, message, hint)


def worst(checks: Iterable[Check]) -> Status:
    """Give the worst status of all; ok where there are none."""
    return max((check.status for check in checks), key=list(Status).index, default=Status.OK)


def guarded(name: str, look: Callable[[], Iterable[Check]], *, cure: str) -> Iterator[Check]:
    """Give what a look finds; where it breaks off, that is the last finding, and the next look goes on.

    `cure` is what helps where the error itself does not say.
    """
    try:
        yield from look()
    except NewsletterError as error:
        yield failed(name, error.message, error.hint or cure)
    except (OSError, UnicodeError) as error:  # UnicodeError: a domain that IDNA does not allow
        yield failed(name, f"cannot be looked at: {error}", cure)
