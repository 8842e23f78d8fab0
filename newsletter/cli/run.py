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
    from newsletter.service import run as serve  # noqa: PLC0415  lazy: `--help` needs none of it

    current = settings(context, steady=True)
    with bootstrap.open_store(current) as store:
        well = serve(current, store, lambda: settings(context, steady=True))
    if not well:
        raise typer.Exit(FAILED)
