"""What happens on pages and in the API, and who is told: webhooks are called after the page was answered.

What could not be told, and mails that did not leave, are tried again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from newsletter.model import Issue, IssueState
from newsletter.web.parts import Parts
from newsletter.webhooks import change_state, send_due

_MINUTE = 60.0


def tell(here: Parts, event: str, data: Mapping[str, Any]) -> None:
    """Queue an event, and have the calls made soon."""
    if here.store.webhooks.happened(event, data, now=here.now()):
        call(here)


def call(here: Parts) -> None:
    """Have the calls made that are due, also those that failed before."""

    def errand() -> None:
        private = here.settings.fetching.allow_private
        send_due(here.store, now=here.now, allow_private=private, stop=here.calls.closing.is_set)

    here.calls.run(errand)


def write_again(here: Parts) -> None:
    """Have the mails sent that did not leave before, and are to be tried again by now."""
    here.errands.run(lambda: here.outbox.send_due(now=here.now(), stop=here.errands.closing.is_set))


@contextmanager
def trying_again(here: Callable[[], Parts]) -> Iterator[None]:
    """Look every minute for calls and mails that are to be tried again, for as long as the pages are served.

    `here` gives the parts of that moment.
    """
    over = threading.Event()

    def look() -> None:
        while not over.wait(_MINUTE):
            call(here())
            write_again(here())

    thread = threading.Thread(target=look, name="trying again", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def set_state(here: Parts, issue: Issue, state: IssueState) -> None:
    """Approve, pause or resume an issue, and tell so. Raises UsageError where that is not to be done with it."""
    if change_state(here.store, issue, state, now=here.now()):
        call(here)
