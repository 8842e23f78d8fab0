"""The subscribers of a lab as a file under version control (TOML), and what it would change. Pure but for the reading.

The file lists people, each as a `[[subscriber]]` table with `email`, `name` and the fields of a profile file; what
bibliographies it names are read by who asks. It rules over those who came by it, and over nobody else.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from newsletter.errors import ProfileError, in_words
from newsletter.model import Cadence, NewSubscriber, Subscriber, SubscriberStatus, Topic
from newsletter.subscriptions.profile_file import wishes_of
from newsletter.subscriptions.signup import CHOSEN, OF_PROFILE, checked, keeps_cadence, subscription

_GONE = (SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.SUPPRESSED)

Names = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Listed:
    """One person of the file. `library` are bibliographies of papers that they like besides."""

    subscriber: NewSubscriber
    library: tuple[Path | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the difference: who, what is done ("add", "change", "pause", "leave alone"), and what or why.

    `keeps`: against the file, they are mailed as often as they chose by themselves.
    """

    email: str
    act: str
    said: str = ""
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would change: whom to write, whom to pause, and all of it told."""

    written: tuple[NewSubscriber, ...]
    paused: tuple[str, ...]
    changes: tuple[Change, ...]


def read(path: Path, topics: Mapping[str, Topic], *, confirmed: bool) -> list[Listed]:
    """Read everybody whom a file lists; `confirmed`: the operator vouches that they asked to be mailed.

    Raises ProfileError naming the file and the person.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ProfileError(
            f"cannot read {path}: {in_words(error)}",
            hint="" if isinstance(error, OSError) else "it must be TOML in UTF-8",
        ) from error
    tables = document.pop("subscriber", [])
    if document or not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise ProfileError(f"{path} holds something else than [[subscriber]] tables")
    listed = [_subscriber(path, number, one, topics, confirmed=confirmed) for number, one in enumerate(tables, 1)]
    addresses = [one.subscriber.email.casefold() for one in listed]
    if twice := sorted({address for address in addresses if addresses.count(address) > 1}):
        raise ProfileError(f"{path} lists somebody twice: {', '.join(twice)}")
    return listed


def _subscriber(
    path: Path, number: int, table: Mapping[str, Any], topics: Mapping[str, Topic], *, confirmed: bool
) -> Listed:
    try:
        email, name, fields = _fields(table)
        wishes = checked(wishes_of(fields, path.parent), topics)
        return Listed(subscription(email, wishes, name=name, confirmed=confirmed), wishes.library)
    except ProfileError as error:
        who = f"{path}, subscriber {number} ({table.get('email', 'without an email')})"
        raise ProfileError(f"{who}: {error.message}", hint=error.hint) from error


def _fields(table: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    values = dict(table)
    email, name = values.pop("email", ""), values.pop("name", "")
    if not isinstance(email, str) or not isinstance(name, str):
        raise ProfileError("email and name are texts")
    return email, name, values


def plan(
    listed: Sequence[NewSubscriber],
    known: Iterable[Subscriber],
    of_file: Iterable[Subscriber],
    names: Names,
    *,
    overrule: bool = False,
) -> Plan:
    """Give what a file would change. `known` are all subscribers, `of_file` those who came by it.

    `names` gives the same for all names of one paper. `overrule`: how often somebody is mailed is as the file says,
    also where they chose it by themselves.
    """
    everyone = {one.email.casefold(): one for one in known}
    ours = {one.email.casefold(): one for one in of_file}
    written, changes = [], []
    for new in listed:
        change = _change(new, everyone.get(new.email.casefold()), ours, names, overrule=overrule)
        if change:
            changes.append(change)
            if change.act in {"add", "change"}:
                written.append(new)
    missing = ours.keys() - {one.email.casefold() for one in listed}
    paused = sorted(
        ours[address].email
        for address in missing
        if ours[address].cadence is not Cadence.PAUSED and ours[address].status not in _GONE
    )
    changes += [Change(email, "pause", "the file does not list them any more") for email in paused]
    return Plan(tuple(written), tuple(paused), tuple(changes))


def _change(
    new: NewSubscriber, known: Subscriber | None, ours: Mapping[str, Subscriber], names: Names, *, overrule: bool
) -> Change | None:
    if known is None:
        return Change(new.email, "add", f"{new.cadence} at {new.hour}:00 {new.timezone}; {new.status}")
    if new.email.casefold() not in ours:
        return Change(known.email, "leave alone", "they did not come by this file")
    if known.status in _GONE:
        return Change(known.email, "leave alone", f"they are {known.status}")
    keeps = not overrule and keeps_cadence(known, new.cadence)
    said = "; ".join(_differences(replace(new, cadence=known.cadence) if keeps else new, known, names))
    if not keeps:
        return Change(known.email, "change", said) if said else None
    own = _own_choice(known)
    if not said:
        return Change(known.email, "leave alone", own, keeps=True)
    return Change(known.email, "change", f"{said}; cadence stays {known.cadence}: {own}", keeps=True)


def _own_choice(known: Subscriber) -> str:
    did = "paused" if known.cadence is Cadence.PAUSED else f"chose {known.cadence}"
    return f"they {did} by themselves" + (f" on {known.cadence_chosen_at:%Y-%m-%d}" if known.cadence_chosen_at else "")


def _differences(new: NewSubscriber, known: Subscriber, names: Names) -> Iterator[str]:
    if known.status is SubscriberStatus.PENDING and new.status is SubscriberStatus.ACTIVE:
        yield f"status: {known.status} → {new.status}"
    for field in CHOSEN:
        before, after = getattr(known, field), getattr(new, field)
        if before != after:
            yield f"{field}: {before} → {after}"
    for field in OF_PROFILE:
        before, after = getattr(known.profile, field), getattr(new.profile, field)
        if isinstance(before, str):
            if before != after:
                yield f"{field}: {before!r} → {after!r}"
        elif said := _parted(before, after, names if field in {"liked", "disliked"} else lambda one: one):
            yield f"{field}: {said}"


def _parted(before: Sequence[Any], after: Sequence[Any], same: Callable[[Any], object]) -> str:
    """Give what a list has more and less than before; `same` tells by what its entries are compared."""
    old, new = {same(one) for one in before}, {same(one) for one in after}
    plus = [f"+{_word(one)}" for one in after if same(one) not in old]
    return " ".join(plus + [f"-{_word(one)}" for one in before if same(one) not in new])


def _word(one: Any) -> str:
    slug, weight = one if isinstance(one, tuple) else (one, 1.0)
    return str(slug) if weight == 1 else f"{slug}:{weight:g}"
