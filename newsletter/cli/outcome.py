"""What `send` says when it is done: what became of the messages, why there were none, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from newsletter import bootstrap
from newsletter.cli.output import messages, warn
from newsletter.model import Cadence, DeliveryState, Issue, IssueState
from newsletter.timetable import next_day

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.delivery.tally import Tally
    from newsletter.pipeline import Newsletter
    from newsletter.rendering import AlertView
    from newsletter.store import Store

_LOOKED_BACK = timedelta(days=7)
_WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)


def sentences(tally: Tally, issues: Sequence[Issue], wanted: date, current: Settings, store: Store) -> list[str]:
    """Give what a person should know about one run."""
    if not issues:
        return [f"There are no new papers for {wanted}, so nothing is sent. `newsletter ingest` reads more."]
    said = [_counted(tally, issues, wanted, store)]
    if tally.states[DeliveryState.SENT] and current.delivery.transport == "maildir":
        said.append(f"The messages are in the Maildir {current.delivery.maildir} (delivery.transport is maildir).")
    said.extend(_waiting_for_quota(tally))
    said.extend(_doubtful(wanted, store))
    said.extend(_held(issues))
    said.extend(_others(issues, wanted, current, store))
    said.extend(_earlier(wanted, store))
    return said


def _counted(tally: Tally, issues: Sequence[Issue], wanted: date, store: Store) -> str:
    all_of_it = store.deliveries.counts([one.key for one in issues])
    queued = all_of_it.get(DeliveryState.QUEUED, 0)
    sent = tally.states[DeliveryState.SENT]
    others = [f"{count} {state}" for state in DeliveryState if (count := tally.states[state]) and state != "sent"]
    counted = ", ".join([f"{sent} sent", *others, *([f"{queued} still queued"] if queued else [])])
    if not sent and not others and not queued:
        if all_of_it:
            counted = f"nothing to send; of all its messages {_states(all_of_it)}"
        elif not any(store.subscribers.any_active(one.cadence) for one in issues):
            counted = "nobody to send it to. `newsletter subscribers add EMAIL --topic SLUG --confirmed` adds a reader"
    return f"Issue of {wanted}: {counted}."


def _states(counts: dict[DeliveryState, int]) -> str:
    return ", ".join(f"{counts[state]} {state}" for state in DeliveryState if state in counts)


def _doubtful(wanted: date, store: Store) -> Iterator[str]:
    """Name the days of which nobody knows whether all has arrived."""
    recent = [one for one in store.issues.all() if wanted - _LOOKED_BACK <= one.day <= wanted]
    for day in sorted({one.day for one in recent}):
        counts = store.deliveries.counts([one.key for one in recent if one.day == day])
        if doubtful := counts.get(DeliveryState.UNCERTAIN, 0):
            yield f"Of {day}, {messages(doubtful)} may or may not have arrived (uncertain; see delivery.uncertain)."


def _held(issues: Sequence[Issue]) -> Iterator[str]:
    for one in issues:
        if one.state is IssueState.DRAFT:
            yield f"The {one.cadence} issue is a draft: `newsletter issue approve {one.day}` lets it be sent."
        if one.state is IssueState.PAUSED:
            yield f"The {one.cadence} issue is paused: `newsletter issue resume {one.day}` lets it go on."


def _others(issues: Sequence[Issue], wanted: date, current: Settings, store: Store) -> Iterator[str]:
    """Tell those who wait for another cadence when it is due."""
    weekly_on = current.schedule.weekly_on
    for cadence in (Cadence.WEEKDAYS, Cadence.WEEKLY):
        if cadence not in {one.cadence for one in issues} and store.subscribers.any_active(cadence):
            yield f"The next {cadence} issue is due on {next_day(cadence, wanted, weekly_on=weekly_on)}."


def _earlier(wanted: date, store: Store) -> Iterator[str]:
    """Name earlier issues that still have messages to send: `send` takes one day at a time."""
    recent = [one for one in store.issues.all() if wanted - _LOOKED_BACK <= one.day < wanted]
    for day in sorted({one.day for one in recent if one.state is IssueState.OPEN}):
        counts = store.deliveries.counts([one.key for one in recent if one.day == day])
        if left := sum(counts.get(state, 0) for state in _WAITING):
            yield f"Of {day}, {messages(left)} also to be sent: `newsletter send --issue {day}` does so."


def tell_operator(current: Settings, newsletter: Newsletter, alert: AlertView) -> None:
    """Mail the operator. What keeps it from leaving is told, and fails nothing."""
    now = bootstrap.clock()
    notice = newsletter.letterhead.notice(alert, recipient=current.site.operator, now=now)
    if problem := bootstrap.outbox(current, newsletter.store).post(notice, now=now).problem:
        warn(f"the operator could not be told: {problem}; the next `newsletter send` tries again")


def alarmed(current: Settings, newsletter: Newsletter, tally: Tally) -> None:
    """Tell the operator, on standard error and by mail, where a run was broken off as too many messages failed."""
    if tally.alarm is None:
        return
    days = ", ".join(sorted(f"{one.cadence} issue of {one.day}" for one in tally.paused))
    [day] = {one.day for one in tally.paused}
    resume = f"`newsletter issue resume {day}`"
    warn(f"{tally.alarm}, so the {days} is paused; once that is mended, {resume} lets it go on")
    if current.site.operator:
        from newsletter.notices import paused_issues  # noqa: PLC0415  lazy: seldom needed

        alert = paused_issues(tally.paused, tally.alarm, tally.problems, newsletter.letterhead)
        tell_operator(current, newsletter, alert)


def _waiting_for_quota(tally: Tally) -> Iterator[str]:
    if tally.held:
        length = "hour" if tally.held.length == timedelta(hours=1) else "day"
        yield (
            f"{messages(tally.held.limit)} may be sent in one {length} and were: "
            "the next `newsletter send` goes on when that allows it."
        )


def advise(current: Settings) -> None:
    """Say what mail that leaves this machine should have, and would be refused or unlawful without."""
    if current.delivery.transport not in {"smtp", "ses"}:
        return
    from newsletter.checks.settings import of_leaving_mail  # noqa: PLC0415

    for check in of_leaving_mail(current):
        if check.hint:
            warn(f"{check.name}: {check.message}; {check.hint}")
