"""Subscribers as CSV: a line each, lists joined by semicolons, for `subscribers import` and `export`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from newsletter.errors import ProfileError
from newsletter.model import Cadence, InterestProfile, NewSubscriber, Subscriber, Topic
from newsletter.subscriptions.signup import Wishes, checked, choice, subscription, weighted_topic

COLUMNS = (
    "email", "name", "topics", "keywords", "muted", "authors", "liked",
    "cadence", "timezone", "hour", "papers", "language", "status",
)  # fmt: skip


def read(path: Path, topics: Mapping[str, Topic], *, confirmed: bool) -> list[NewSubscriber]:
    """Read all subscribers of a file; nothing of it is used where one line is wrong.

    `status` becomes active only where `confirmed` says that the operator vouches for consent. Raises ProfileError
    naming the file, line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(f"cannot read {path}: {error}", hint="it must be CSV in UTF-8") from error
    if not rows:
        raise ProfileError(f"{path} holds no subscriber", hint=f"the first line names the columns: {','.join(COLUMNS)}")
    if unknown := [str(name) for name in rows[0] if name not in COLUMNS]:
        raise ProfileError(f"{path} has unknown columns: {', '.join(unknown)}", hint=f"known are {','.join(COLUMNS)}")
    return list(_subscribers(rows, path, topics, confirmed=confirmed))


def write(subscribers: Iterable[Subscriber]) -> str:
    """Give subscribers as CSV, such as `read` takes."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for subscriber in subscribers:
        profile = subscriber.profile
        writer.writerow(
            {
                "email": subscriber.email,
                "name": subscriber.name,
                "topics": ";".join(slug if weight == 1 else f"{slug}:{weight:g}" for slug, weight in profile.topics),
                "keywords": ";".join(profile.keywords),
                "muted": ";".join(profile.muted),
                "authors": ";".join(profile.authors),
                "liked": ";".join(profile.liked),
                "cadence": subscriber.cadence.value,
                "timezone": subscriber.timezone,
                "hour": subscriber.hour,
                "papers": subscriber.papers,
                "language": subscriber.language,
                "status": subscriber.status.value,
            }
        )
    return out.getvalue()


def _subscribers(
    rows: Iterable[Mapping[str, str]], path: Path, topics: Mapping[str, Topic], *, confirmed: bool
) -> Iterator[NewSubscriber]:
    for number, row in enumerate(rows, 2):
        try:
            wishes = checked(_wishes(row), topics)
            active = confirmed and row.get("status", "").strip().lower() in {"active", ""}
            yield subscription(row.get("email", ""), wishes, name=row.get("name", ""), confirmed=active)
        except ProfileError as error:
            raise ProfileError(f"{path}, line {number}: {error.message}", hint=error.hint) from error


def _wishes(row: Mapping[str, str]) -> Wishes:
    if None in row or None in row.values():
        raise ProfileError("it has another number of columns than the first line")

    def entries(name: str) -> tuple[str, ...]:
        return tuple(entry for entry in row.get(name, "").split(";") if entry.strip())

    def number(name: str, default: int) -> int:
        text = row.get(name, "").strip()
        if text and not text.isdecimal():
            raise ProfileError(f"{name} is {text!r}, not a whole number")
        return int(text) if text else default

    profile = InterestProfile(
        topics=tuple(weighted_topic(text) for text in entries("topics")),
        keywords=entries("keywords"),
        muted=entries("muted"),
        authors=entries("authors"),
        liked=entries("liked"),
    )
    return Wishes(
        profile,
        papers=number("papers", 10),
        hour=number("hour", 7),
        cadence=choice(Cadence, row.get("cadence", "") or Cadence.DAILY, "cadence"),
        timezone=row.get("timezone", "").strip() or "UTC",
        language=row.get("language", "").strip() or "en",
    )
