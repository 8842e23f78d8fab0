"""`serve`: the web pages."""

from __future__ import annotations

import typer

from newsletter import bootstrap
from newsletter.cli.context import settings
from newsletter.cli.output import warn


def serve(context: typer.Context) -> None:
    """Serve the web pages that the mails link to, on web.host and web.port, until it is stopped."""
    from newsletter.web.server import serve as run  # noqa: PLC0415  lazy: the web framework takes half a second

    current = settings(context, steady=True)
    with bootstrap.open_store(current) as store:
        run(current, store, lambda address: warn(f"the pages of {current.site.url} are served on {address}"))
