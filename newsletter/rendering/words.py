"""The English that an edition is told in: dates, lists, reasons, subject and introduction.

Pure functions from values to strings. Whoever wants another language changes this module and the templates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from newsletter.model import Announcement, Cadence, Reason, ReasonKind
from newsletter.rendering.summary import ELLIPSIS, shorten

SUBJECT_LIMIT = 90
PREHEADER_LIMIT = 150
NO_ABSTRACT = "No abstract was given with it; it was picked by its title."
_SUBJECT_TITLE = 68
_NAMED_AUTHORS = 3
_NAMED_SOURCES = 3
_LONGEST_NAME = 60
_LONGEST_MATCH = 70

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_KINDS = {Cadence.DAILY: "Daily", Cadence.WEEKDAYS: "Weekday", Cadence.WEEKLY: "Weekly", Cadence.PAUSED: "Special"}
_RHYTHMS = {
    Cadence.DAILY: "every day",
    Cadence.WEEKDAYS: "on weekdays",
    Cadence.WEEKLY: "every week",
    Cadence.PAUSED: "",
}
_REASONS = {
    ReasonKind.TOPIC: "Your topic “{}”",
    ReasonKind.KEYWORD: "Keyword “{}”",
    ReasonKind.AUTHOR: "Author {}",
    ReasonKind.LIKED_PAPER: "Like “{}”, which you liked",
    ReasonKind.INTERESTS: "Close to “{}”",
}
# ISO 639-1 languages that are written from right to left.
_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})


def is_right_to_left(language: str) -> bool:
    """Tell whether a language tag ("ar", "fa-IR") names a script written from right to left."""
    return language.replace("_", "-").split("-")[0].lower() in _RIGHT_TO_LEFT


def long_date(day: date) -> str:
    """Give "Monday 23 November 2026", whatever the locale of the process."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def short_date(day: date) -> str:
    """Give "23 Nov"."""
    return f"{day.day} {_MONTHS[day.month - 1][:3]}"


def count(number: int, one: str, many: str = "") -> str:
    """Give "1 paper", "2 papers", "1,234 papers"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(items: Sequence[str]) -> str:
    """Give "A", "A and B", "A, B and C"."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def issue_kind(cadence: Cadence) -> str:
    """Give what an issue of this cadence is called: "Weekly issue"."""
    return f"{_KINDS[cadence]} issue"


def rhythm(cadence: Cadence) -> str:
    """Give how often mail of this cadence comes ("on weekdays"); empty for a paused subscription."""
    return _RHYTHMS[cadence]


def authors(names: Sequence[str]) -> str:
    """Give "A, B, C and 12 others"; up to four names stand in full."""
    short = [shorten(name, _LONGEST_NAME) for name in names[: _NAMED_AUTHORS + 1]]
    if len(names) <= _NAMED_AUTHORS + 1:
        return listed(short)
    return listed([*short[:_NAMED_AUTHORS], count(len(names) - _NAMED_AUTHORS, "other")])


def announced(announcements: Sequence[Announcement]) -> str:
    """Give "Hugging Face Daily Papers and arXiv cs.CL · 20 Aug"; sources of different days stand apart."""
    by_day: dict[date | None, list[str]] = {}
    for item in announcements:
        sources = by_day.setdefault(item.day, [])
        if item.title and item.title not in sources:
            sources.append(shorten(item.title, _LONGEST_NAME))
    groups = []
    for day, sources in by_day.items():
        hidden = len(sources) - _NAMED_SOURCES
        named = listed(sources if hidden <= 0 else [*sources[:_NAMED_SOURCES], count(hidden, "other")])
        groups.append(" · ".join(filter(None, (named, short_date(day) if day else ""))))
    return ", ".join(filter(None, groups[:_NAMED_SOURCES]))


def reason(why: Reason, cadence: Cadence) -> str:
    """Give one reason for a pick in words that name what in the profile spoke for it."""
    if why.kind in _REASONS:
        return _REASONS[why.kind].format(shorten(why.matched, _LONGEST_MATCH))
    when = "this week" if cadence is Cadence.WEEKLY else "today"
    if why.kind is ReasonKind.NEAR:
        return f"Nearest to “{shorten(why.matched, _LONGEST_MATCH)}” {when}"
    if why.kind is ReasonKind.POPULAR:
        return f"Popular {when}" + (f": {why.matched}" if why.matched else "")
    if why.kind is ReasonKind.ELSEWHERE:
        return "Outside your usual topics, and much noticed " + when
    return f"New {when}"


def summary_by(model: str) -> str:
    """Give who wrote a summary, so that nobody takes a machine's words for the authors'."""
    return f"summary by {shorten(model, _LONGEST_MATCH)}"


def subject(titles: Sequence[str], others: int, considered: int) -> str:
    """Give the top title, shortened at a word, and how many more papers there are: at most 90 characters."""
    if not titles:
        return f"Nothing for you among {count(considered, 'new paper')}" if considered else "No new papers this time"
    tail = f"and {count(others, 'more paper')} for you" if others else ""
    room = min(_SUBJECT_TITLE, SUBJECT_LIMIT - len(tail) - 2) if tail else SUBJECT_LIMIT
    title = shorten(titles[0], room)
    link = " " if title.endswith((ELLIPSIS, "?", "!", ".")) else ", "
    return f"{title}{link}{tail}" if tail else title


def preheader(titles: Sequence[str], why: Sequence[str], introduction: str) -> str:
    """Give what mail lists show beside the subject: the next titles, else why the one paper was picked."""
    following = [shorten(title, _LONGEST_MATCH) for title in titles[1:4]]
    return shorten(" · ".join(following) or " · ".join(why) or introduction, PREHEADER_LIMIT)


def introduction(considered: int, cards: int, also: int) -> str:
    """Give one line: how many papers were looked at, how many were picked. Friendly and honest when none was."""
    if not cards + also:
        if not considered:
            return "No new papers were announced since your last issue, so there is nothing to read today."
        return (
            f"We looked at {count(considered, 'new paper')} for you, and none came close enough to your interests "
            "to take your time. Enjoy the quiet."
        )
    looked = f"We looked at {count(max(considered, cards + also), 'new paper')}"
    if not also:
        return f"{looked} and picked {cards:,} for you."
    if not cards:
        return f"{looked}. None is a close match this time, but {also:,} may be worth a glance."
    return f"{looked} and picked {cards:,} for you, with {also:,} more in brief."


def provenance(site_name: str, email: str, cadence: Cadence, hour: int, timezone: str) -> str:
    """Give why this mail came: the subscription, its address and its rhythm."""
    often = rhythm(cadence)
    when = f" {often} at {hour:02d}:00 ({timezone.replace('_', ' ')})" if often else ""
    return f"You get {site_name}{when} because {email} subscribed to it."
