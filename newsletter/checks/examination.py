"""The whole examination, in the order in which a person mends things. It changes nothing, and sends nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter import config
from newsletter.checks import clock as clocks
from newsletter.checks import database, mail, material, schedule
from newsletter.checks import settings as settled
from newsletter.checks.check import Check, Status, guarded
from newsletter.checks.sources import of_sources
from newsletter.store import Store

if TYPE_CHECKING:
    from dns.resolver import Resolver


def examine(
    named: Path | None, *, clock: Callable[[], datetime], fetch: bool, resolver: Resolver | None = None
) -> Iterator[Check]:
    """Give what is to be said of the installation whose settings file is `named` (or found as by every command).

    `fetch` reads all sources, and keeps nothing of it. Without settings that can be read there is one finding only.
    """
    current: list[config.Settings] = []

    def load() -> Iterator[Check]:
        current.append(config.load(named))
        yield from settled.of_file(config.settings_file(named), os.environ)

    yield from guarded("settings", load, cure="correct the settings; all else is looked at after that")
    for settings in current:
        yield from _installation(settings, clock, fetch=fetch, resolver=resolver)


def _installation(
    settings: config.Settings, clock: Callable[[], datetime], *, fetch: bool, resolver: Resolver | None
) -> Iterator[Check]:
    ahead: dict[str, timedelta] = {}
    yield from guarded("site", lambda: settled.of_site(settings), cure="correct [site] in the settings")
    store, problem = database.opened(settings.database.url)
    with store or nullcontext():
        yield from guarded(database.NAME, lambda: _database(store, problem, settings), cure=database.CURE)
        yield from guarded("disk", lambda: database.room(settings.database.url), cure=database.CURE)
        yield from guarded("templates", lambda: material.of_templates(settings), cure="correct that file")
        yield from guarded("topics", lambda: material.of_topics(settings), cure=material.TOPICS_CURE)
        yield from guarded("encoder", lambda: material.of_encoder(settings), cure=material.ENCODER_CURE)
        lost = problem is not None and problem.status is Status.FAILED
        yield from guarded(
            "sources",
            lambda: of_sources(settings, store, clock, ahead, lost=lost, fetch=fetch),
            cure=database.CURE,
        )
        yield from guarded(schedule.NAME, lambda: schedule.of_schedule(settings, now=clock()), cure=schedule.CURE)
        yield from _way_out(settings, resolver)
        yield from guarded(clocks.NAME, lambda: _clock(settings, store, clock, ahead), cure=database.CURE)


def _database(store: Store | None, problem: Check | None, settings: config.Settings) -> Iterator[Check]:
    if problem:
        yield problem
    if store:
        yield from database.of_store(store, settings.database.url)


def _way_out(settings: config.Settings, resolver: Resolver | None) -> Iterator[Check]:
    if settings.delivery.transport is not config.TransportKind.SMTP:
        yield from guarded("delivery", lambda: mail.of_other_transport(settings), cure=mail.CURE)
        return
    from newsletter.checks.domain import of_domain  # noqa: PLC0415  lazy: only SMTP needs the DNS

    yield from guarded(mail.LOGIN, lambda: mail.of_server(settings), cure=mail.CURE)
    yield from guarded("DNS", lambda: of_domain(settings, resolver), cure="check this machine's network and resolver")


def _clock(
    settings: config.Settings, store: Store | None, clock: Callable[[], datetime], ahead: Mapping[str, timedelta]
) -> Iterator[Check]:
    yield clocks.of_times(
        clock(),
        timezone=settings.site.timezone,
        recorded=clocks.last_recorded(store) if store else None,
        stopped=os.environ.get("NEWSLETTER_NOW", "").strip(),
        servers=ahead,
    )
