"""`subscribers sync`: the readers of a lab, from a file under version control."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter import bootstrap, catalogue, identity
from newsletter.cli.context import Json, settings
from newsletter.cli.output import print_json, print_table, say
from newsletter.cli.subscribers import KEPT, Confirmed, Overrule, refuse_suppressed
from newsletter.errors import SourceError, UsageError
from newsletter.model import NewSubscriber, PaperRecord
from newsletter.subscriptions import roster

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.store import Store


def sync(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="A [[subscriber]] table for everybody.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is done.")] = False,
    confirmed: Confirmed = False,
    overrule: Overrule = False,
    as_json: Json = False,
) -> None:
    """Bring the subscribers into step with a file: it adds, changes, and pauses those whom it lists no more.

    It rules over those who came by it alone. Who subscribed on the pages, or by another command, is left as they are.
    Who paused, or changed the cadence, by themselves on a page keeps it.
    """
    current = settings(context)
    listed = roster.read(file, catalogue.load(current.topics), confirmed=confirmed)
    with bootstrap.open_store(current, looking=dry_run) as store:
        people = _with_libraries(listed, current, store)
        plan = _plan(people.subscribers, store, overrule=overrule)
        refuse_suppressed(store, bootstrap.secret(current, store), plan.written)
        if not as_json:
            _show(plan)
        doing = bool(plan.written or plan.paused) and not dry_run and (yes or _agreed())
        if doing:
            store.papers.keep(people.collected, now=bootstrap.clock())
            store.subscribers.keep_in_step(plan.written, plan.paused, now=bootstrap.clock(), overrule=overrule)
    if as_json:
        changes = [{"email": one.email, "act": one.act, "said": one.said} for one in plan.changes]
        print_json({"changes": changes, "applied": doing})
    elif plan.written or plan.paused:
        said = f"{len(plan.written)} written, {len(plan.paused)} paused."
        say(said if doing else "Nothing was changed.")


@dataclass(frozen=True, slots=True)
class _People:
    """Everybody whom the file lists, and the papers of their bibliographies, which may not be kept yet."""

    subscribers: Sequence[NewSubscriber]
    collected: Sequence[PaperRecord]


def _with_libraries(listed: Sequence[roster.Listed], current: Settings, store: Store) -> _People:
    """Read what bibliographies people have; their papers are liked. Keeps nothing.

    Raises SourceError, which says whose could not be read.
    """
    shelves = bootstrap.shelves(current, store)
    subscribers, collected = [], []
    for one in listed:
        try:
            known, records = shelves.read(one.library, now=bootstrap.clock())
        except SourceError as error:
            said = f"the library of {one.subscriber.email} cannot be read, and nobody was changed: {error.message}"
            raise SourceError(said, hint=error.hint, permanent=error.permanent) from error
        names = [*known, *(named[0] for record in records if (named := identity.names(record)))]
        profile = one.subscriber.profile
        liked = tuple(dict.fromkeys((*profile.liked, *names)))
        subscribers.append(replace(one.subscriber, profile=replace(profile, liked=liked)))
        collected += records
    return _People(subscribers, collected)


def _plan(listed: Sequence[NewSubscriber], store: Store, *, overrule: bool) -> roster.Plan:
    known = store.subscribers.all()
    profiles = [*(one.profile for one in listed), *(one.profile for one in known)]
    keys = store.papers.keys({name for profile in profiles for name in profile.rated})
    of_file = store.subscribers.of_file()
    return roster.plan(listed, known, of_file, lambda name: keys.get(name, name), overrule=overrule)


def _show(plan: roster.Plan) -> None:
    if plan.changes:
        print_table(("what", "who", "how"), [(one.act, one.email, one.said) for one in plan.changes])
        if any(one.keeps for one in plan.changes):
            say(KEPT)
    else:
        say("The file and the subscribers are in step.")


def _agreed() -> bool:
    """Ask whether to go on; where nobody can be asked, that is wrong usage."""
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to agree to this", hint="give --yes to do it, or --dry-run to look only")
    return typer.confirm("Do this?", err=True)
