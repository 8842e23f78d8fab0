"""What the editor's page asks for: a mail, by somebody's eyes, and all that is to be said of it.

It is the path of `send` with everything kept warm: the ranker, a day's papers, the compiled templates. One request at a
time goes through it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from newsletter import assets, bootstrap, catalogue, preflight
from newsletter.editor import readers, samples
from newsletter.errors import NotFoundError, UsageError
from newsletter.letters import Letterhead
from newsletter.model import Cadence, InterestProfile, Issue, Message, Outcome, Paper, Subscriber
from newsletter.pipeline import Newsletter, Preview
from newsletter.rendering import Renderer, available
from newsletter.subscriptions import csv_file
from newsletter.subscriptions.signup import Wishes, checked, email_address, weighted_topic

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.picking import Picking
    from newsletter.store import Store

ISSUE, TEST = "issue", "test"
_KEPT = 24  # mails that a page may still ask for
_READERS = 500
_DAYS = 60
_LISTS = ("topics", "keywords", "muted", "authors")


@dataclass(frozen=True)
class Asked:
    """What is to be seen. `eyes` is "reader:EMAIL", "sample:EMAIL", "file" or "form"; empty is whatever there is.

    The lists of a form have one entry a line, or are parted by commas. `theme` and `language` go before what is set.
    """

    day: str = ""
    eyes: str = ""
    mail: str = ISSUE
    theme: str = ""
    language: str = ""
    topics: str = ""
    keywords: str = ""
    muted: str = ""
    authors: str = ""
    interests: str = ""
    papers: int = 10
    cadence: str = Cadence.DAILY


@dataclass(frozen=True)
class Shown:
    """A mail that was made, kept by its number; `preview` tells of its picks where it is an issue.

    `addressed` makes it for somebody else, to whom it may be sent: an issue says that it is a test then.
    """

    number: int
    message: Message
    preview: Preview | None
    addressed: Callable[[str], Message]


class Desk:
    """An editor's desk over one installation. `profile` is a file whose reader can be chosen, too."""

    def __init__(self, settings: Settings, store: Store, *, profile: Path | None = None) -> None:
        self.settings = settings
        self._store = store
        self._profile = profile
        self._newsletter = bootstrap.newsletter(settings, store)
        self._renderers = {settings.rendering.theme: self._newsletter.letterhead.renderer}
        self._shelves = bootstrap.shelves(settings, store)
        self._pickings: dict[tuple[Any, ...], Picking] = {}
        self._kept: OrderedDict[int, Shown] = OrderedDict()
        self._made = 0
        self._lock = threading.Lock()

    @cached_property
    def samples(self) -> dict[str, Subscriber]:
        """The readers of the sample file, by address; none of them is stored."""
        found = csv_file.read(assets.SEEDS / "subscribers.csv", self._topics, confirmed=True)
        now = bootstrap.clock()
        wishes = {one.email: Wishes(one.profile, papers=one.papers, cadence=one.cadence) for one in found.subscribers}
        return {email: readers.made_up(wish, now, email=email) for email, wish in wishes.items()}

    @cached_property
    def _topics(self) -> Mapping[str, Any]:
        return catalogue.load(self.settings.topics)

    def choices(self) -> dict[str, Any]:
        """Give what there is to choose from."""
        today = self._today().isoformat()
        days = [day.isoformat() for day in self._store.archive.days(_DAYS)]
        return {
            "site": self.settings.site.name,
            "days": list(dict.fromkeys([today, *days])),
            "readers": [one.email for one in self._store.subscribers.all()[:_READERS]],
            "samples": list(self.samples),
            "file": str(self._profile) if self._profile else "",
            "mails": [ISSUE, TEST, *samples.NAMES],
            "themes": self._themes(),
            "theme": self.settings.rendering.theme,
            "languages": available(self.settings.rendering.templates),
            "topics": [{"slug": slug, "title": one.title} for slug, one in self._topics.items()],
            "operator": self.settings.site.operator,
        }

    def show(self, asked: Asked) -> Shown:
        """Make what is asked for. Raises NewsletterError where it cannot be made, and says what to do."""
        with self._lock:
            reader, library = self._reader(asked)
            newsletter = self._dressed(asked.theme)
            if asked.mail in samples.NAMES:
                return self._notice(asked.mail, newsletter.letterhead, reader)
            if asked.mail not in {ISSUE, TEST}:
                raise UsageError(f"there is no mail {asked.mail!r}", hint=f"they are {', '.join(samples.NAMES)}")
            seen = self._preview(newsletter, reader, library, asked.day)

            def addressed(recipient: str) -> Message:
                return newsletter.trial(seen, recipient, now=bootstrap.clock())

            message = addressed(reader.email) if asked.mail == TEST else seen.message
            return self._keep(message, seen, addressed)

    def kept(self, number: int) -> Shown:
        """Give what was shown under a number. Raises NotFoundError: that is too long ago."""
        try:
            return self._kept[number]
        except KeyError:
            raise NotFoundError("this preview is gone", hint="load the page again") from None

    def send_test(self, number: int, address: str) -> Outcome:
        """Send what was shown to an address, marked as a test, by the transport that is set.

        Raises ProfileError where it is no address, TransportError where the transport does not work.
        """
        message = self.kept(number).addressed(email_address(address))
        with bootstrap.transport(self.settings).session() as session:
            return session.deliver(message)

    def check(self, number: int, *, full: bool = False) -> list[preflight.Result]:
        """Look at what was shown; in full also at whether links are alive, and by a spam filter where there is one."""
        message = self.kept(number).message
        if not full:
            return preflight.inspect(message)
        from newsletter.preflight.alive import alive  # noqa: PLC0415  httpx is slow to import

        private = self.settings.fetching.allow_private
        return preflight.inspect(
            message, ask=lambda url: alive(url, allow_private=private), spamassassin=preflight.program()
        )

    def warm(self) -> None:
        """Load what takes time, so that the first form is as fast as the next. Failures are told when asked."""
        self._newsletter.ranker().load()

    def refresh(self) -> None:
        """Have templates, themes and translations read again."""
        with self._lock:
            for renderer in self._renderers.values():
                renderer.refresh()

    def watched(self) -> list[Path]:
        """Give the folders and files that what is shown is made of."""
        own = self.settings.rendering.templates
        folders = [root / name for root in (assets.TEMPLATES, own) if root for name in ("email", "themes", "locales")]
        return [*folders, *([self._profile] if self._profile else [])]

    def _today(self) -> date:
        return bootstrap.clock().astimezone(ZoneInfo(self.settings.site.timezone)).date()

    def _themes(self) -> list[str]:
        roots = [root for root in (assets.TEMPLATES, self.settings.rendering.templates) if root]
        return sorted({file.stem for root in roots for file in (root / "themes").glob("*.toml")})

    def _dressed(self, theme: str) -> Newsletter:
        """The newsletter in another look."""
        if not theme or theme == self.settings.rendering.theme:
            return self._newsletter
        if theme not in self._renderers:
            self._renderers[theme] = Renderer(theme, self.settings.rendering.templates)
        letterhead = replace(self._newsletter.letterhead, renderer=self._renderers[theme])
        return replace(self._newsletter, letterhead=letterhead)

    def _reader(self, asked: Asked) -> tuple[Subscriber, Mapping[str, Paper]]:
        eyes = asked.eyes or self._first()
        kind, _, name = eyes.partition(":")
        library: Mapping[str, Paper] = {}
        if kind == "reader":
            reader = self._store.subscribers.get(name)
        elif kind == "sample" and name in self.samples:
            reader = self.samples[name]
        elif kind == "file" and self._profile:
            reader, library = readers.of_file(self._profile, self.settings, self._store, self._shelves)
        elif kind == "form":
            reader = readers.made_up(self._wishes(asked), bootstrap.clock())
        else:
            raise NotFoundError(f"there is no reader {eyes!r}", hint="choose one of the list")
        return (replace(reader, language=asked.language) if asked.language else reader), library

    def _first(self) -> str:
        everyone = self._store.subscribers.all()
        return f"reader:{everyone[0].email}" if everyone else f"sample:{next(iter(self.samples))}"

    def _wishes(self, asked: Asked) -> Wishes:
        lists = {name: _entries(getattr(asked, name)) for name in _LISTS}
        profile = InterestProfile(
            topics=tuple(weighted_topic(one) for one in lists["topics"]),
            keywords=lists["keywords"],
            muted=lists["muted"],
            authors=lists["authors"],
            interests=asked.interests,
        )
        cadence = Cadence(asked.cadence) if asked.cadence in set(Cadence) else Cadence.DAILY
        return checked(Wishes(profile, papers=asked.papers, cadence=cadence), self._topics)

    def _preview(self, newsletter: Newsletter, reader: Subscriber, library: Mapping[str, Paper], day: str) -> Preview:
        try:
            wanted = date.fromisoformat(day) if day else self._today()
        except ValueError:
            raise UsageError(f"{day!r} is no day", hint="write it as in 2026-08-20") from None
        return newsletter.preview(reader, wanted, now=bootstrap.clock(), library=library, picking=self._picking)

    def _picking(self, issue: Issue) -> Picking:
        """A day's papers, prepared once. The window of an issue that is not open yet ends now: its papers tell it."""
        key = (issue.cadence, issue.day, issue.window.start, self._store.papers.count(issue.window))
        if key not in self._pickings:
            self._pickings = {**dict(list(self._pickings.items())[-3:]), key: self._newsletter.picking(issue)}
        return self._pickings[key]

    def _notice(self, name: str, letterhead: Letterhead, reader: Subscriber) -> Shown:
        view = samples.sample(name, letterhead, reader.language, self._today())

        def addressed(recipient: str) -> Message:
            return letterhead.notice(view, recipient=recipient, now=bootstrap.clock())

        return self._keep(addressed(reader.email), None, addressed)

    def _keep(self, message: Message, preview: Preview | None, addressed: Callable[[str], Message]) -> Shown:
        self._made += 1
        shown = self._kept[self._made] = Shown(self._made, message, preview, addressed)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return shown


def _entries(text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for line in text.splitlines() for entry in line.split(",") if entry.strip())
