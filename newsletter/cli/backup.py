"""`backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter import bootstrap
from newsletter.cli.context import Json, settings
from newsletter.cli.output import print_json, say
from newsletter.model import Issue, IssueState

if TYPE_CHECKING:
    from newsletter.store import Store


def backup(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to write it; a name with the time by default.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Write a backup of the database while everything goes on, and verify it.

    It holds all but the settings file: keep that, and whatever it names, in a safe place too.
    """
    from newsletter.store import backup as backups  # noqa: PLC0415

    url = settings(context).database.url
    path = file or Path(f"newsletter-{bootstrap.clock():%Y%m%d-%H%M%S}.backup")
    size = backups.save(url, path)
    if as_json:
        print_json({"file": str(path), "bytes": size})
    else:
        say(f"Wrote {path}, {size / 1e6:.1f} MB, and verified it.")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what the database holds; all of that is lost.")
    ] = False,
) -> None:
    """Put a backup into the database that the settings name. Stop `newsletter run` before, and what else uses it.

    What waited to be sent when it was made may have been sent since: such issues are paused.
    """
    from newsletter.store import Store  # noqa: PLC0415
    from newsletter.store import backup as backups  # noqa: PLC0415

    url = settings(context).database.url
    backups.load(url, file, overwrite=overwrite)
    Store.migrate(url)
    with Store(url) as store:
        say(f"Restored {file}: {store.papers.count()} papers, {len(store.subscribers.all())} subscribers.")
        for issue in _held(store):
            say(
                f"Of the {issue.cadence} issue of {issue.day} some messages waited when the backup was made. They may "
                f"have been sent since, so it is paused; `newsletter issue resume {issue.day}` sends them."
            )
        say(
            "Who was mailed, left or bounced after the backup was made is not known. Where an issue went out since, "
            "schedule.blackout keeps its day from being sent again."
        )


def _held(store: Store) -> list[Issue]:
    """Pause the issues of which something waits, and give them."""
    waiting = [one for one in store.issues.all() if one.state is IssueState.OPEN and store.deliveries.any_left(one.key)]
    for issue in waiting:
        store.issues.set_state(issue, IssueState.PAUSED)
    return waiting
