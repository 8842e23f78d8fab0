"""From what a person or a file says to a `NewSubscriber`: everything checked, every mistake named."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from newsletter import catalogue, identity
from newsletter.codes import code
from newsletter.errors import ProfileError
from newsletter.model import Cadence, InterestProfile, NewSubscriber, QuietDay, Subscriber, SubscriberStatus, Topic

# What a reader chooses, by the names of its fields: of a subscriber, and of their profile.
CHOSEN = ("name", "cadence", "timezone", "hour", "papers", "language", "quiet")
OF_PROFILE = ("topics", "keywords", "muted", "authors", "liked", "disliked", "interests")

MOST_PAPERS = 50
_MOST_ENTRIES = 500
MOST_PAPERS_RATED = 20_000
_LONGEST_ENTRY = 200
_LONGEST_INTERESTS = 5000
_LONGEST_NAME = 200
# email-validator refuses these (RFC 6761, RFC 6762) whatever it is told; one's own mail server need not.
_OWN_NETWORKS = frozenset({"local", "localhost", "test"})
_STAND_IN = "example"
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,8}")

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything of a subscription but the address: what a profile file holds, too.

    `library` are bibliographies of papers they like: files, and addresses.
    """

    profile: InterestProfile
    papers: int = 10
    cadence: Cadence = Cadence.DAILY
    timezone: str = "UTC"
    hour: int = 7
    language: str = "en"
    library: tuple[Path | str, ...] = ()
    quiet: QuietDay = QuietDay.NOTE


def email_address(text: str) -> str:
    """Give an address in its normal form (RFC 5321; the domain in lower case). Raises ProfileError."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  lazy: 0.1 s

    text = text.strip()
    own = text.rpartition("@")[2].rpartition(".")[2].lower() in _OWN_NETWORKS
    try:
        # Not "globally deliverable": a lab's own mail server may well be called `mail`, or be this machine.
        address = validate_email(
            f"{text}.{_STAND_IN}" if own else text,
            check_deliverability=False,
            globally_deliverable=False,
            allow_smtputf8=False,
            strict=True,
        )
    except EmailNotValidError as error:
        raise ProfileError(f"{text!r} is not an email address: {error}") from error
    normal = str(address.normalized)
    return normal.removesuffix(f".{_STAND_IN}") if own else normal


def checked(wishes: Wishes, topics: Mapping[str, Topic]) -> Wishes:
    """Give wishes in their normal form. Raises ProfileError naming the first that cannot be met."""
    profile = wishes.profile
    catalogue.check(profile.topics, topics)
    for slug, weight in profile.topics:
        if not 0 < weight <= 10:
            raise ProfileError(
                f"the weight of the topic {slug} is {weight:g}", hint="weights are over 0 and at most 10"
            )
    if not 1 <= wishes.papers <= MOST_PAPERS:
        raise ProfileError(f"papers is {wishes.papers}", hint=f"it is from 1 to {MOST_PAPERS}")
    if not 0 <= wishes.hour <= 23:
        raise ProfileError(f"hour is {wishes.hour}", hint="it is from 0 to 23, in the subscriber's own time zone")
    _check_zone(wishes.timezone)
    if not _LANGUAGE.fullmatch(wishes.language):
        raise ProfileError(f"language is {wishes.language!r}", hint="write a tag as in en or pt-BR")
    if len(profile.interests) > _LONGEST_INTERESTS:
        raise ProfileError(f"interests has {len(profile.interests)} characters", hint=f"at most {_LONGEST_INTERESTS}")
    tidy = replace(
        profile,
        topics=tuple(dict(profile.topics).items()),
        keywords=_tidy("keywords", _parted(profile.keywords)),
        muted=_tidy("muted", _parted(profile.muted)),
        authors=_tidy("authors", _parted(profile.authors)),
        liked=tuple(paper_name(name) for name in _tidy("liked", profile.liked, MOST_PAPERS_RATED)),
        disliked=tuple(paper_name(name) for name in _tidy("disliked", profile.disliked, MOST_PAPERS_RATED)),
        interests=_one_line(profile.interests),
    )
    return replace(wishes, profile=tidy)


def subscription(email: str, wishes: Wishes, *, name: str = "", confirmed: bool = False) -> NewSubscriber:
    """Give the subscriber to write. `confirmed`: the operator vouches for consent. Raises ProfileError."""
    if len(name) > _LONGEST_NAME:
        raise ProfileError(f"name has {len(name)} characters", hint=f"at most {_LONGEST_NAME}")
    return NewSubscriber(
        email=email_address(email),
        profile=wishes.profile,
        name=_one_line(name),
        cadence=wishes.cadence,
        timezone=wishes.timezone,
        hour=wishes.hour,
        papers=wishes.papers,
        language=wishes.language,
        quiet=wishes.quiet,
        status=SubscriberStatus.ACTIVE if confirmed else SubscriberStatus.PENDING,
    )


def keeps_cadence(known: Subscriber, wanted: Cadence) -> bool:
    """Tell whether somebody keeps the cadence that they chose by themselves, where an operator's file wants another.

    That a file pauses them is always done, as `store.subscribers.set_by_operator` has it.
    """
    return known.cadence_chosen_at is not None and wanted not in {known.cadence, Cadence.PAUSED}


def weighted_topic(text: str) -> tuple[str, float]:
    """Read `slug` or `slug:weight`. Raises ProfileError."""
    slug, colon, weight = text.strip().partition(":")
    try:
        return slug.strip(), float(weight) if colon else 1.0
    except ValueError as error:
        raise ProfileError(f"{text!r} is no topic", hint="write a slug, or slug:weight as in robotics:2") from error


def paper_name(text: str) -> str:
    """Give the name of a paper from what people paste: an id, a link, a DOI. Raises ProfileError."""
    text = text.strip()
    if number := identity.arxiv_id(text):
        return f"arxiv:{number}"
    if text.startswith("title:") and text != "title:":
        return text
    if name := identity.doi(text):
        return f"doi:{name}"
    raise ProfileError(
        f"{text!r} names no paper", hint="write arxiv:2508.10433, doi:10.…, or a link to arxiv.org or doi.org"
    )


def choice(kind: type[Word], text: str, what: str) -> Word:
    """Read one of a closed set of words. Raises ProfileError listing them."""
    try:
        return kind(text.strip().lower())
    except ValueError as error:
        raise ProfileError(f"{what} is {text!r}", hint=f"it is one of {', '.join(kind)}") from error


def address_hash(email: str, secret: str) -> str:
    """Give the keyed hash by which a suppressed address is known once all else of it is erased."""
    return _keyed_hash("suppression", email.strip().casefold(), secret)


def origin_hash(ip: str, secret: str) -> str:
    """Give the keyed hash of where a visitor comes from; of IPv6 the network, for every device has many addresses."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return _keyed_hash("origin", ip, secret)
    if address.version == 6:
        mapped = address.ipv4_mapped
        place = str(mapped or ipaddress.ip_network((address.packed, 64), strict=False))
        return _keyed_hash("origin", place, secret)
    return _keyed_hash("origin", str(address), secret)


