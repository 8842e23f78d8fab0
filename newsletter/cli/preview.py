"""`preview`: the mail that a subscriber, or a profile, would get, as files to look at, or on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap
from newsletter.cli import FAILED, trial
from newsletter.cli.context import Day, Json, day, settings
from newsletter.cli.output import print_json, progress, say, warn
from newsletter.errors import NewsletterError, UsageError
from newsletter.model import Cadence, Message, Paper, Subscriber, SubscriberStatus
from newsletter.timetable import cadences_of, next_day

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.pipeline import Newsletter, Preview
    from newsletter.preflight import Result
    from newsletter.store import Store


def preview(
    context: typer.Context,
    *,
    subscriber: Annotated[str | None, typer.Option(metavar="EMAIL", help="What this subscriber would get.")] = None,
    profile: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="What a reader with this profile would get.")
    ] = None,
    issue: Day = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write the files.")] = Path("preview"),
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail where a check of the mail fails; ask SpamAssassin too.")
    ] = False,
    check_links: Annotated[
        bool, typer.Option("--check-links", help="Ask every address in the mail whether it is alive.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show it on a page of this machine, by the eyes of any reader.")
    ] = False,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Where that page is; 0 finds a port.")] = 0,
    send_to: Annotated[
        str | None, typer.Option("--send-to", metavar="ADDRESS", help="Send it there, marked as a test, once checked.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write message.eml, message.html, message.txt and picks.json, just as `send` would send them, and check them."""
    if serve:
        if send_to is not None:
            raise UsageError("--send-to needs no page", hint="the page has a button for it")
        _serve(context, subscriber, profile, issue, port)
        return
    if (subscriber is None) == (profile is None):
        raise UsageError("whose mail?", hint="give either --subscriber EMAIL or --profile FILE.toml")
    address = _address(send_to)
    current = settings(context)
    with bootstrap.open_store(current, looking=True) as store, progress("Reading papers", None) as encoded:
        newsletter = bootstrap.newsletter(current, store, progress=encoded)
        newsletter.letterhead.renderer.keep()
        reader, library = _reader(subscriber, profile, current, store)
        document, seen = write(newsletter, reader, day(issue, current), out, library)
    results = _checked(seen.message, current, links=check_links, strict=strict)
    if as_json:
        from newsletter.editor import report  # noqa: PLC0415

        print_json({**document, "checks": report.checks(results)})
    else:
        say(f"{document['subject']}")
        say(
            f"{len(document['picks'])} of {document['considered']} papers; written to {out}/message.html, .txt and .eml"
        )
        for sentence in _unlike_send(document, reader, current):
            say(sentence)
    _tell(results, aloud=not as_json)
    if strict and any(one.level == "failed" for one in results):
        raise typer.Exit(FAILED)
    if address:
        told = trial.sent(newsletter.trial(seen, address, now=bootstrap.clock()), current)
        if not as_json:
            say(told)


def _address(given: str | None) -> str:
    """Give the address to send to, '' for none. Raises ProfileError where it is no address."""
    from newsletter.subscriptions.signup import email_address  # noqa: PLC0415

    return "" if given is None else email_address(given)


def _reader(
    subscriber: str | None, profile: Path | None, current: Settings, store: Store
) -> tuple[Subscriber, Mapping[str, Paper]]:
    if subscriber is not None:
        return store.subscribers.get(subscriber), {}
    from newsletter.editor import readers  # noqa: PLC0415

    assert profile is not None, "one of the two options was given"  # noqa: S101
    return readers.of_file(profile, current, store, bootstrap.shelves(current, store))


def _checked(message: Message, current: Settings, *, links: bool, strict: bool) -> list[Result]:
    from newsletter import preflight  # noqa: PLC0415  lazy: lxml
    from newsletter.preflight.alive import alive  # noqa: PLC0415

    ask = partial(alive, allow_private=current.fetching.allow_private) if links else None
    return preflight.inspect(message, ask=ask, spamassassin=preflight.program() if strict else None)


def _tell(results: Sequence[Result], *, aloud: bool) -> None:
    """Say what checks found on standard error, and that they found nothing on standard output."""
    wrong = [one for one in results if one.level != "ok"]
    for one in wrong:
        warn(f"{one.check} ({one.level}): {one.what}, in {one.where}: {one.cure}")
    if aloud and not wrong:
        say(f"{len(results)} checks found nothing to mend")


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
) -> tuple[dict[str, Any], Preview]:
    """Write one reader's preview into a folder; give what `picks.json` holds, and what it was made of.

    `library` has the papers of the reader's bibliographies.
    """
    from newsletter.editor import report  # noqa: PLC0415

    now = bootstrap.clock()
    seen = newsletter.preview(reader, wanted, now=now, library=library or {})
    document, message = report.document(seen), seen.message
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "message.eml").write_bytes(message.data)
        (folder / "message.html").write_text(message.html, encoding="utf-8")
        (folder / "message.txt").write_text(message.text, encoding="utf-8")
        _write_json(folder / "picks.json", document)
    except OSError as error:
        raise NewsletterError(f"cannot write the preview to {folder}: {error}", hint="choose another --out") from error
    return document, seen


def _write_json(path: Path, document: dict[str, Any]) -> None:
    import json  # noqa: PLC0415

    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _serve(context: typer.Context, subscriber: str | None, profile: Path | None, issue: str | None, port: int) -> None:
    from newsletter.editor import desk, server  # noqa: PLC0415  lazy: the web framework takes half a second

    current = settings(context)
    with bootstrap.open_store(current) as store:  # not one in memory: the page's threads would each have their own
        asked = desk.Asked(
            day=day(issue, current).isoformat() if issue else "",
            eyes=f"reader:{subscriber}" if subscriber else "file" if profile else "",
        )
        server.serve(desk.Desk(current, store, profile=profile), asked, port, say)
