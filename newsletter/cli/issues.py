"""`issue`: the dated editions of the newsletter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap
from newsletter.cli.context import Json, day, settings
from newsletter.cli.output import print_json, print_table, say
from newsletter.errors import NotFoundError
from newsletter.model import DeliveryState, Issue, IssueState

if TYPE_CHECKING:
    from newsletter.store import Store
    from newsletter.store.figures import Explained

_AS_IT_SHOULD = (DeliveryState.SENT, DeliveryState.QUEUED)
app = typer.Typer(help="Open, list, show, approve, pause and resume issues.", no_args_is_help=True)
DayArgument = Annotated[str | None, typer.Argument(metavar="DATE", help="The day of the issue; today by default.")]


@app.command(name="open")
def open_(
    context: typer.Context,
    *,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="The day of the issue; today by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Open a day's issues: from now on it is settled which papers they choose from."""
    current = settings(context)
    with bootstrap.open_store(current) as store:
        newsletter = bootstrap.newsletter(current, store)
        wanted = day(date, current)
        opened = newsletter.open_issues(wanted, now=bootstrap.clock())
        if opened or as_json:
            _report(store, opened, as_json=as_json)
        else:
            say(f"There are no new papers for {wanted}, so no issue was opened. `newsletter ingest` reads more.")


@app.command(name="list")
def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """List all issues, newest first."""
    with bootstrap.open_store(settings(context), looking=True) as store:
        found = store.issues.all()
        if found or as_json:
            _report(store, found, as_json=as_json)
        else:
            say("There is no issue yet; `newsletter issue open` opens today's, and `newsletter send` does so too.")


@app.command()
def show(
    context: typer.Context,
    date: DayArgument = None,
    *,
    everyone: Annotated[
        bool, typer.Option("--all", help="Also the deliveries that went well, and those that still wait their turn.")
    ] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Show at most N deliveries.")] = 50,
    as_json: Json = False,
) -> None:
    """Show a day's issues, and why deliveries did not go well: the server's words, and when they are tried again."""
    current = settings(context)
    with bootstrap.open_store(current, looking=True) as store:
        found = _on(store, date, context)
        states = [state for state in DeliveryState if everyone or state not in _AS_IT_SHOULD]
        explained = store.figures.explained([issue.key for issue in found], states, limit)
        if as_json:
            by_issue = {issue.key: store.figures.explained([issue.key], states, limit) for issue in found}
            print_json([{**_row(store, one), "explained": list(map(_explained, by_issue[one.key]))} for one in found])
            return
        _report(store, found, as_json=False)
    if explained:
        columns = ("delivery", "email", "state", "tries", "said", "next_try")
        rows = [_explained(one) for one in explained]
        print_table(columns, [["" if row[name] is None else row[name] for name in columns] for row in rows])
    if len(explained) == limit:
        say(f"These are the {limit} that changed last; --limit shows more.")


@app.command()
def approve(context: typer.Context, date: DayArgument = None) -> None:
    """Let a day's drafts be sent (with the setting schedule.approval, issues are drafts at first)."""
    _change(context, date, IssueState.DRAFT, IssueState.OPEN, "approved")


@app.command()
def pause(context: typer.Context, date: DayArgument = None) -> None:
    """Keep a day's issues from being sent any further."""
    _change(context, date, IssueState.OPEN, IssueState.PAUSED, "paused")


@app.command()
def resume(context: typer.Context, date: DayArgument = None) -> None:
    """Let a day's paused issues go on."""
    _change(context, date, IssueState.PAUSED, IssueState.OPEN, "resumed")


def _on(store: Store, date: str | None, context: typer.Context) -> list[Issue]:
    wanted = day(date, settings(context))
    found = store.issues.on(wanted)
    if not found:
        raise NotFoundError(f"there is no issue of {wanted}", hint="`newsletter issue list` shows those there are")
    return found


def _change(context: typer.Context, date: str | None, old: IssueState, new: IssueState, done: str) -> None:
    from newsletter.webhooks import change_state  # noqa: PLC0415  lazy: only this changes anything

    with bootstrap.open_store(settings(context)) as store:
        changed = [issue for issue in _on(store, date, context) if issue.state is old]
        for issue in changed:
            change_state(store, issue, new, now=bootstrap.clock())
            say(f"The {issue.cadence} issue of {issue.day} is {done}.")
        if not changed:
            say(f"No issue of that day is {old}; nothing changed.")


def _report(store: Store, issues: list[Issue], *, as_json: bool) -> None:
    rows = [_row(store, issue) for issue in issues]
    if as_json:
        print_json(rows)
        return
    columns = ("date", "cadence", "state", "papers", "deliveries")
    print_table(columns, [[_words(row[name]) for name in columns] for row in rows])


def _explained(one: Explained) -> dict[str, Any]:
    return {
        "delivery": one.key,
        "email": one.email,
        "state": one.state.value,
        "tries": one.attempts,
        "said": one.response,
        "next_try": one.next_attempt_at.isoformat(timespec="seconds") if one.next_attempt_at else None,
        "since": one.changed_at.isoformat(timespec="seconds"),
        "seconds": one.seconds,
    }


def _words(value: Any) -> str:
    return ", ".join(f"{count} {state}" for state, count in value.items()) if isinstance(value, dict) else str(value)


def _row(store: Store, issue: Issue) -> dict[str, Any]:
    return {
        "date": issue.day.isoformat(),
        "cadence": issue.cadence.value,
        "state": issue.state.value,
        "window": {"start": issue.window.start.isoformat(), "end": issue.window.end.isoformat()},
        "papers": store.papers.count(issue.window),
        "deliveries": {state.value: count for state, count in store.deliveries.counts([issue.key]).items()},
    }
