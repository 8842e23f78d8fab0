"""`run`: everything in one process."""

from __future__ import annotations

import typer

from newsletter import bootstrap
from newsletter.cli import FAILED
from newsletter.cli.context import settings


def run(context: typer.Context) -> None:
    """Do everything: read the sources, open the issues, mail every reader at their hour, serve the pages.

    SIGTERM and Ctrl-C end it in good order, SIGHUP has the settings read again. It tells systemd how it does.
    """
    from newsletter.config import settings_file  # noqa: PLC0415
    from newsletter.service import run as serve  # noqa: PLC0415  lazy: `--help` needs none of it

    root = context.find_root()
    root.obj = settings_file(root.obj)  # it must be there when it is read again: the defaults would mail into a folder
    current = settings(context, steady=True)
    with bootstrap.open_store(current) as store:
        well = serve(current, store, lambda: settings(context, steady=True))
    if not well:
        raise typer.Exit(FAILED)
