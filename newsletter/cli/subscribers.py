"""`subscribers`: who gets the newsletter, by hand or by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap, catalogue
from newsletter.cli.context import Format, Json, settings
from newsletter.cli.output import print_json, print_table, say
from newsletter.errors import NotFoundError, StoreError, UsageError
from newsletter.model import Cadence, InterestProfile, NewSubscriber, QuietDay, Subscriber, SubscriberStatus
from newsletter.subscriptions import csv_file, profile_file, signup
from newsletter.subscriptions.document import document

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.store import Store

app = typer.Typer(
    help="Add, list, show, import, export, sync and forget subscribers; read their libraries.", no_args_is_help=True
)
Confirmed = Annotated[bool, typer.Option("--confirmed", help="You vouch that they asked for it: active at once.")]
Overrule = Annotated[
    bool,
    typer.Option(
        "--overrule", help="Mail also those as often as the file says who paused, or chose otherwise, by themselves."
    ),
]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The subscriber's address.")]
Strings = list[str] | None
_NAMED = 10
KEPT = "--overrule mails them as often as the file says; do that only if they agree."


@app.command()
def add(
    context: typer.Context,
    email: Email,
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="Stands beside the address in the mail.")] = "",
    topic: Annotated[
        Strings, typer.Option(metavar="SLUG", help="A topic, or slug:weight; see `newsletter topics`. May be repeated.")
    ] = None,
    keyword: Annotated[Strings, typer.Option(metavar="WORDS", help="A word or phrase. May be repeated.")] = None,
    mute: Annotated[
        Strings, typer.Option(metavar="WORDS", help="Never show papers with this word or phrase. May be repeated.")
    ] = None,
    author: Annotated[Strings, typer.Option(metavar="NAME", help="An author to follow. May be repeated.")] = None,
    like: Annotated[
        Strings, typer.Option(metavar="PAPER_ID", help="A paper they want more like; an id or a link. May be repeated.")
    ] = None,
    dislike: Annotated[
        Strings, typer.Option(metavar="PAPER_ID", help="A paper they want none like. May be repeated.")
    ] = None,
    library: Annotated[
        Strings,
        typer.Option(
            metavar="FILE",
            help="A bibliography, or list of ids, of papers they like: a file or an address, of Zotero's too. "
            "May be repeated.",
        ),
    ] = None,
    interests: Annotated[
        str, typer.Option(metavar="TEXT", help="What they want to read about, in their own words.")
    ] = "",
    cadence: Annotated[Cadence, typer.Option(help="How often.")] = Cadence.DAILY,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Their time zone, as in Europe/Berlin.")] = "UTC",
    hour: Annotated[int, typer.Option(metavar="HOUR", help="When to mail them: 0 to 23, in their time zone.")] = 7,
    papers: Annotated[int, typer.Option(metavar="N", help="How many papers a mail recommends, 1 to 50.")] = 10,
    language: Annotated[str, typer.Option(metavar="TAG", help="Their language (BCP 47), as in en or pt-BR.")] = "en",
    quiet: Annotated[
        QuietDay, typer.Option(help="When nothing speaks to their interests: a note, silence, or what they missed.")
    ] = QuietDay.NOTE,
    confirmed: Confirmed = False,
    as_json: Json = False,
) -> None:
    """Add a subscriber with an interest profile; without --confirmed they stay pending, and are mailed nothing."""
    current = settings(context)
    profile = InterestProfile(
        topics=tuple(signup.weighted_topic(text) for text in topic or ()),
        keywords=tuple(keyword or ()),
        muted=tuple(mute or ()),
        authors=tuple(author or ()),
        liked=tuple(like or ()),
        disliked=tuple(dislike or ()),
        interests=interests,
    )
    wishes = signup.checked(
        signup.Wishes(profile, papers, cadence, timezone, hour, language, quiet=quiet), catalogue.load(current.topics)
    )
    new = signup.subscription(email, wishes, name=name, confirmed=confirmed)
    with bootstrap.open_store(current) as store:
        refuse_suppressed(store, bootstrap.secret(current, store), [new])
        names = _library(current, store, library or [], "auto")
        added = store.subscribers.add(new, now=bootstrap.clock())
        if names:
            store.subscribers.like(added.email, names, now=bootstrap.clock())
            added = store.subscribers.get(added.email)
    if as_json:
        print_json(document(added))
    else:
        say(f"{added.email} is {added.status}; {added.cadence} at {added.hour}:00 {added.timezone}.")
        if added.status is SubscriberStatus.PENDING:
            say("They are mailed nothing until they confirm; --confirmed says that they have asked for it.")
        if added.profile == InterestProfile():
            say(
                "Their profile is empty, so they get what is new and popular; `newsletter topics` lists what to choose."
            )


@app.command(name="library")
def library_(
    context: typer.Context,
    email: Email,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="BibTeX, RIS, CSL-JSON, JSONL, CSV …, or a list of ids: a file or an address, of Zotero's too.",
        ),
    ],
    *,
    kind: Annotated[Format, typer.Option("--format", help="What the files hold; auto looks.")] = "auto",
    as_json: Json = False,
) -> None:
    """Take the papers of a bibliography, or of a list of arXiv ids and DOIs, as ones that a subscriber likes."""
    current = settings(context)
    with bootstrap.open_store(current) as store:
        store.subscribers.get(email)  # before anything is looked up
        names = _library(current, store, files, kind)
        added = store.subscribers.like(email, names, now=bootstrap.clock())
        liked = len(store.subscribers.get(email).profile.liked)
    if as_json:
        print_json({"email": email, "read": len(names), "added": added, "liked": liked})
        return
    said = f"{len(names)} papers read" if len(names) != 1 else "1 paper read"
    say(f"{said}, {added} of them new to the profile of {email}, who now likes {liked}.")


@app.command()
def answer(
    context: typer.Context,
    email: Email,
    *,
    more: Annotated[
        Strings, typer.Option("--more", metavar="PAPER_ID", help="More like this. May be repeated.")
    ] = None,
    less: Annotated[Strings, typer.Option("--less", metavar="PAPER_ID", help="Not for me. May be repeated.")] = None,
) -> None:
    """Take a subscriber's answers to papers they were shown; unlike named papers, answers fade with time."""
    said = {signup.paper_name(name): False for name in less or ()} | {
        signup.paper_name(name): True for name in more or ()
    }
    if not said:
        raise UsageError("no paper is named", hint="give --more PAPER_ID or --less PAPER_ID")
    with bootstrap.open_store(settings(context)) as store:
        store.subscribers.answer(email, said, now=bootstrap.clock())
    say(f"The next issue for {email} minds {len(said)} answer{'' if len(said) == 1 else 's'}.")


