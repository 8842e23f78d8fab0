"""The topic catalogue: what people can choose from (`config/topics.toml`, or the file that `topics` names)."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from newsletter.errors import ConfigError, ProfileError, in_words
from newsletter.model import Topic

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LISTS = ("keywords", "categories")
_FORM = "see config/topics.toml for the form"
_TEXTS = ("slug", "title", "field", "description")


def load(path: Path) -> dict[str, Topic]:
    """Give the topics of a catalogue by slug, in the file's order.

    Raises ConfigError: the file is missing, is not TOML, or a topic lacks a field, has an unknown one, or a slug twice.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read the topics file {path}: {in_words(error)}") from error
    entries = document.get("topic", [])
    if set(document) - {"topic"} or not isinstance(entries, list):
        raise ConfigError(f"{path} holds something else than [[topic]] tables", hint=_FORM)
    topics: dict[str, Topic] = {}
    for number, entry in enumerate(entries, 1):
        topic = _topic(entry, f"{path}, topic {number}")
        if topic.slug in topics:
            raise ConfigError(f"{path}: the slug {topic.slug!r} stands there twice")
        topics[topic.slug] = topic
    if not topics:
        raise ConfigError(f"{path} holds no [[topic]]", hint=_FORM)
    return topics


def _topic(entry: Any, where: str) -> Topic:
    if not isinstance(entry, dict) or set(entry) != {*_TEXTS, *_LISTS}:
        raise ConfigError(f"{where}: a topic has exactly the fields {', '.join((*_TEXTS, *_LISTS))}")
    if not all(_is_text(entry[name]) for name in _TEXTS):
        raise ConfigError(f"{where}: {', '.join(_TEXTS)} are texts and not empty")
    if not all(isinstance(entry[name], list) and all(map(_is_text, entry[name])) for name in _LISTS):
        raise ConfigError(f"{where}: {' and '.join(_LISTS)} are lists of texts, none of them empty")
    if not _SLUG.fullmatch(entry["slug"]):
        raise ConfigError(f"{where}: the slug {entry['slug']!r} is not of small letters, digits and single hyphens")
    texts = {name: entry[name].strip() for name in _TEXTS}
    return Topic(**texts, keywords=tuple(entry["keywords"]), categories=tuple(entry["categories"]))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def check(chosen: tuple[tuple[str, float], ...], topics: Mapping[str, Topic]) -> None:
    """Raise ProfileError naming every slug that is not in the catalogue, with the nearest that are."""
    named = [slug for slug, _ in chosen]
    if unknown := [slug for slug in named if slug not in topics]:
        near = sorted({match for slug in unknown for match in difflib.get_close_matches(slug, topics, n=3)})
        meant = f"did you mean {', '.join(near)}? " if near else ""
        raise ProfileError(
            f"no such topic: {', '.join(unknown)}", hint=f"{meant}`newsletter topics` lists all {len(topics)}"
        )
