"""`check`: what is wrong or weak with this installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter import bootstrap
from newsletter.cli import FAILED
from newsletter.cli.context import Json
from newsletter.cli.output import print_json, print_table, progress, say

if TYPE_CHECKING:
    from newsletter.checks import Check


def check(
    context: typer.Context,
    *,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Also read every source now, and keep nothing of what it gives.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look for everything that is wrong or weak with this installation, and say what to do. Changes nothing."""
    from newsletter.checks import Status, examine, worst  # noqa: PLC0415  lazy: `--help` needs none of it

    bootstrap.clock()  # a NEWSLETTER_NOW that is no time is wrong usage here as everywhere
    found: list[Check] = []
    with progress("Checking", None) as advance:
        for one in examine(context.find_root().obj, clock=bootstrap.clock, fetch=fetch):
            found.append(one)
            advance(1)
    if as_json:
        listed = [{"name": c.name, "status": c.status, "message": c.message, "hint": c.hint} for c in found]
        print_json({"status": worst(found), "checks": listed})
    else:
        print_table(("status", "what", "found"), _rows(found))
        say(_sentence(found))
    if worst(found) is Status.FAILED:
        raise typer.Exit(FAILED)


def _rows(found: Sequence[Check]) -> Iterator[tuple[str, str, str]]:
    for one in found:
        yield one.status, one.name, one.message
        if one.hint:
            yield "", "", f"→ {one.hint}"


def _sentence(found: Sequence[Check]) -> str:
    failed, weak = (sum(one.status == status for one in found) for status in ("failed", "warning"))
    warnings = f"{weak} warning" if weak == 1 else f"{weak} warnings"
    if failed:
        return f"{failed} failed and {warnings}, of {len(found)} checks."
    return f"Nothing failed; {warnings}, of {len(found)} checks." if weak else f"All is well: {len(found)} checks."
