"""`bounces`: mails that came back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap
from newsletter.cli import FAILED
from newsletter.cli.context import Json, settings
from newsletter.cli.output import messages, print_json, print_table, say, warn
from newsletter.errors import MailboxError, UsageError

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.delivery.accounts import Account
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
        list[Path] | None,
        typer.Argument(
            metavar="FILE...", help="Mails: files, Maildir folders, mbox files; - for one on standard input."
        ),
    ] = None,
    *,
    mailbox: Annotated[
        bool, typer.Option("--mailbox", help="Read the mailbox that is set (returns.mailbox: IMAP or POP3).")
    ] = False,
    listen: Annotated[
        bool, typer.Option("--listen", help="Take mail from your mail server (returns.listen), until stopped.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete each bounce once it is stored. All other mail stays.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what the mails are, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Read mail that came back: bounces mark their deliveries, hard ones and complaints suppress their addresses.

    Only what carries this installation's own signature has an effect; anybody can write a bounce.
    """
    if listen == bool(files or mailbox):
        raise UsageError("name files, or --mailbox, or --listen alone", hint="`newsletter bounces --help` tells more")
    current = settings(context, steady=listen)
    if listen:
        _listen(current)
        return
    rows: list[dict[str, Any]] = []
    failed = False
    boxes = [bootstrap.account(current)] if mailbox else []
    with bootstrap.open_store(current, looking=dry_run) as store:
        returns = bootstrap.returns(current, store)
        for place in (*(files or ()), *boxes):
            try:
                rows.extend(_taken(returns, place, delete=delete and not dry_run, dry_run=dry_run))
            except MailboxError as error:
                failed = True
                warn(str(error))
    if as_json:
        print_json(rows)
    else:
        _tell(rows, dry_run=dry_run)
    if failed:
        raise typer.Exit(FAILED)


def _taken(returns: Returns, place: Path | Account, *, delete: bool, dry_run: bool) -> Iterable[dict[str, Any]]:
    """Take in what lies in a place. A mail is deleted, or marked as read, once it is stored, and not before."""
    from newsletter.delivery import accounts, mailbox  # noqa: PLC0415  lazy: the standard library's take 20 ms

    if isinstance(place, Path):
        opened = mailbox.opened(place, deleting=delete)
    else:
        opened = accounts.opened(place, deleting=delete, marking=not dry_run)
    with opened as letters:
        for letter in letters:
            taken = returns.take(letter.data, now=bootstrap.clock(), keep=not dry_run)
            if delete and taken.stored:
                letter.delete()
            elif not dry_run:
                letter.leave()
            yield _row(letter.name, taken)


def _listen(current: Settings) -> None:
    with bootstrap.open_store(current) as store, bootstrap.listener(current, store).running() as listener:
        warn(f"mail that comes back is taken on {listener.host}, port {listener.port}")
        threading.Event().wait()


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
