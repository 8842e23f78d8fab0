"""The sources: how each did when it was last read and, where that is asked for, how it does now."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from newsletter import bootstrap
from newsletter.checks.check import Check, Status, failed, guarded, ok, warning
from newsletter.config import Settings, SourceKind, SourceSettings
from newsletter.delivery.transport import one_line
from newsletter.errors import SourceError
from newsletter.model import SourceState
from newsletter.sources import mail_folder
from newsletter.sources.politeness import HostPacer
from newsletter.sources.source import Unreadable, file_contents, visit
from newsletter.store import Store

_STALE = timedelta(days=3)  # a weekend, over which nothing is announced, and a day
_TOLD_ONE_BY_ONE = 10
_CHECK_IT = "check its url or path in the settings, and what is there"
_DAILY = "run `newsletter ingest` every morning, by cron for instance"


def of_sources(
    settings: Settings,
    store: Store | None,
    clock: Callable[[], datetime],
    ahead: dict[str, timedelta],
    *,
    lost: bool,
    fetch: bool,
) -> Iterator[Check]:
    """Look at every source. `lost`: there is a database, but it cannot say how they did.

    `fetch` asks their servers, leaves alone those that want to be, and keeps nothing but how far the servers' clocks
    are ahead of ours, in `ahead`.
    """
    chosen = settings.source
    if not chosen:
        yield warning(
            "sources",
            "none are set",
            "add a [[source]] to the settings; until then `newsletter ingest --file PATH` reads a file",
        )
        return
    yield ok("sources", f"{len(chosen)} set" + ("" if fetch else "; `newsletter check --fetch` asks each what it has"))
    pacer = HostPacer(settings.fetching.per_host_interval)
    with nullcontext(store) if store else Store(bootstrap.MEMORY) as remembered:
        states = None if lost else {state.name: state for state in remembered.sources.all()}
        sources = _Sources(settings, remembered, states, clock, pacer, ahead)
        for one in chosen:
            look = sources.fetched if fetch else sources.remembered
            yield from guarded(f"source {one.name}", partial(look, one), cure=_CHECK_IT)


@dataclass(frozen=True)
class _Sources:
    """What is known of all sources, and what asking them takes."""

    settings: Settings
    store: Store
    states: Mapping[str, SourceState] | None
    clock: Callable[[], datetime]
    pacer: HostPacer
    ahead: dict[str, timedelta]

    def fetched(self, one: SourceSettings) -> Iterator[Check]:
        """Ask a source, or all that a list or a pattern stands for, what there is now."""
        sources = bootstrap.sources(self.settings, self.store, [one.name], pacer=self.pacer)
        if not sources:
            yield _nothing(one)
        for source in sources:
            name, state = f"source {source.name}", (self.states or {}).get(source.name)
            if state and state.retry_at and state.retry_at > self.clock():
                yield self._judged(one, source.name)
                continue
            try:
                seen = visit(source, self.clock())
            except SourceError as error:
                yield failed(name, error.message, error.hint or _CHECK_IT)
                continue
            if seen.server_time:
                self.ahead[source.name] = seen.server_time - self.clock()
            papers = "1 paper" if len(seen.digest.records) == 1 else f"{len(seen.digest.records)} papers"
            yield ok(name, "nothing new since the last time" if seen.digest.unchanged else f"gives {papers}")

    def remembered(self, one: SourceSettings) -> Iterator[Check]:
        """Tell how a source did; of a list or a pattern one line for all that do well, and one for each of the rest."""
        broken = {check.name: check for check in self._unreadable(one)}
        names = self._names(one)
        found = [broken.get(f"source {name}") or self._judged(one, name) for name in names]
        if not found:
            yield _nothing(one)
        elif names == [one.name]:
            yield from found
        else:
            yield from _told(one.name, found)

    def _names(self, one: SourceSettings) -> Sequence[str]:
        """Give the names that a source's states go by, without asking any server."""
        if one.kind is not SourceKind.OPML:
            return [name for name, _ in bootstrap.matching(one.name, one.path)] if one.path else [one.name]
        if one.path is None:
            # The list is behind an address: what it held when it was last read is what we know.
            return sorted(name for name in self.states or () if name.startswith(f"{one.name}: ")) or [one.name]
        return [source.name for source in bootstrap.sources(self.settings, self.store, [one.name])]

    def _unreadable(self, one: SourceSettings) -> Iterator[Check]:
        if one.path is None:
            return
        if one.kind is SourceKind.OPML:
            for source in bootstrap.sources(self.settings, self.store, [one.name]):
                if isinstance(source, Unreadable):
                    yield failed(f"source {source.name}", source.error.message, source.error.hint or _CHECK_IT)
            return
        for name, file in bootstrap.matching(one.name, one.path):
            try:
                if mail_folder.is_one(file):
                    mail_folder.mails(file)
                else:
                    file_contents(file, self.settings.fetching)
            except SourceError as error:
                yield failed(f"source {name}", error.message, error.hint or _CHECK_IT)

    def _judged(self, one: SourceSettings, name: str) -> Check:
        if self.states is None:
            return warning(f"source {name}", "how it did is in the database, which cannot be read", "mend the database")
        again = f"`newsletter ingest {shlex.quote(one.name)}`"
        return judged(
            name, self.states.get(name), now=self.clock(), again=again, tell_after=self.settings.fetching.tell_after
        )


def _told(name: str, found: Sequence[Check]) -> Iterator[Check]:
    """Give one line for all files or feeds that do well, and one for each of the others, the worst first, up to ten."""
    bad = [check for status in (Status.FAILED, Status.WARNING) for check in found if check.status is status]
    if len(bad) < len(found):
        yield ok(f"source {name}", f"of {len(found)} files or feeds {len(found) - len(bad)} are read as they should be")
    yield from bad[:_TOLD_ONE_BY_ONE]
    if rest := bad[_TOLD_ONE_BY_ONE:]:
        yield Check(f"source {name}", rest[0].status, f"{len(rest)} more are not well either", rest[0].hint)


def judged(source: str, state: SourceState | None, *, now: datetime, again: str, tell_after: int) -> Check:
    """Say how a source does by what was remembered of it. `again` is the command that reads it."""
    name = f"source {source}"
    if state is None:
        return warning(name, "was never read", f"{again} reads it")
    read = f"last read {_day(state.last_success_at)}" if state.last_success_at else "never read"
    if state.failures:
        times = "once" if state.failures == 1 else f"{state.failures} times in a row"
        said = f"could not be read {times}, {read}: {one_line(state.last_error)}"
        resting = state.retry_at is not None and state.retry_at > now
        rest = f"it rests until {state.retry_at:%Y-%m-%d %H:%M} UTC; " if resting else ""
        return (failed if state.failures >= tell_after else warning)(name, said, f"{rest}{again} tries it at once")
    if state.last_success_at is None or now - state.last_success_at > _STALE:
        return warning(name, read, _DAILY)
    return ok(name, read)


def _nothing(one: SourceSettings) -> Check:
    if one.kind is SourceKind.OPML:
        return warning(f"source {one.name}", "is a list without any feed", "export the list of subscriptions again")
    return warning(
        f"source {one.name}", f"no file matches {one.path}", "put a file there; relative paths start at this folder"
    )


def _day(moment: datetime) -> str:
    return f"on {moment:%Y-%m-%d at %H:%M} UTC"
