"""Profile files (TOML): what `preview --profile` reads."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from newsletter.errors import ProfileError, in_words
from newsletter.model import Cadence, InterestProfile, QuietDay, Topic
from newsletter.subscriptions.signup import Wishes, checked, choice, weighted_topic

_LISTS = ("topics", "keywords", "muted", "authors", "liked", "disliked", "library")
_TEXTS = ("interests", "cadence", "timezone", "language", "quiet")
_NUMBERS = ("papers", "hour")


def read(path: Path, topics: Mapping[str, Topic]) -> Wishes:
    """Read a profile file.

    Raises ProfileError naming the file: it is missing, is not TOML, has an unknown field, one of the wrong kind, or one
    that asks for what there is not.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError; so is a number too long
        raise ProfileError(f"cannot read the profile {path}: {in_words(error)}") from error
    try:
        return checked(wishes_of(values, path.parent), topics)
    except ProfileError as error:
        raise ProfileError(f"the profile {path}: {error.message}", hint=error.hint) from error


def bibliography(text: str, folder: Path) -> Path | str:
    """Give where a bibliography is: an address as it is written, else a file, whose path starts at `folder`."""
    return text if text.lower().startswith(("http://", "https://")) else folder / text


def wishes_of(values: Mapping[str, Any], folder: Path) -> Wishes:
    """Give the wishes of a profile's fields; paths start at `folder`. Raises ProfileError."""
    if unknown := set(values) - {*_LISTS, *_TEXTS, *_NUMBERS}:
        known = ", ".join((*_LISTS, *_TEXTS, *_NUMBERS))
        raise ProfileError(f"unknown: {', '.join(sorted(unknown))}", hint=f"the fields are {known}")
    for name, value in values.items():
        if name in _LISTS and not (isinstance(value, list) and all(isinstance(entry, str) for entry in value)):
            raise ProfileError(
                f"{name} is not a list of texts", hint=f'it is written as in {name} = ["one", "another"]'
            )
        if name in _TEXTS and not isinstance(value, str):
            raise ProfileError(f"{name} is not a text")
        if name in _NUMBERS and (not isinstance(value, int) or isinstance(value, bool)):
            raise ProfileError(f"{name} is not a whole number")
    lists = {name: tuple(values.get(name, ())) for name in _LISTS}
    library = tuple(bibliography(text, folder) for text in lists.pop("library"))
    profile = InterestProfile(
        **{**lists, "topics": tuple(weighted_topic(text) for text in lists["topics"])},
        interests=values.get("interests", ""),
    )
    simple = {name: values[name] for name in ("papers", "hour", "timezone", "language") if name in values}
    cadence = choice(Cadence, values.get("cadence", Cadence.DAILY), "cadence")
    quiet = choice(QuietDay, values.get("quiet", QuietDay.NOTE), "quiet")
    return Wishes(profile, cadence=cadence, library=library, quiet=quiet, **simple)
