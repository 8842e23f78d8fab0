"""The mails that are no issue, with values made up, so that an editor can look at them."""

from __future__ import annotations

from datetime import date

from newsletter.letters import Letterhead
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

NAMES = ("confirm", "known", "welcome", "preferences", "move", "moved", "goodbye", "erased", "alert")


def sample(name: str, letterhead: Letterhead, language: str, today: date) -> Notice:
    """Give one of them. Its links look like real ones, and are nobody's."""
    site, url = letterhead.site, letterhead.site.url
    say = letterhead.renderer.language(language)
    views: dict[str, Notice] = {
        "confirm": ConfirmView(site=site, language=language, known=False, url=f"{url}/confirm/sample"),
        "known": ConfirmView(site=site, language=language, known=True, url=f"{url}/preferences/sample"),
        "welcome": WelcomeView(
            site=site,
            language=language,
            cadence=Cadence.WEEKDAYS,
            hour=7,
            timezone="Europe/London",
            papers=10,
            first_issue=today,
            preferences_url=f"{url}/preferences/sample",
            unsubscribe_url=f"{url}/unsubscribe/sample",
            archive_url=f"{url}/issues",
        ),
        "preferences": PreferencesView(site=site, language=language, url=f"{url}/preferences/sample", days=90),
        "move": AddressView(
            site=site, language=language, new=False, other="re…@example.org", url=f"{url}/address/sample", days=7
        ),
        "moved": AddressView(
            site=site, language=language, new=True, other="re…@example.com", url=f"{url}/address/sample", days=7
        ),
        "goodbye": GoodbyeView(site=site, language=language, url=f"{url}/unsubscribe/sample"),
        "erased": GoodbyeView(site=site, language=language, url=f"{url}/subscribe", erased=True),
        "alert": AlertView(
            site=site,
            language=language,
            title=say("cannot read %(names)s", names="arxiv-cs-cl"),
            introduction=say("These sources could not be read, several times in a row. The others are read as before."),
            findings=(Finding("arxiv-cs-cl", "https://rss.arxiv.org/rss/cs.CL answered 503"),),
            advice=(say("`newsletter check` tells how all sources do, and what else is amiss."),),
        ),
    }
    return views[name]
