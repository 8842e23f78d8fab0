"""The database: there, of this version, undamaged, writable, with room left. Nothing is made and nothing is changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from newsletter.checks.check import Check, failed, ok, warning
from newsletter.errors import EmptyDatabaseError, StoreError
from newsletter.model import SubscriberStatus
from newsletter.store import Store

NAME = "database"
_MEGABYTE = 1_000_000
_HARDLY_ANY, _LITTLE = 50 * _MEGABYTE, 500 * _MEGABYTE
_GIGABYTE = 1000 * _MEGABYTE
_READ_WHOLE = _GIGABYTE  # what can be read in about a second
CURE = "put a backup in its place, or give newsletter a database of its own by database.url"
_FIRST = "the first command that keeps something makes it, `newsletter ingest` for instance"


def opened(url: str) -> tuple[Store | None, Check | None]:
    """Open the database as it is, or give the finding why not: nothing but a warning where there is none yet."""
    file = _file(url)
    if file is not None and not file.exists() and file.parent.is_dir():
        return None, warning(NAME, f"there is no database {file} yet", _FIRST)
    if file is not None and not file.parent.is_dir():
        return None, failed(NAME, f"there is no folder {file.parent} for {file.name}", "make it, or set database.url")
    try:
        return Store(url, as_it_is=True), None
    except EmptyDatabaseError as error:
        return None, warning(NAME, error.message, error.hint)
    except StoreError as error:
        return None, failed(NAME, error.message, error.hint or CURE)


def _file(url: str) -> Path | None:
    """Give the file of a SQLite URL; None for a server, and for a database in memory."""
    path = url.removeprefix("sqlite:///").partition("?")[0].removeprefix("file:")
    return Path(path) if url.startswith("sqlite:///") and path not in {"", ":memory:"} else None


def of_store(store: Store, url: str) -> Iterator[Check]:
    """Look at a database that could be opened. Raises StoreError where it is damaged, or may not be written."""
    file = _file(url)
    large = file is not None and file.stat().st_size > _READ_WHOLE
    if not large:
        store.check_intact()
    store.check_writable()
    people = store.subscribers.counts()
    active = people.get(SubscriberStatus.ACTIVE, 0)
    unread = " (too large to be read for damage here)" if large else ""
    said = f"papers: {store.papers.count():,}; subscribers: {sum(people.values()):,}, active: {active:,}{unread}"
    if active:
        yield ok(NAME, said)
    else:
        yield warning(
            NAME, said, "`newsletter subscribers add EMAIL --topic SLUG --confirmed` adds a reader who gets mail"
        )
    waiting = store.outbox.waiting()
    if waiting.since:
        why = f": {waiting.response}" if waiting.response else ""
        yield warning(
            "single mails",
            f"{waiting.count:,} did not leave yet, such as confirmations; the oldest waits since {waiting.since}{why}",
            "they are tried again by themselves, for some 18 hours; what is said of the mail server below may tell why",
        )


def room(url: str) -> Iterator[Check]:
    """Look at the free space where a SQLite file is, or will be; a server's is not seen from here."""
    file = _file(url)
    if file is None or not file.parent.is_dir():
        return
    free = shutil.disk_usage(file.parent).free
    said = f"{free / _GIGABYTE:,.2f} GB are free in {file.parent.resolve()}"
    if free < _HARDLY_ANY:
        yield failed("disk", said, "free some space: without it nothing can be kept, and nothing is sent")
    elif free < _LITTLE:
        yield warning("disk", said, "free some space before it runs out")
    else:
        yield ok("disk", said)
