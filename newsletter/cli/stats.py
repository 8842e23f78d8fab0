"""`stats`: how the newsletter does, in figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap
from newsletter.cli.context import Json, settings
from newsletter.cli.output import print_json, print_table, say
from newsletter.model import DeliveryState, SubscriberStatus

if TYPE_CHECKING:
    from newsletter.store import Store
    from newsletter.store.figures import Pulse
    from newsletter.store.outbox import Waiting

_WIDTH = 40  # characters of the longest bar


def stats(
    context: typer.Context,
    *,
    issues: Annotated[int, typer.Option(metavar="N", min=1, help="How many issues back the outcomes go.")] = 14,
    as_json: Json = False,
) -> None:
    """Tell who is subscribed, what became of the mail, why addresses are not mailed, and what readers answered."""
    with bootstrap.open_store(settings(context), looking=True) as store:
        document = figures(store, issues)
    if as_json:
        print_json(document)
        return
    _bars("subscribers", document["subscribers"])
    _issues(document["issues"])
    _bars("deliveries", document["outcomes"])
    _bars("bounces", document["bounces"])
    _bars("suppressed addresses", document["suppressions"])
    _bars("answers", document["answers"])
    _queue(document["queue"], document["single_mails"])


def figures(store: Store, back: int) -> dict[str, Any]:
    """Give all figures of `stats`; outcomes are of the last `back` issues."""
    some = store.issues.all()[:back]
    outcomes = store.figures.outcomes(some)
    return {
        "subscribers": {status.value: count for status, count in store.subscribers.counts().items()},
        "issues": [
            {
                "date": issue.day.isoformat(),
                "cadence": issue.cadence.value,
                "state": issue.state.value,
                "outcomes": _named(outcomes.get(issue.key, {})),
            }
            for issue in some
        ],
        "outcomes": _named({state: sum(one[state] for one in outcomes.values()) for state in DeliveryState}),
        "opt_outs": store.subscribers.counts().get(SubscriberStatus.UNSUBSCRIBED, 0),
        "bounces": store.figures.bounces(),
        "suppressions": store.figures.suppressions(),
        "answers": store.figures.answers(),
        "queue": _pulse(store.figures.pulse(datetime.now(UTC))),
        "single_mails": _single(store.outbox.waiting()),
    }


def _named(counts: Mapping[DeliveryState, int]) -> dict[str, int]:
    return {state.value: counts[state] for state in DeliveryState if counts.get(state)}


def _pulse(pulse: Pulse) -> dict[str, Any]:
    waiting = sum(pulse.states.get(state, 0) for state in (DeliveryState.QUEUED, DeliveryState.DEFERRED))
    return {
        "waiting": waiting,
        "oldest_queued": pulse.oldest_queued.isoformat() if pulse.oldest_queued else None,
        "sent_last_minute": pulse.sent_last_minute,
        "seconds_a_message": round(pulse.seconds_sum / pulse.timed, 4) if pulse.timed else None,
        "slowest_seconds": round(pulse.seconds_most, 4) if pulse.timed else None,
    }


def _single(waiting: Waiting) -> dict[str, Any]:
    since = waiting.since.isoformat() if waiting.since else None
    return {"waiting": waiting.count, "oldest": since, "response": waiting.response}


def _bars(title: str, counts: Mapping[str, int]) -> None:
    say(f"{title}: none" if not counts else f"{title}:")
    most, longest = max(counts.values(), default=0), max(map(len, counts), default=0)
    for name, count in counts.items():
        bar = "█" * max(1, round(_WIDTH * count / most)) if count else ""
        say(f"  {name:<{longest}}  {count:>8,}  {bar}".rstrip())


def _issues(some: Iterable[Mapping[str, Any]]) -> None:
    rows = list(some)
    if rows:
        states = [state.value for state in DeliveryState if any(state.value in row["outcomes"] for row in rows)]
        named = ("date", "cadence", "state")
        cells = [[*(row[name] for name in named), *(row["outcomes"].get(name, 0) for name in states)] for row in rows]
        print_table((*named, *states), cells)


def _queue(queue: Mapping[str, Any], single: Mapping[str, Any]) -> None:
    since = f", the oldest since {queue['oldest_queued']}" if queue["oldest_queued"] else ""
    say(f"queue: {queue['waiting']} waiting{since}; {queue['sent_last_minute']} sent in the last minute")
    if queue["seconds_a_message"] is not None:
        say(f"  a message took {queue['seconds_a_message']} s in the last hour, {queue['slowest_seconds']} s at most")
    if single["waiting"]:
        said = f": {single['response']}" if single["response"] else ""
        say(f"  single mails, such as confirmations: {single['waiting']} waiting since {single['oldest']}{said}")