def _library(current: Settings, store: Store, files: Sequence[str], kind: Format) -> list[str]:
    """Keep the papers of readers' files and addresses, and give their names. All are read before anything is kept."""
    from newsletter import libraries  # noqa: PLC0415
    from newsletter.config import SourceKind  # noqa: PLC0415

    if not files:
        return []
    now = bootstrap.clock()
    places = [profile_file.bibliography(each, Path()) for each in files]
    known, sources = bootstrap.library(current, store, places, SourceKind(kind))
    return libraries.keep(store, known, sources, now=now)


@app.command(name="list")
def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """List all subscribers."""
    with bootstrap.open_store(settings(context), looking=True) as store:
        everyone = store.subscribers.all()
    if as_json:
        print_json([document(one) for one in everyone])
        return
    if not everyone:
        say("Nobody is subscribed yet; `newsletter subscribers add EMAIL --topic SLUG` adds one.")
        return
    columns = ("email", "status", "cadence", "at", "topics", "keywords", "liked")
    print_table(columns, [_row(one) for one in everyone])


@app.command()
def show(context: typer.Context, email: Email, *, as_json: Json = False) -> None:
    """Show one subscriber with their interest profile."""
    with bootstrap.open_store(settings(context), looking=True) as store:
        shown = document(store.subscribers.get(email))
    if as_json:
        print_json(shown)
        return
    profile = shown.pop("profile")
    rows = [*shown.items(), *profile.items()]
    print_table(("field", "value"), [(name, _words(value)) for name, value in rows])


