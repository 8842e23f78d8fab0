"""What an edition is told in: reasons, subject and introduction, who wrote a paper and who announced it.

Pure functions from a language and values to strings. `say("…")` and `say.many("…", "…", number)` mark what translators
are given (see docs/mails.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache

from newsletter.model import Announcement, Cadence, Reason, ReasonKind, Subscriber
from newsletter.rendering.language import Language
from newsletter.rendering.summary import ELLIPSIS, shorten

SUBJECT_LIMIT = 90
PREHEADER_LIMIT = 150
_SUBJECT_TITLE = 68
_NAMED_AUTHORS = 3
_NAMED_SOURCES = 3
_LONGEST_NAME = 60
_LONGEST_MATCH = 70
_VOTES = re.compile(r"[\d,]+ upvotes?")
_SOURCES = re.compile(r"announced by \d+ sources?")


def zone(timezone: str) -> str:
    """Give a time zone as people read it: "America/New York"."""
    return timezone.replace("_", " ")


def issue_kind(say: Language, cadence: Cadence, since: date | None = None) -> str:
    """Give what an issue of this cadence is called: "Weekly issue"; one that goes back further says since when."""
    if since:
        return say("What you missed since %(day)s", day=say.short_date(since))
    if cadence is Cadence.WEEKDAYS:
        return say("Weekday issue")
    if cadence is Cadence.WEEKLY:
        return say("Weekly issue")
    return say("Daily issue") if cadence is Cadence.DAILY else say("Special issue")


def rhythm(say: Language, cadence: Cadence) -> str:
    """Give how often mail of this cadence comes ("on weekdays"); empty for a paused subscription."""
    if cadence is Cadence.PAUSED:
        return ""
    if cadence is Cadence.WEEKDAYS:
        return say("on weekdays")
    return say("every week") if cadence is Cadence.WEEKLY else say("every day")


def no_abstract(say: Language) -> str:
    """Give what a card says in place of key sentences where a paper has none."""
    return say("No abstract was given with it; it was picked by its title.")


def authors(say: Language, names: Sequence[str]) -> str:
    """Give "A, B, C and 12 others"; up to four names stand in full."""
    short = [shorten(name, _LONGEST_NAME) for name in names[: _NAMED_AUTHORS + 1]]
    if len(names) <= _NAMED_AUTHORS + 1:
        return say.listed(short)
    return say.listed(
        [*short[:_NAMED_AUTHORS], say.many("%(count)s other", "%(count)s others", len(names) - _NAMED_AUTHORS)]
    )


def announced(say: Language, announcements: Sequence[Announcement]) -> str:
    """Give "Hugging Face Daily Papers and arXiv cs.CL · 20 Aug"; sources of different days stand apart."""
    by_day: dict[date | None, list[str]] = {}
    for item in announcements:
        sources = by_day.setdefault(item.day, [])
        if item.title and item.title not in sources:
            sources.append(shorten(item.title, _LONGEST_NAME))
    groups = []
    for day, sources in by_day.items():
        hidden = len(sources) - _NAMED_SOURCES
        others = [say.many("%(count)s other source", "%(count)s other sources", hidden)] if hidden > 0 else []
        named = say.listed([*sources[:_NAMED_SOURCES], *others])
        groups.append(" · ".join(filter(None, (named, say.short_date(day) if day else ""))))
    return ", ".join(filter(None, groups[:_NAMED_SOURCES]))


class Span(StrEnum):
    """How far an edition goes back."""

    DAY = "day"
    WEEK = "week"
    LONGER = "longer"  # further than its issue does


@lru_cache(maxsize=8192)  # readers of one topic are many
def reason(say: Language, why: Reason, span: Span) -> str:
    """Give one reason for a pick in words that name what in the profile spoke for it."""
    matched = shorten(why.matched, _LONGEST_MATCH)
    if named := _named(say, why.kind, matched):
        return named
    if why.kind is ReasonKind.NEAR:
        return _nearest(say, span) % {"matched": matched}
    if why.kind is ReasonKind.POPULAR:
        return _popular(say, matched, span)
    return _noticed_elsewhere(say, span) if why.kind is ReasonKind.ELSEWHERE else _new(say, span)


def _nearest(say: Language, span: Span) -> str:
    if span is Span.LONGER:
        return say("Nearest to “%(matched)s”")
    return say("Nearest to “%(matched)s” this week") if span is Span.WEEK else say("Nearest to “%(matched)s” today")


def _noticed_elsewhere(say: Language, span: Span) -> str:
    if span is Span.LONGER:
        return say("Outside your usual topics, and much noticed")
    weekly = say("Outside your usual topics, and much noticed this week")
    return weekly if span is Span.WEEK else say("Outside your usual topics, and much noticed today")


def _new(say: Language, span: Span) -> str:
    if span is Span.LONGER:
        return say("New")
    return say("New this week") if span is Span.WEEK else say("New today")


def _named(say: Language, kind: ReasonKind, matched: str) -> str:
    match kind:
        case ReasonKind.TOPIC:
            return say("Your topic “%(matched)s”", matched=matched)
        case ReasonKind.KEYWORD:
            return say("Keyword “%(matched)s”", matched=matched)
        case ReasonKind.AUTHOR:
            return say("Author %(matched)s", matched=matched)
        case ReasonKind.LIKED_PAPER:
            return say("Like “%(matched)s”, which you liked", matched=matched)
        case ReasonKind.INTERESTS:
            return say("Close to “%(matched)s”", matched=matched)
        case _:
            return ""


def _popular(say: Language, attention: str, span: Span) -> str:
    if span is Span.LONGER:
        popular = say("Popular")
    else:
        popular = say("Popular this week") if span is Span.WEEK else say("Popular today")
    if not attention:
        return popular
    return say("%(popular)s: %(attention)s", popular=popular, attention=_attention(say, attention))


def _attention(say: Language, text: str) -> str:
    """Say in words of the reader what the ranker counted: votes, or sources (`ranking.reasons`)."""
    number = int("0" + "".join(filter(str.isdecimal, text)))
    if _VOTES.fullmatch(text):
        return say.many("%(count)s upvote", "%(count)s upvotes", number)
    if _SOURCES.fullmatch(text):
        return say.many("announced by %(count)s source", "announced by %(count)s sources", number)
    return text


def summary_by(say: Language, model: str) -> str:
    """Give who wrote a summary, so that nobody takes a machine's words for the authors'."""
    return say("summary by %(model)s", model=shorten(model, _LONGEST_MATCH))


class Tone(StrEnum):
    """What an issue promises of its papers."""

    DAY = "day"
    WEEK = "week"
    MISSED = "missed"  # it goes back further than the issue does
    GLANCE = "glance"  # none is a close match


def subject(say: Language, titles: Sequence[str], others: int, considered: int, tone: Tone = Tone.DAY) -> str:
    """Give the top title, shortened at a word, and how many more papers there are: at most 90 characters."""
    if not titles:
        if not considered:
            return say("No new papers this time")
        return say.many(
            "Nothing for you in %(count)s new paper", "Nothing for you among %(count)s new papers", considered
        )
    if tone is Tone.GLANCE:
        room = min(_SUBJECT_TITLE, SUBJECT_LIMIT - len(say("Worth a glance: %(title)s", title="")))
        return say("Worth a glance: %(title)s", title=shorten(titles[0], room))
    tail = _others(say, others, tone) if others else ""
    room = min(_SUBJECT_TITLE, SUBJECT_LIMIT - len(tail) - 2) if tail else SUBJECT_LIMIT
    top = shorten(titles[0], room)
    if not tail:
        return top
    if top.endswith((ELLIPSIS, "?", "!", ".")):
        return say("%(title)s %(others)s", title=top, others=tail)
    return say("%(title)s, %(others)s", title=top, others=tail)


def _others(say: Language, others: int, tone: Tone) -> str:
    if tone is Tone.WEEK:
        return say.many("and %(count)s more paper of your week", "and %(count)s more papers of your week", others)
    if tone is Tone.MISSED:
        return say.many("and %(count)s more paper you missed", "and %(count)s more papers you missed", others)
    return say.many("and %(count)s more paper for you", "and %(count)s more papers for you", others)


def preheader(titles: Sequence[str], why: Sequence[str], introduction: str, missed: str = "") -> str:
    """Give what mail lists show beside the subject: the next titles, else why the one paper was picked.

    `missed` says that an issue goes back further than it would, and comes first.
    """
    following = [shorten(one, _LONGEST_MATCH) for one in titles[1:4]]
    told = " · ".join(following) or " · ".join(why) or introduction
    return shorten(" · ".join(filter(None, (missed, told))), PREHEADER_LIMIT)


def introduction(say: Language, considered: int, cards: int, also: int) -> str:
    """Give one line: how many papers were looked at, how many were picked. Friendly and honest when none was."""
    if not cards + also:
        return _nothing(say, considered)
    looked = say.many(
        "We looked at %(count)s new paper", "We looked at %(count)s new papers", max(considered, cards + also)
    )
    if not cards:
        return say.many(
            "%(looked)s. None is a close match this time, but %(count)s may be worth a glance.",
            "%(looked)s. None is a close match this time, but %(count)s may be worth a glance.",
            also,
            looked=looked,
        )
    picked = say.many(
        "%(looked)s and picked %(count)s for you", "%(looked)s and picked %(count)s for you", cards, looked=looked
    )
    if not also:
        return say("%(picked)s.", picked=picked)
    return say("%(picked)s, with %(also)s more in brief.", picked=picked, also=say.number(also))


def _nothing(say: Language, considered: int) -> str:
    if not considered:
        return say("No new papers were announced since your last issue, so there is nothing to read today.")
    return say.many(
        "We looked at %(count)s new paper for you, and it did not come close enough to your interests to take your "
        "time. Enjoy the quiet.",
        "We looked at %(count)s new papers for you, and none came close enough to your interests to take your time. "
        "Enjoy the quiet.",
        considered,
    )


def provenance(say: Language, site_name: str, reader: Subscriber) -> str:
    """Give why this mail came: the subscription, its address and its rhythm."""
    often = rhythm(say, reader.cadence)
    if not often:
        return say("You get %(site)s because %(email)s subscribed to it.", site=site_name, email=reader.email)
    return say(
        "You get %(site)s %(often)s at %(hour)s (%(zone)s) because %(email)s subscribed to it.",
        site=site_name,
        email=reader.email,
        often=often,
        hour=say.clock(reader.hour),
        zone=zone(reader.timezone),
    )
