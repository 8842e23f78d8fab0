"""One of each mail that is no issue."""

from __future__ import annotations

from datetime import date

from newsletter.model import Cadence
from newsletter.rendering import (
    AddressView,
    AlertView,
    ConfirmView,
    Finding,
    GoodbyeView,
    Notice,
    PreferencesView,
    WelcomeView,
)
from tests.rendering.editions import SITE, TOKEN

_URL = f"{SITE.url}/preferences/{TOKEN}"
NOTICES: tuple[Notice, ...] = (
    ConfirmView(site=SITE, known=False, url=_URL),
    ConfirmView(site=SITE, known=True, url=_URL),
    WelcomeView(
        site=SITE,
        cadence=Cadence.WEEKDAYS,
        hour=7,
        timezone="Europe/London",
        papers=10,
        first_issue=date(2026, 11, 30),
        preferences_url=_URL,
        unsubscribe_url=f"{SITE.url}/unsubscribe/{TOKEN}",
        archive_url=f"{SITE.url}/issues",
    ),
    PreferencesView(site=SITE, url=_URL, days=90),
    AddressView(site=SITE, new=False, other="ad…@home.example", url=f"{SITE.url}/address/{TOKEN}", days=7),
    AddressView(site=SITE, new=True, other="ad…@lab.example", url=f"{SITE.url}/address/{TOKEN}", days=7),
    GoodbyeView(site=SITE, url=_URL),
    GoodbyeView(site=SITE, url=f"{SITE.url}/subscribe", erased=True),
    AlertView(
        site=SITE,
        title="31 of the last 100 messages failed",
        introduction="The daily issue of 23 November is paused.",
        findings=(Finding("What the server said", "554 5.7.1 <blocked>"),),
        advice=("Mend the server; `newsletter check` helps.",),
    ),
)