@app.command(name="import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="What `export` prints, or columns of it.")],
    *,
    confirmed: Confirmed = False,
    overrule: Overrule = False,
) -> None:
    """Add or change subscribers from a CSV file: all of them, or none where one line is wrong.

    Of who is subscribed already, what the file has no column for stays as it is. Who paused, or changed the cadence, by
    themselves on a page keeps it.
    """
    current = settings(context)
    read = csv_file.read(file, catalogue.load(current.topics), confirmed=confirmed)
    with bootstrap.open_store(current) as store:
        known = {one.email.casefold(): one for one in store.subscribers.all()}
        new = read.of(known)
        refuse_suppressed(store, bootstrap.secret(current, store), new)
        store.subscribers.replace(new, now=bootstrap.clock(), overrule=overrule)
    active = sum(one.status is SubscriberStatus.ACTIVE for one in new)
    say(f"{len(new)} {'subscriber' if len(new) == 1 else 'subscribers'} read from {file}, {active} of them active.")
    if active < len(new):
        say("The others are mailed nothing until they confirm; --confirmed says that they have asked for it.")
    if not overrule and (kept := [f"{one.email} ({one.cadence})" for one in _keeping(new, known)]):
        more = f" and {len(kept) - _NAMED} more" if len(kept) > _NAMED else ""
        say(f"Mailed as often as they chose by themselves: {', '.join(kept[:_NAMED])}{more}.")
        say(KEPT)


@app.command()
def export(context: typer.Context) -> None:
    """Print all subscribers as CSV, such as `import` reads."""
    with bootstrap.open_store(settings(context), looking=True) as store:
        say(csv_file.write(store.subscribers.all()).rstrip("\n"))


@app.command()
def forget(context: typer.Context, email: Email) -> None:
    """Erase all that is kept of an address, and never mail it again."""
    current = settings(context)
    with bootstrap.open_store(current) as store:
        one, now = store.subscribers.get(email), bootstrap.clock()
        hashed = signup.address_hash(one.email, bootstrap.secret(current, store))
        store.subscribers.forget(one.email, address_hash=hashed, now=now)
        store.webhooks.happened("subscriber.erased", {"id": one.public_id}, now=now)
    say(f"{email} is forgotten. Only a keyed hash is kept, so that the address is not mailed again.")


@app.command()
def lift(
    context: typer.Context,
    email: Email,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it may be mailed again; it is kept.")],
) -> None:
    """Let an address be mailed again that bounced, complained or was forgotten, because something has changed since.

    Who was forgotten is no subscriber any more: after this they can be added anew, or sign up.
    """
    current = settings(context)
    if not reason.strip():
        raise UsageError("a suppression is not lifted without a reason", hint="--reason 'their mailbox works again'")
    with bootstrap.open_store(current) as store:
        hashed = signup.address_hash(email, bootstrap.secret(current, store))
        was = store.bounces.lift(email, address_hash=hashed, reason=reason.strip(), now=bootstrap.clock())
    if was is None:
        raise NotFoundError(
            f"{email} is not suppressed", hint="`newsletter subscribers show EMAIL` tells how they stand"
        )
    say(f"{email} may be mailed again; it was suppressed for: {was}.")


def refuse_suppressed(store: Store, secret: str, new: Sequence[NewSubscriber]) -> None:
    """Raise StoreError where somebody would be mailed who is never to be mailed again."""
    mailed = (one for one in new if one.status in {SubscriberStatus.PENDING, SubscriberStatus.ACTIVE})
    hashes = {signup.address_hash(one.email, secret): one.email for one in mailed}
    suppressed = store.subscribers.suppressed(hashes)
    if suppressed:
        named = ", ".join(f"{hashes[key]} ({reason})" for key, reason in suppressed.items())
        raise StoreError(f"never to be mailed again: {named}", hint="their data was erased, or mail to them came back")


def _keeping(read: Sequence[NewSubscriber], known: Mapping[str, Subscriber]) -> list[Subscriber]:
    """Give those who keep a cadence of their own choice against what was read."""
    pairs = ((known.get(one.email.casefold()), one.cadence) for one in read)
    return [before for before, wanted in pairs if before and signup.keeps_cadence(before, wanted)]


def _row(one: Subscriber) -> tuple[str, ...]:
    profile = one.profile
    topics = ", ".join(slug for slug, _ in profile.topics)
    at = f"{one.hour}:00 {one.timezone}"
    return one.email, one.status, one.cadence, at, topics, ", ".join(profile.keywords), str(len(profile.liked))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(slug if weight == 1 else f"{slug} ×{weight:g}" for slug, weight in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(one if isinstance(one, str) else _answer(one) for one in value)
    return "" if value is None else str(value)


def _answer(one: dict[str, Any]) -> str:
    return f"{'more like' if one['liked'] else 'none like'} {one['paper']}"
