"""From a form to wishes: every field checked by the rules of `subscriptions.signup`, every mistake beside its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import FormData

from newsletter.errors import ProfileError
from newsletter.model import Cadence, InterestProfile, QuietDay, Subscriber, Topic
from newsletter.subscriptions.signup import Wishes, checked, choice
from newsletter.web.parts import Parts, text, texts

_OF_PROFILE = frozenset({"topics", "keywords", "muted", "authors", "interests"})
_BLANK = Wishes(InterestProfile())


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it came. `shown` is what was typed, to be shown again; `faults` says what is wrong, by field.

    Where nothing is wrong, `wishes` is what was asked for.
    """

    shown: Mapping[str, str]
    chosen: Mapping[str, float]
    faults: Mapping[str, str]
    wishes: Wishes


def blank(here: Parts) -> Wishes:
    """Give the wishes of somebody of whom nothing is known."""
    return Wishes(InterestProfile(), timezone=here.settings.site.timezone)


def wishes_of(reader: Subscriber) -> Wishes:
    """Give what a subscriber has."""
    return Wishes(
        reader.profile,
        papers=reader.papers,
        cadence=reader.cadence,
        timezone=reader.timezone,
        hour=reader.hour,
        language=reader.language,
        quiet=reader.quiet,
    )


def of_wishes(wishes: Wishes) -> Filled:
    """Give the form that would ask for what somebody has already."""
    profile = wishes.profile
    shown = {
        "keywords": "\n".join(profile.keywords),
        "muted": "\n".join(profile.muted),
        "authors": "\n".join(profile.authors),
        "interests": profile.interests,
        "cadence": wishes.cadence.value,
        "quiet": wishes.quiet.value,
        "timezone": wishes.timezone,
        "language": wishes.language,
        "hour": str(wishes.hour),
        "papers": str(wishes.papers),
    }
    return Filled(shown, dict(profile.topics), {}, wishes)


def read(form: FormData, topics: Mapping[str, Topic], before: Wishes) -> Filled:
    """Read what was sent; a field that was not sent at all is as `before`, but for topics, of which none was ticked."""
    shown, chosen, faults, wishes = dict(of_wishes(before).shown), {}, {}, before
    for name, parse in _PARSERS.items():
        if name != "topics" and name not in form:
            continue
        shown[name] = text(form, name)
        try:
            wishes = _with(wishes, name, _alone(name, parse(form), topics))
        except ProfileError as error:
            faults[name] = says(error)
    for slug in texts(form, "topics"):
        if slug in topics:
            chosen[slug] = dict(wishes.profile.topics).get(slug, 1.0)
    return Filled(shown, chosen, faults, wishes)


def says(error: ProfileError) -> str:
    """Give what an error says, as a sentence beside a field."""
    words = f"{error.message}: {error.hint}" if error.hint else error.message
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _alone(name: str, value: Any, topics: Mapping[str, Topic]) -> Any:
    """Give a value in its normal form, checked as if it were all that was asked for: so each has a fault of its own."""
    tidy = checked(_with(_BLANK, name, value), topics)
    return getattr(tidy.profile if name in _OF_PROFILE else tidy, name)


def _with(wishes: Wishes, name: str, value: Any) -> Wishes:
    if name in _OF_PROFILE:
        return replace(wishes, profile=replace(wishes.profile, **{name: value}))
    return replace(wishes, **{name: value})


def _topics(form: FormData) -> tuple[tuple[str, float], ...]:
    return tuple((slug, _weight(slug, text(form, f"weight-{slug}"))) for slug in dict.fromkeys(texts(form, "topics")))


def _weight(slug: str, typed: str) -> float:
    try:
        return float(typed) if typed else 1.0
    except ValueError as error:
        raise ProfileError(f"the weight of the topic {slug} is {typed[:40]!r}", hint="it is a number") from error


def _lines(name: str) -> Callable[[FormData], tuple[str, ...]]:
    return lambda form: tuple(text(form, name).splitlines())


def _number(name: str) -> Callable[[FormData], int]:
    def parse(form: FormData) -> int:
        typed = text(form, name).strip()
        try:
            return int(typed)
        except ValueError as error:
            raise ProfileError(f"{name} is {typed[:40]!r}", hint="it is a whole number") from error

    return parse


def _text(name: str) -> Callable[[FormData], str]:
    return lambda form: text(form, name).strip()


_PARSERS: Mapping[str, Callable[[FormData], Any]] = {
    "topics": _topics,
    "keywords": _lines("keywords"),
    "muted": _lines("muted"),
    "authors": _lines("authors"),
    "interests": _text("interests"),
    "cadence": lambda form: choice(Cadence, text(form, "cadence")[:40], "cadence"),
    "quiet": lambda form: choice(QuietDay, text(form, "quiet")[:40], "quiet"),
    "timezone": _text("timezone"),
    "language": _text("language"),
    "hour": _number("hour"),
    "papers": _number("papers"),
}
