"""`send`: open the day's issues, rank, and deliver."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap
from newsletter.cli import FAILED
from newsletter.cli.context import Day, Json, day, settings
from newsletter.cli.output import print_json, progress, say, warn
from newsletter.model import Cadence, DeliveryState, Issue
from newsletter.timetable import next_day

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.delivery.dispatch import Tally
    from newsletter.pipeline import Newsletter

_REPORTED = ("sent", "deferred", "failed", "bounced", "uncertain", "skipped")


def send(
    context: typer.Context,
    *,
    issue: Day = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Send at most so many messages now.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Connections at a time; smtp.connections by default.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell how many would be sent, and send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Send a day's issues to everyone who is to get them. Running it again sends nothing twice."""
    started = time.perf_counter()
    current = settings(context)
    _advise(current)
    wanted = day(issue, current)
    with bootstrap.open_store(current) as store:
        newsletter = bootstrap.newsletter(current, store)
        if dry_run:
            tally, queued = None, _would_send(newsletter, wanted)
            issues: list[Issue] = []
        else:
            issues = newsletter.open_issues(wanted, now=bootstrap.clock())
            skipped = _rank(newsletter, issues)
            tally = _deliver(newsletter, current, issues, workers, limit)
            tally.states[DeliveryState.SKIPPED] += skipped
            queued = newsletter.store.deliveries.counts([one.key for one in issues]).get(DeliveryState.QUEUED, 0)
    report = _report(wanted, tally, queued, time.perf_counter() - started)
    if as_json:
        print_json(report)
    else:
        _tell(report, issues, wanted, current, dry_run=dry_run)
    for problem in tally.problems if tally else ():
        warn(problem)
    if report["failed"] or report["bounced"]:
        raise typer.Exit(FAILED)


def _would_send(newsletter: Newsletter, wanted: date) -> int:
    issues = newsletter.issues_due(wanted, now=bootstrap.clock())
    waiting = sum(len(newsletter.waiting(issue)) for issue in issues)
    return waiting + newsletter.store.deliveries.counts(issue.key for issue in issues).get(DeliveryState.QUEUED, 0)


def _rank(newsletter: Newsletter, issues: list[Issue]) -> int:
    """Make the editions, and tell how many have no picks."""
    keys = [issue.key for issue in issues]
    skipped = newsletter.store.deliveries.counts(keys).get(DeliveryState.SKIPPED, 0)
    for issue in issues:
        with progress(f"Ranking the {issue.cadence} issue", None) as advance:
            newsletter.rank(issue, now=bootstrap.clock(), progress=advance)
    return newsletter.store.deliveries.counts(keys).get(DeliveryState.SKIPPED, 0) - skipped


def _deliver(
    newsletter: Newsletter, current: Settings, issues: list[Issue], workers: int | None, limit: int | None
) -> Tally:
    from newsletter.delivery.dispatch import Policy  # noqa: PLC0415

    counts = newsletter.store.deliveries.counts([one.key for one in issues])
    waiting = sum(counts.get(state, 0) for state in (DeliveryState.QUEUED, DeliveryState.DEFERRED))
    with progress("Sending", waiting) as advance:
        return newsletter.deliver(
            issues,
            bootstrap.transport(current),
            Policy(current.delivery.attempts, current.delivery.resend_uncertain),
            now=bootstrap.clock(),
            connections=workers or current.smtp.connections,
            limit=limit,
            progress=advance,
        )


def _report(wanted: date, tally: Tally | None, queued: int, seconds: float) -> dict[str, Any]:
    counts = {name: tally.states[DeliveryState(name)] if tally else 0 for name in _REPORTED}
    return {"issue": wanted.isoformat(), "queued": queued, **counts, "seconds": round(seconds, 3)}


def _tell(report: dict[str, Any], issues: list[Issue], wanted: date, current: Settings, *, dry_run: bool) -> None:
    if dry_run:
        say(f"{report['queued']} messages would be sent for {wanted}.")
        return
    counted = ", ".join(f"{report[name]} {name}" for name in _REPORTED if report[name] or name == "sent")
    say(f"Issue of {wanted}: {counted}" + (f", {report['queued']} still queued" if report["queued"] else "") + ".")
    if report["sent"] and current.delivery.transport == "maildir":
        say(f"The messages are in the Maildir {current.delivery.maildir} (delivery.transport is maildir).")
    for held in (one for one in issues if one.state != "open"):
        say(f"The {held.cadence} issue is {held.state}; see `newsletter issue --help`.")
    weekly_on = current.schedule.weekly_on
    for cadence in {Cadence.WEEKDAYS, Cadence.WEEKLY} - {one.cadence for one in issues}:
        say(f"The next {cadence} issue is due on {next_day(cadence, wanted, weekly_on=weekly_on)}.")


def _advise(current: Settings) -> None:
    """Say what mail that leaves this machine should have, and would be refused or unlawful without."""
    if current.delivery.transport != "smtp":
        return
    if "example.org" in current.site.sender or "example.org" in current.site.url:
        warn("site.sender or site.url still names example.org; set your own, or the mail will be refused")
    if not current.site.postal_address:
        warn("site.postal_address is empty; commercial mail must carry one (CAN-SPAM)")
