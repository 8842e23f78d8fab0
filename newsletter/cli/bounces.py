"""`bounces`: mails that came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap
from newsletter.cli import FAILED
from newsletter.cli.context import Json, settings
from newsletter.cli.output import messages, print_json, print_table, say, warn
from newsletter.errors import MailboxError

if TYPE_CHECKING:
    from newsletter.returns import Returns, Taken

_SAID = {
    "suppressed": "suppressed their address",
    "counted": "counted as a soft bounce",
    "noted": "noted",
    "known": "known already",
    "unknown": "about no delivery of ours, so without effect",
    "none": "neither bounce nor complaint",
}


def bounces(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Mails: files, Maildir folders, mbox files; - for one on standard input."
        ),
    ],
    *,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete each bounce once it is stored. All other mail stays.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what the mails are, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Read mail that came back: bounces mark their deliveries, hard ones and complaints suppress their addresses.

    Only what carries this installation's own signature has an effect; anybody can write a bounce.
    """
    current = settings(context)
    rows: list[dict[str, Any]] = []
    failed = False
    with bootstrap.open_store(current, looking=dry_run) as store:
        returns = bootstrap.returns(current, store)
        for path in files:
            try:
                rows.extend(_taken(returns, path, delete=delete and not dry_run, dry_run=dry_run))
            except MailboxError as error:
                failed = True
                warn(str(error))
    if as_json:
        print_json(rows)
    else:
        _tell(rows, dry_run=dry_run)
    if failed:
        raise typer.Exit(FAILED)


def _taken(returns: Returns, path: Path, *, delete: bool, dry_run: bool) -> Iterable[dict[str, Any]]:
    from newsletter.delivery import mailbox  # noqa: PLC0415  lazy: the standard library's takes 20 ms

    with mailbox.opened(path, deleting=delete) as letters:
        for letter in letters:
            taken = returns.take(letter.data, now=bootstrap.clock(), keep=not dry_run)
            if delete and taken.stored:
                letter.delete()
            yield _row(letter.name, taken)


def _row(name: str, taken: Taken) -> dict[str, Any]:
    report = taken.report
    return {
        "file": name,
        "kind": report.kind.value,
        "status": report.status,
        "recipients": list(report.recipients),
        "delivery": taken.delivery,
        "reason": report.reason.value if report.reason else None,
        "effect": taken.effect.value,
    }


def _tell(rows: list[dict[str, Any]], *, dry_run: bool) -> None:
    if rows:
        columns = ("file", "kind", "status", "recipients", "delivery", "reason")
        print_table(columns, [[_shown(row[name]) for name in columns] for row in rows])
    counts = Counter(str(row["effect"]) for row in rows)
    said = [f"{count} {_SAID[effect]}" for effect in _SAID if (count := counts[effect])]
    if dry_run:
        say(f"{messages(len(rows))} read; nothing is changed.")
    else:
        say(f"{messages(len(rows))} read" + (f": {', '.join(said)}." if said else "."))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)
