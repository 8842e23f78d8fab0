"""`send`: open the day's issues, rank, and deliver."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap
from newsletter.cli import FAILED, outcome
from newsletter.cli.context import Day, Json, day, settings
from newsletter.cli.output import messages, print_json, progress, say, warn
from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Issue, IssueState

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.delivery.tally import Tally
    from newsletter.pipeline import Newsletter

_WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
_REPORTED = ("sent", "deferred", "failed", "bounced", "skipped")


def send(
    context: typer.Context,
    *,
    issue: Day = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="Send at most N messages now.")] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Connections at a time; smtp.connections by default.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell how many would be sent, and send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Send a day's issues to everyone who is to get them. Running it again sends nothing twice."""
    started = time.perf_counter()
    current = settings(context)
    wanted = day(issue, current)
    with bootstrap.open_store(current, looking=dry_run) as store:
        newsletter = bootstrap.newsletter(current, store)
        if dry_run:
            tally, queued, doubtful = None, _would_send(newsletter, wanted), 0
            sentences = [f"{messages(queued)} would be sent for {wanted}."]
        else:
            outcome.advise(current)
            issues = newsletter.open_issues(wanted, now=bootstrap.clock())
            tally = _rank_and_deliver(newsletter, current, issues, workers, limit)
            bootstrap.outbox(current, store).send_due(now=bootstrap.clock())
            queued = _waiting(newsletter, issues, DeliveryState.QUEUED)
            outcome.alarmed(current, newsletter, tally)
            issues = store.issues.on(wanted)  # as they stand by now: somebody may have paused one while it went out
            sentences = outcome.sentences(tally, issues, wanted, current, store)
            doubtful = _waiting(newsletter, issues, DeliveryState.UNCERTAIN)
    report = {**_report(wanted, tally, queued, time.perf_counter() - started), "uncertain": doubtful}
    if as_json:
        print_json(report)
    else:
        say("\n".join(sentences))
    for problem in tally.problems if tally else ():
        warn(problem)
    if report["failed"] or report["bounced"]:
        raise typer.Exit(FAILED)


def _would_send(newsletter: Newsletter, wanted: date) -> int:
    issues = newsletter.issues_due(wanted, now=bootstrap.clock())
    ready = [one for one in issues if one.state is IssueState.OPEN and newsletter.store.papers.count(one.window)]
    return sum(len(some) for one in ready for some in newsletter.waiting(one)) + _waiting(newsletter, ready, *_WAITING)


def _waiting(newsletter: Newsletter, issues: list[Issue], *states: DeliveryState) -> int:
    counts = newsletter.store.deliveries.counts([one.key for one in issues])
    return sum(counts.get(state, 0) for state in states)


def _rank_and_deliver(
    newsletter: Newsletter, current: Settings, issues: list[Issue], workers: int | None, limit: int | None
) -> Tally:
    before = _waiting(newsletter, issues, DeliveryState.SKIPPED)
    for issue in issues:
        with progress(f"Ranking the {issue.cadence} issue", None) as advance:
            newsletter.rank(issue, now=bootstrap.clock(), progress=advance)
    newsletter.hasten(issues, now=bootstrap.clock())
    skipped = _waiting(newsletter, issues, DeliveryState.SKIPPED) - before  # those for whom there is nothing
    try:
        tally = _deliver(newsletter, current, issues, workers, limit)
    except TransportError as error:
        left = messages(_waiting(newsletter, issues, *_WAITING))
        hint = f"{error.hint}; " if error.hint else ""
        raise TransportError(error.message, hint=f"{hint}{left} to be sent by the next `newsletter send`") from error
    tally.states[DeliveryState.SKIPPED] += skipped
    return tally


def _deliver(
    newsletter: Newsletter, current: Settings, issues: list[Issue], workers: int | None, limit: int | None
) -> Tally:
    with progress("Sending", _waiting(newsletter, issues, *_WAITING)) as advance:
        return newsletter.deliver(
            issues,
            bootstrap.transport(current),
            bootstrap.policy(current),
            now=bootstrap.clock(),
            connections=workers or current.smtp.connections,
            limit=limit,
            progress=advance,
        )


def _report(wanted: date, tally: Tally | None, queued: int, seconds: float) -> dict[str, Any]:
    counts = {name: tally.states[DeliveryState(name)] if tally else 0 for name in _REPORTED}
    return {"issue": wanted.isoformat(), "queued": queued, **counts, "seconds": round(seconds, 3)}
