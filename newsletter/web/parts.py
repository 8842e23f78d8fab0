"""What every page is given: the store, what signs links, the topics, the templates, and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from starlette.datastructures import FormData

from newsletter import bootstrap, catalogue
from newsletter.bootstrap.hooks import Hooks
from newsletter.config import Settings
from newsletter.correspondence import Correspondence
from newsletter.foretaste import Foretaste
from newsletter.meanings import Meanings
from newsletter.model import Topic
from newsletter.outbox import Outbox
from newsletter.rendering import SiteView
from newsletter.store import Store
from newsletter.subscriptions.signup import origin_hash
from newsletter.subscriptions.tokens import Tokens
from newsletter.web.errands import Errands
from newsletter.web.map import Maps
from newsletter.web.pace import Pace
from newsletter.web.pages import Pages
from newsletter.welcome import Welcome

_MOST_FIELDS = 5000  # every topic of a large catalogue, each with its weight


@dataclass(frozen=True)
class Parts:
    """The installation, as the pages see it.

    `calls` are errands too, of webhooks: somebody else's server that is slow holds up no mail to who signs up.
    """

    settings: Settings
    store: Store
    site: SiteView
    secret: str
    tokens: Tokens
    topics: dict[str, Topic]
    pages: Pages
    welcome: Welcome
    errands: Errands
    calls: Errands
    hooks: Hooks
    foretaste: Foretaste
    meanings: Meanings
    maps: Maps
    correspondence: Correspondence
    outbox: Outbox
    previews: Pace
    now: Callable[[], datetime]

    def today(self) -> date:
        """Give the day in the site's time zone, by which issues are named and links expire."""
        return self.now().astimezone(ZoneInfo(self.settings.site.timezone)).date()

    def close(self) -> None:
        """Finish what was begun after pages were answered, and begin no more."""
        self.errands.close()
        self.calls.close()
        self.foretaste.finish()
        self.maps.finish()
        self.meanings.close()


def assemble(settings: Settings, store: Store, *, now: Callable[[], datetime] = bootstrap.clock) -> Parts:
    """Put the parts together; `now` is the newsletter's own clock.

    Raises ConfigError (the topics), TemplateError (a file of the pages is missing).
    """
    secret = bootstrap.secret(settings, store)
    site, topics = bootstrap.site(settings), catalogue.load(settings.topics)
    reading = bootstrap.reading(settings, store)
    return Parts(
        settings=settings,
        store=store,
        site=site,
        secret=secret,
        tokens=Tokens(secret),
        topics=topics,
        pages=Pages(site, settings.rendering.templates),
        welcome=bootstrap.welcome(settings, store),
        errands=Errands(),
        calls=Errands(),
        hooks=bootstrap.hooks(settings, store),
        foretaste=reading.foretaste,
        meanings=reading.meanings,
        correspondence=reading.correspondence,
        outbox=reading.correspondence.outbox,
        maps=Maps(reading.meanings, topics),
        previews=Pace(burst=60, per_minute=90),
        now=now,
    )


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _form(request: Request) -> AsyncIterator[FormData]:
    # The one thing that plain `def` endpoints cannot do for themselves: reading what is still to come.
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
        yield form


Here = Annotated[Parts, Depends(_parts)]
Form = Annotated[FormData, Depends(_form)]


def text(form: FormData, name: str) -> str:
    """Give what was typed into a field; '' where it was not sent, or is a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def texts(form: FormData, name: str) -> tuple[str, ...]:
    """Give all values of a field that may be sent several times."""
    return tuple(value for value in form.getlist(name) if isinstance(value, str))


def origin(request: Request, here: Parts) -> str:
    """Give the keyed hash of where a request comes from."""
    return origin_hash(request.client.host if request.client else "", here.secret)
