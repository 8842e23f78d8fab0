"""Subscribers as CSV: a line each, lists joined by semicolons, for `subscribers import` and `export`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from newsletter.errors import ProfileError, in_words
from newsletter.model import Cadence, InterestProfile, NewSubscriber, Subscriber, SubscriberStatus, Topic
from newsletter.subscriptions.signup import CHOSEN, OF_PROFILE, Wishes, checked, choice, subscription, weighted_topic

COLUMNS = (
    "email", "name", "topics", "keywords", "muted", "authors", "liked",
    "cadence", "timezone", "hour", "papers", "language", "status",
)  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,9}")
_GONE = frozenset({SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.SUPPRESSED})
# A DOI may hold a semicolon, which would part it from itself; no name of a paper holds this.
_SEMICOLON = "%3B"
# What a spreadsheet would take for a formula; readers' own words reach the operator's screen by this file. An
# apostrophe before it makes it text (OWASP, "CSV Injection"); also inside of lists, as some spreadsheets part there.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says: a subscriber a line, and the columns it has; of the others it says nothing."""

    columns: frozenset[str]
    subscribers: tuple[NewSubscriber, ...]

    def of(self, known: Mapping[str, Subscriber]) -> list[NewSubscriber]:
        """Give what to write, where some are `known` already, by folded address.

        What the file has no column for stays as they have it. Who is active stays so, and who left does not come back
        by a file.
        """
        return [self._changed(known.get(one.email.casefold()), one) for one in self.subscribers]

    def _changed(self, known: Subscriber | None, read: NewSubscriber) -> NewSubscriber:
        if known is None:
            return read
        profile = replace(read.profile, **self._untold(known.profile, OF_PROFILE))
        status = read.status if known.status is SubscriberStatus.PENDING else known.status
        return replace(read, profile=profile, status=status, **self._untold(known, CHOSEN))

    def _untold(self, known: object, fields: Iterable[str]) -> dict[str, Any]:
        return {name: getattr(known, name) for name in fields if name not in self.columns}


def read(path: Path, topics: Mapping[str, Topic], *, confirmed: bool) -> Table:
    """Read all subscribers of a file; nothing of it is used where one line is wrong.

    `status` becomes active only where `confirmed` says that the operator vouches for consent. Raises ProfileError
    naming the file, line and column.
    """
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        columns = list(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(
            f"cannot read {path}: {in_words(error)}",
            hint="" if isinstance(error, OSError) else "it must be CSV in UTF-8",
        ) from error
    _check_columns(path, columns)
    if not rows:
        raise ProfileError(f"{path} holds no subscriber", hint=f"the first line names the columns: {','.join(COLUMNS)}")
    return Table(frozenset(columns), tuple(_subscribers(rows, path, topics, confirmed=confirmed)))


def write(subscribers: Iterable[Subscriber]) -> str:
    """Give subscribers as CSV, such as `read` takes."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for subscriber in subscribers:
        profile = subscriber.profile
        writer.writerow(
            {
                "email": _guarded(subscriber.email),
                "name": _guarded(subscriber.name),
                "topics": ";".join(_topic(slug, weight) for slug, weight in profile.topics),
                "keywords": ";".join(map(_guarded, profile.keywords)),
                "muted": ";".join(map(_guarded, profile.muted)),
                "authors": ";".join(map(_guarded, profile.authors)),
                "liked": ";".join(_guarded(name.replace(";", _SEMICOLON)) for name in profile.liked),
                "cadence": subscriber.cadence.value,
                "timezone": subscriber.timezone,
                "hour": subscriber.hour,
                "papers": subscriber.papers,
                "language": subscriber.language,
                "status": subscriber.status.value,
            }
        )
    return out.getvalue()


def _guarded(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _unguarded(text: str) -> str:
    return text[1:] if _GUARDED.match(text) else text


def _topic(slug: str, weight: float) -> str:
    return slug if weight == 1 else f"{slug}:{str(weight).removesuffix('.0')}"


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    hint = f"known are {','.join(COLUMNS)}"
    if unknown := [repr(name) for name in columns if name not in COLUMNS]:
        raise ProfileError(f"{path} has unknown columns: {', '.join(unknown)}", hint=hint)
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise ProfileError(f"{path} has columns twice: {', '.join(twice)}", hint=hint)
    if columns and "email" not in columns:
        raise ProfileError(f"{path} has no column email", hint=hint)


def _subscribers(
    rows: Iterable[tuple[int, Mapping[str, str]]], path: Path, topics: Mapping[str, Topic], *, confirmed: bool
) -> Iterator[NewSubscriber]:
    for number, row in rows:
        try:
            wishes = checked(_wishes(row), topics)
            status = choice(SubscriberStatus, row.get("status", "").strip() or SubscriberStatus.ACTIVE, "status")
            active = confirmed and status is SubscriberStatus.ACTIVE
            email, name = (_unguarded(row.get(column, "")) for column in ("email", "name"))
            read = subscription(email, wishes, name=name, confirmed=active)
            # Who has left, or must not be mailed, comes back by no file.
            yield replace(read, status=status) if status in _GONE else read
        except ProfileError as error:
            raise ProfileError(f"{path}, line {number}: {error.message}", hint=error.hint) from error


def _wishes(row: Mapping[str, str]) -> Wishes:
    if None in row or None in row.values():
        raise ProfileError("it has another number of columns than the first line")

    def entries(name: str) -> tuple[str, ...]:
        return tuple(_unguarded(entry) for entry in row.get(name, "").split(";") if entry.strip())

    def number(name: str, default: int) -> int:
        text = row.get(name, "").strip()
        if text and not _NUMBER.fullmatch(text):
            raise ProfileError(f"{name} is {text!r}, not a whole number")
        return int(text) if text else default

    profile = InterestProfile(
        topics=tuple(weighted_topic(text) for text in entries("topics")),
        keywords=entries("keywords"),
        muted=entries("muted"),
        authors=entries("authors"),
        liked=tuple(name.replace(_SEMICOLON, ";") for name in entries("liked")),
    )
    return Wishes(
        profile,
        papers=number("papers", 10),
        hour=number("hour", 7),
        cadence=choice(Cadence, row.get("cadence", "").strip() or Cadence.DAILY, "cadence"),
        timezone=row.get("timezone", "").strip() or "UTC",
        language=row.get("language", "").strip() or "en",
    )
