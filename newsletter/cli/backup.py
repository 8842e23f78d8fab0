"""`backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newsletter import bootstrap
from newsletter.cli.context import Json, settings
from newsletter.cli.output import print_json, say


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
    """Put a backup into the database that the settings name. Stop `newsletter run` before, and what else uses it."""
    from newsletter.store import Store  # noqa: PLC0415
    from newsletter.store import backup as backups  # noqa: PLC0415

    url = settings(context).database.url
    backups.load(url, file, overwrite=overwrite)
    Store.migrate(url)
    with Store(url) as store:
        say(f"Restored {file}: {store.papers.count()} papers, {len(store.subscribers.all())} subscribers.")
