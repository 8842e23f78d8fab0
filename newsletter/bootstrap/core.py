"""What everything else begins with: the time, the database, the secret, the name of the site."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import UsageError

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.model import Paper
    from newsletter.rendering import SiteView
    from newsletter.store import Store
    from newsletter.store.trimming import Limits

MEMORY = "sqlite://"


def clock() -> datetime:
    """Give the time: `NEWSLETTER_NOW` (ISO 8601; UTC where it names no zone), or the real one."""
    said = os.environ.get("NEWSLETTER_NOW", "").strip()
    if not said:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = datetime(1, 1, 1, tzinfo=UTC)
    if not 1970 < moment.year < 9000:  # outside of it, some time zone has no such day
        raise UsageError(
            f"NEWSLETTER_NOW is {said!r}, which is no time to send mail",
            hint="write it as in 2026-08-20T06:00:00+02:00, or unset it for the real time",
        )
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def open_store(settings: Settings, *, looking: bool = False) -> Store:
    """Open the database. `looking`: where there is no SQLite file yet, none is made; what is kept is soon forgotten."""
    from newsletter.store import Store  # noqa: PLC0415  lazy: 0.2 s

    url = settings.database.url
    path = Path(url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ".")
    # In a folder that does not exist either, the path is wrong, and the store says so.
    return Store(
        MEMORY if looking and not path.exists() and path.parent.is_dir() else url,
        patience=settings.database.statement_timeout,
    )


def secret(settings: Settings, store: Store) -> str:
    """Give the signing secret: the one that is set, or else the installation's own, kept in its database."""
    return settings.site.secret.get_secret_value() or store.secret()


def retention(settings: Settings) -> Limits:
    """Give how long things are kept. Papers are, for as long as an edition that begins with them can be."""
    from newsletter.store.trimming import Limits  # noqa: PLC0415
    from newsletter.subscriptions.tokens import DAYS_OPEN  # noqa: PLC0415

    asked = settings.retention
    papers = max(asked.papers, asked.editions + settings.schedule.reach) if asked.papers else 0
    # A link that confirms names the number of its request, which must not come again while the link is good.
    agreed = max(asked.consents, DAYS_OPEN["confirm"] + 1) if asked.consents else 0
    papers_for, editions, consents = (
        timedelta(days=given) if given else None for given in (papers, asked.editions, agreed)
    )
    return Limits(papers_for, editions, consents, texts=_texts(settings))


def _texts(settings: Settings) -> Callable[[Paper], list[str]]:
    """Give what names the texts of a paper by which something is kept: what is encoded, and what a model was told."""
    from newsletter.bootstrap.mail import writer  # noqa: PLC0415
    from newsletter.ranking.candidates import text_of_many  # noqa: PLC0415
    from newsletter.ranking.encoder import text_hash  # noqa: PLC0415

    model = writer(settings)

    def texts(paper: Paper) -> list[str]:
        return [text_hash(text_of_many(paper)), *([model.text_hash(paper)] if model else ())]

    return texts


def site(settings: Settings) -> SiteView:
    """Give what mails and pages say of the site."""
    from newsletter.rendering import SiteView  # noqa: PLC0415

    return SiteView(settings.site.name, settings.site.url, settings.site.postal_address)
