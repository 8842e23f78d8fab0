"""What the templates see of every mail that is no issue: one type for each, filled with plain, typed values.

`Renderer.fill(view)` puts any of them into words and HTML. What a stranger typed stands in none of them but as the name
of the site's own operator: a mail that asks back must not carry other people's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from newsletter.model import Cadence

ISSUES = ("daily", "weekly", "quiet", "test")
NOTICES = ("confirm", "welcome", "preferences", "address", "goodbye", "alert")
ALL = (*ISSUES, *NOTICES)


@dataclass(frozen=True, slots=True)
class SiteView:
    """Who sends the newsletter: its name, where its pages are (no slash at the end), its postal address."""

    name: str
    url: str
    postal_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A mail that is no issue. `mail` is the folder of its templates, `language` the reader's, as a BCP 47 tag."""

    mail: ClassVar[str]

    site: SiteView
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmView(Notice):
    """Somebody asked for the newsletter. `url` is the page with the button that says yes; it works for `days`.

    `known`: the address is subscribed already, and `url` is the page of its preferences.
    """

    mail: ClassVar[str] = "confirm"

    known: bool
    url: str
    days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class WelcomeView(Notice):
    """A subscription began. `first_issue` is the day of the first, where it is known; `hour` is in `timezone`.

    `taste`: a small selection comes at once, before the first regular issue.
    """

    mail: ClassVar[str] = "welcome"

    cadence: Cadence
    hour: int
    timezone: str
    papers: int
    first_issue: date | None
    preferences_url: str
    unsubscribe_url: str
    archive_url: str
    taste: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesView(Notice):
    """Somebody asked for the link to their preferences. `url` is that page; it works for `days`."""

    mail: ClassVar[str] = "preferences"

    url: str
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressView(Notice):
    """A subscription is to go to another address, and both are asked. `url` is the page with the button that says yes.

    `new`: this goes to the new address; `other` is the one at the other end, masked. The link works for `days`.
    """

    mail: ClassVar[str] = "address"

    new: bool
    other: str
    url: str
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodbyeView(Notice):
    """A subscription ended. `url` is where one can come back: the unsubscribe page, or the form where all is erased."""

    mail: ClassVar[str] = "goodbye"

    url: str
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an operator is told: what it is about, and what is the matter (as a program said it)."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView(Notice):
    """Something needs the operator. Texts are ready to be read, in the operator's language.

    `title` is short and becomes the subject, `introduction` says what happened, `advice` what to do, a sentence each.
    """

    mail: ClassVar[str] = "alert"

    title: str
    introduction: str
    findings: tuple[Finding, ...] = ()
    advice: tuple[str, ...] = ()
