"""`preview`: the mail that a subscriber, or a profile, would get, as files to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap, catalogue
from newsletter.abstracts import usable
from newsletter.cli.context import Day, Json, day, settings
from newsletter.cli.output import print_json, progress, say
from newsletter.errors import NewsletterError, NotFoundError, UsageError
from newsletter.model import Cadence, Edition, Message, Paper, Section, Subscriber, SubscriberStatus
from newsletter.timetable import cadences_of, next_day

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.pipeline import Newsletter
    from newsletter.store import Store
    from newsletter.subscriptions.signup import Wishes

READER = "reader@newsletter.example.org"


def preview(
    context: typer.Context,
    *,
    subscriber: Annotated[str | None, typer.Option(metavar="EMAIL", help="What this subscriber would get.")] = None,
    profile: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="What a reader with this profile would get.")
    ] = None,
    issue: Day = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write the files.")] = Path("preview"),
    as_json: Json = False,
) -> None:
    """Write message.eml, message.html, message.txt and picks.json, just as `send` would send them."""
    if (subscriber is None) == (profile is None):
        raise UsageError("whose mail?", hint="give either --subscriber EMAIL or --profile FILE.toml")
    current = settings(context)
    with bootstrap.open_store(current, looking=True) as store, progress("Reading papers", None) as encoded:
        newsletter = bootstrap.newsletter(current, store, progress=encoded)
        library: Mapping[str, Paper] = {}
        if subscriber:
            reader = store.subscribers.get(subscriber)
        else:
            reader, library = _reader(profile, current, store)
        document = write(newsletter, reader, day(issue, current), out, library)
    if as_json:
        print_json(document)
    else:
        say(f"{document['subject']}")
        say(
            f"{len(document['picks'])} of {document['considered']} papers; written to {out}/message.html, .txt and .eml"
        )
        for sentence in _unlike_send(document, reader, current):
            say(sentence)


def _unlike_send(document: dict[str, Any], reader: Subscriber, current: Settings) -> Iterator[str]:
    """Say why `send` would not send what was shown."""
    on = date.fromisoformat(document["issue"])
    if not document["picks"]:
        none = "are no new papers" if not document["considered"] else "is nothing for them"
        yield f"There {none} in the issue of {on}: `send` would send nothing. --issue DATE shows another."
    if reader.status is not SubscriberStatus.ACTIVE:
        yield f"They are {reader.status}, so `send` would send them nothing."
    if reader.cadence is Cadence.PAUSED:
        yield "Their subscription is paused, so `send` would send them nothing."
    elif reader.cadence not in cadences_of(on, weekly_on=current.schedule.weekly_on):
        due = next_day(reader.cadence, on, weekly_on=current.schedule.weekly_on)
        yield f"This is what is there so far: their next {reader.cadence} issue is due on {due}."


def write(
    newsletter: Newsletter, reader: Subscriber, wanted: date, folder: Path, library: Mapping[str, Paper] | None = None
) -> dict[str, Any]:
    """Write one reader's preview into a folder; give what `picks.json` holds.

    `library` has the papers of the reader's bibliographies.
    """
    now = bootstrap.clock()
    edition, message, papers = newsletter.preview(reader, wanted, now=now, library=library or {})
    considered = newsletter.store.papers.count(edition.issue.window)
    document = {"considered": considered, **_document(edition, message, papers)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "message.eml").write_bytes(message.data)
        (folder / "message.html").write_text(message.html, encoding="utf-8")
        (folder / "message.txt").write_text(message.text, encoding="utf-8")
        _write_json(folder / "picks.json", document)
    except OSError as error:
        raise NewsletterError(f"cannot write the preview to {folder}: {error}", hint="choose another --out") from error
    return document


def _write_json(path: Path, document: dict[str, Any]) -> None:
    import json  # noqa: PLC0415

    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _reader(profile: Path | None, current: Settings, store: Store) -> tuple[Subscriber, Mapping[str, Paper]]:
    """Give a reader with a profile of a file, and the papers of their bibliographies."""
    from newsletter import libraries  # noqa: PLC0415
    from newsletter.config import SourceKind  # noqa: PLC0415
    from newsletter.subscriptions import profile_file  # noqa: PLC0415

    assert profile is not None, "one of the two options was given"  # noqa: S101
    wishes = profile_file.read(profile, catalogue.load(current.topics))
    named = wishes.profile.rated
    known = store.papers.keys(named)
    if unknown := [name for name in named if name not in known]:
        raise NotFoundError(
            f"the profile {profile} names unknown papers: {', '.join(unknown)}",
            hint='`newsletter ingest` a file that has them, or name a bibliography: library = ["papers.bib"]',
        )
    listed, sources = bootstrap.library(current, store, wishes.library, SourceKind.AUTO)
    now = bootstrap.clock()
    papers = libraries.unkept(store, libraries.read(sources, now=now), now=now)
    liked = tuple(dict.fromkeys((*wishes.profile.liked, *listed, *papers)))
    return reader_of(replace(wishes, profile=replace(wishes.profile, liked=liked))), papers


def reader_of(wishes: Wishes) -> Subscriber:
    """Give a subscriber who is not stored: key 0, and a public id that no link of whom leads anywhere."""
    return Subscriber(
        key=0,
        public_id="preview",
        email=READER,
        name="",
        status=SubscriberStatus.ACTIVE,
        profile=wishes.profile,
        cadence=wishes.cadence,
        timezone=wishes.timezone,
        hour=wishes.hour,
        papers=wishes.papers,
        language=wishes.language,
        quiet=wishes.quiet,
        created_at=bootstrap.clock(),
    )


def _document(edition: Edition, message: Message, papers: dict[int, Paper]) -> dict[str, Any]:
    return {
        "issue": edition.issue.day.isoformat(),
        "cadence": edition.issue.cadence.value,
        "subscriber": edition.subscriber.email,
        "subject": message.subject,
        "picks": [
            {
                "id": papers[pick.paper_key].id,
                "title": papers[pick.paper_key].title,
                "abstract": usable(papers[pick.paper_key]),
                "rank": pick.rank,
                "section": Section(pick.section).value,
                "score": pick.score,
                "reasons": [{"kind": reason.kind.value, "matched": reason.matched} for reason in pick.reasons],
            }
            for pick in edition.picks
        ],
    }
