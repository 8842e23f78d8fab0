"""What people choose among. Topics: first what they chose, then the others by field, as far as they fit. Zones, hours,
languages.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError

from newsletter.model import Topic
from newsletter.rendering import available
from newsletter.subscriptions.signup import MOST_PAPERS

_WEIGHTS = {0.5: "a little", 1.0: "as usual", 2.0: "a lot", 4.0: "above all"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A topic that is chosen, and the weights that can be given to it."""

    topic: Topic
    weight: float
    weights: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A field of research, and those of its topics that are not chosen. `words` are what each is found by."""

    field: str
    topics: tuple[tuple[Topic, str], ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that a page shows of topics. `sought` is what the reader looks for, `found` how many topics fit."""

    chosen: tuple[Chosen, ...]
    groups: tuple[Group, ...]
    sought: str
    found: int


def catalogue(topics: Mapping[str, Topic], chosen: Mapping[str, float], sought: str = "") -> Catalogue:
    """Give the topics for a page. All words that are sought must be in a topic's texts."""
    wanted = sought.lower().split()
    groups: dict[str, list[tuple[Topic, str]]] = {}
    for topic in topics.values():
        found_by = " ".join((topic.title, topic.field, topic.description, *topic.keywords)).lower()
        if topic.slug not in chosen and all(word in found_by for word in wanted):
            groups.setdefault(topic.field, []).append((topic, " ".join(dict.fromkeys(found_by.split()))))
    return Catalogue(
        chosen=tuple(_chosen(topics[slug], weight) for slug, weight in chosen.items() if slug in topics),
        groups=tuple(Group(field, tuple(some)) for field, some in groups.items()),
        sought=sought,
        found=sum(map(len, groups.values())),
    )


def _chosen(topic: Topic, weight: float) -> Chosen:
    weights = {**_WEIGHTS, weight: _WEIGHTS.get(weight, f"weight {weight:g}")}
    return Chosen(topic, weight, tuple(sorted(weights.items())))


def _zones() -> tuple[str, ...]:
    return tuple(sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone or zone == "UTC"))


# What the fields of a form offer, whoever fills it in.
CHOICES: Mapping[str, Any] = {
    "zones": _zones(),
    "hours": tuple((str(hour), f"{hour:02d}:00") for hour in range(24)),
    "most_papers": MOST_PAPERS,
}


def languages(chosen: str, override: Path | None) -> tuple[tuple[str, str], ...]:
    """Give the languages that mails can be written in, with the one that is chosen, also where it is none of these."""
    there = {tag: _own_name(tag) for tag in available(override)}
    return tuple(there.items()) if chosen in there else ((chosen, _own_name(chosen)), *there.items())


@lru_cache(maxsize=256)
def _own_name(tag: str) -> str:
    try:
        name = Locale.parse(tag, sep="-").display_name
    except (UnknownLocaleError, ValueError):
        return tag
    return f"{name[:1].upper()}{name[1:]}" if name else tag
