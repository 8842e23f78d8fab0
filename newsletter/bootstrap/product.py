"""The product, put together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from newsletter.bootstrap.core import MEMORY, secret, site
from newsletter.bootstrap.mail import bounce_address, outbox, policy, renderer, returns, signer, writer
from newsletter.bootstrap.ranking import ranker, rankers

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.correspondence import Correspondence
    from newsletter.foretaste import Foretaste, Rankers
    from newsletter.letters import Letterhead
    from newsletter.meanings import Meanings
    from newsletter.pipeline import Helped, Newsletter, Shared
    from newsletter.store import Store
    from newsletter.store.issues import Then
    from newsletter.timetable import Timetable
    from newsletter.welcome import Welcome


def timetable(settings: Settings) -> Timetable:
    """Give when issues open and readers are mailed."""
    from newsletter.config import days_of  # noqa: PLC0415
    from newsletter.timetable import Timetable  # noqa: PLC0415

    asked = settings.schedule
    return Timetable(
        timezone=settings.site.timezone,
        cutoff=time.fromisoformat(asked.cutoff),
        weekly_on=asked.weekly_on,
        blackout=frozenset(day for days in asked.blackout for day in days_of(days)),
        late=timedelta(hours=asked.late),
        reach=timedelta(days=asked.reach),
    )


def letterhead(settings: Settings, store: Store) -> Letterhead:
    """Give what makes every mail: issues, and notices to readers and to the operator."""
    from newsletter.letters import Letterhead  # noqa: PLC0415
    from newsletter.subscriptions.tokens import Tokens  # noqa: PLC0415

    key = secret(settings, store)
    return Letterhead(
        site=site(settings),
        sender=settings.site.sender,
        bounce_address=bounce_address(settings),
        secret=key,
        tokens=Tokens(key),
        renderer=renderer(settings),
        writer=writer(settings),
        signer=signer(settings),
        operator_language=settings.site.language,
        pictures=settings.rendering.thumbnails,
    )


def newsletter(settings: Settings, store: Store, *, progress: Callable[[int], None] | None = None) -> Newsletter:
    """Put the product together. `progress` is told how many texts were encoded."""
    from newsletter.picking import Edited  # noqa: PLC0415
    from newsletter.pipeline import Newsletter  # noqa: PLC0415

    edited = Edited(
        also_today=settings.ranking.also_today,
        background=settings.ranking.background,
        timetable=timetable(settings),
        approval=settings.schedule.approval,
    )
    # Loading a model costs half a second and some hundred megabytes: only at the first ranking, and once.
    ranking = cache(lambda: ranker(settings, store.vectors, progress))
    # What recognises bounces takes a tenth of a second to import, and only sending needs it.
    taken = cache(lambda: returns(settings, store))
    return Newsletter(
        store,
        ranking,
        letterhead(settings, store),
        edited,
        taken,
        _opened(settings, store),
        builders(settings),
        pickers(settings),
    )


def builders(settings: Settings) -> Helped | None:
    """Give what has messages made by other processes, None where they are all made in this one."""
    from newsletter.builders import Builders  # noqa: PLC0415

    count = _helpers(settings, settings.delivery.builders)
    return partial(Builders, settings, count) if count else None


def pickers(settings: Settings) -> Shared | None:
    """Give what has other processes pick, too; None where this one does it alone."""
    from newsletter.pickers import Pickers  # noqa: PLC0415

    count = _helpers(settings, settings.ranking.pickers)
    return partial(Pickers, settings, count) if count else None


def _helpers(settings: Settings, count: int | None) -> int:
    """How many processes are to help this one, which has enough to do for one processor itself."""
    from newsletter.children import processors  # noqa: PLC0415

    if settings.database.url == MEMORY:  # which no other process can see
        return 0
    return processors() - 1 if count is None else count


def _opened(settings: Settings, store: Store) -> Then | None:
    """Give what hands an issue that is opened to the workers, None where there are none."""
    if not settings.cluster.enabled:
        return None
    from newsletter.jobs import Jobs  # noqa: PLC0415  lazy: few need it

    jobs = Jobs(store, settings.cluster.shard)
    jobs.prepare()
    return jobs.opened


def welcome(settings: Settings, store: Store) -> Welcome:
    """Give what answers requests to be mailed."""
    from newsletter.welcome import Welcome  # noqa: PLC0415

    return Welcome(store=store, letterhead=letterhead(settings, store))


@dataclass(frozen=True)
class Reading:
    """What the web pages read and rank with, over one model, which is loaded at the first need."""

    foretaste: Foretaste
    meanings: Meanings
    correspondence: Correspondence


def reading(settings: Settings, store: Store) -> Reading:
    """Give what previews issues, finds papers by their meaning, and writes to single subscribers."""
    from newsletter.correspondence import Correspondence  # noqa: PLC0415
    from newsletter.foretaste import Foretaste  # noqa: PLC0415
    from newsletter.meanings import Meanings  # noqa: PLC0415

    # Once, whichever thread asks first.
    lock, load = threading.Lock(), cache(lambda: rankers(settings, store.vectors))

    def loaded() -> Rankers:
        with lock:
            return load()

    warm = replace(newsletter(settings, store), ranker=lambda: loaded().keeping)
    return Reading(
        Foretaste(warm, loaded),
        Meanings(store, loaded),
        Correspondence(warm, outbox(settings, store), policy(settings)),
    )