def _keyed_hash(purpose: str, text: str, secret: str) -> str:
    return code(f"newsletter {purpose} 1", text.encode(), secret.encode()).hex()


def _one_line(text: str) -> str:
    """Give text without line ends, control characters and lone surrogates: no mail or database takes those."""
    return " ".join("".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text).split())


def _parted(entries: Iterable[str]) -> Iterator[str]:
    """Give the entries of a list in which several may have been typed as one; in CSV, too, a semicolon parts them."""
    return (part for entry in entries for part in entry.split(";"))


def _tidy(what: str, entries: Iterable[str], most: int = _MOST_ENTRIES) -> tuple[str, ...]:
    tidy = tuple(dict.fromkeys(line for entry in entries if (line := _one_line(entry))))
    if len(tidy) > most:
        raise ProfileError(f"{what} has {len(tidy)} entries", hint=f"at most {most}")
    for entry in tidy:
        if len(entry) > _LONGEST_ENTRY:
            raise ProfileError(f"{what}: {entry[:40]}… has {len(entry)} characters", hint=f"at most {_LONGEST_ENTRY}")
    return tidy


def _check_zone(name: str) -> None:
    if name not in _zones():
        raise ProfileError(f"there is no time zone {name!r}", hint="write it as in Europe/Berlin")


@cache
def _zones() -> frozenset[str]:
    """Give the names of IANA's time zones, which are known wherever this program is.

    A machine's own files know more (`localtime`, `right/…`). One reader who had such a name would stop the schedule for
    all, once it is worked out on a machine that does not.
    """
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split())
