"""Whose mail is looked at: somebody who subscribed, or somebody made up, who is not stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter import bootstrap, catalogue
from newsletter.errors import NotFoundError
from newsletter.model import Paper, Subscriber, SubscriberStatus

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.libraries import Shelves
    from newsletter.store import Store
    from newsletter.subscriptions.signup import Wishes

READER = "reader@newsletter.example.org"


def of_file(profile: Path, current: Settings, store: Store, shelves: Shelves) -> tuple[Subscriber, Mapping[str, Paper]]:
    """Give a reader with a profile of a file, and the papers of their bibliographies, which `shelves` reads.

    Raises ProfileError, SourceError, and NotFoundError where the profile names papers that are not known.
    """
    from newsletter import libraries  # noqa: PLC0415
    from newsletter.subscriptions import profile_file  # noqa: PLC0415

    wishes = profile_file.read(profile, catalogue.load(current.topics))
    named = wishes.profile.rated
    known = store.papers.keys(named)
    if unknown := [name for name in named if name not in known]:
        raise NotFoundError(
            f"the profile {profile} names unknown papers: {', '.join(unknown)}",
            hint='`newsletter ingest` a file that has them, or name a bibliography: library = ["papers.bib"]',
        )
    now = bootstrap.clock()
    if not wishes.library:
        return made_up(wishes, now), {}
    listed, records = shelves.read(wishes.library, now=now)
    papers = libraries.unkept(store, records, now=now)
    liked = tuple(dict.fromkeys((*wishes.profile.liked, *listed, *papers)))
    return made_up(replace(wishes, profile=replace(wishes.profile, liked=liked)), now), papers


def made_up(wishes: Wishes, now: datetime, *, name: str = "", email: str = READER) -> Subscriber:
    """Give a subscriber who is not stored: key 0, and a public id that no link of whom leads anywhere."""
    return Subscriber(
        key=0,
        public_id="preview",
        email=email,
        name=name,
        status=SubscriberStatus.ACTIVE,
        profile=wishes.profile,
        cadence=wishes.cadence,
        timezone=wishes.timezone,
        hour=wishes.hour,
        papers=wishes.papers,
        language=wishes.language,
        quiet=wishes.quiet,
        created_at=now,
    )
