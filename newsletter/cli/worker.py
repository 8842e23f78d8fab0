"""`worker`: one of any number of processes that share the work of an installation."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter import bootstrap
from newsletter.cli.context import settings
from newsletter.cli.output import warn
from newsletter.errors import UsageError
from newsletter.model import Queue


def worker(
    context: typer.Context,
    *,
    concurrency: Annotated[int, typer.Option(metavar="N", min=1, help="Jobs at a time.")] = 1,
    queue: Annotated[
        list[Queue] | None,
        typer.Option(
            metavar="KIND", help="Do jobs of this kind only: schedule, papers, ranking, delivery. May be repeated."
        ),
    ] = None,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when there is nothing to do.")] = False,
) -> None:
    """Do the jobs of an installation on PostgreSQL, beside any number of other workers, until it is stopped."""
    try:
        from newsletter import cluster  # noqa: PLC0415  lazy: few need it
    except ImportError as error:
        raise UsageError(
            f"a package of the cluster is missing: {error}", hint="pip install 'newsletter[cluster]'"
        ) from error

    current = settings(context)
    if not current.cluster.enabled:
        raise UsageError(
            "cluster.enabled is false, so nobody hands issues to workers", hint="set `enabled = true` under [cluster]"
        )
    with bootstrap.open_store(current) as store:
        cluster.work(current, store, concurrency=concurrency, queues=queue or (), until_empty=until_empty, say=warn)
