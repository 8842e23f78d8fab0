"""`/admin`: the operator's own page. What goes out, to whom, what came back; issues to approve, pause and resume."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from newsletter.errors import UsageError
from newsletter.model import DeliveryState, IssueState, SubscriberStatus
from newsletter.web import sessions
from newsletter.web.api.models import LARGEST
from newsletter.web.happenings import set_state
from newsletter.web.parts import Form, Here, Parts, text
from newsletter.webhooks import CHANGES

router = APIRouter(prefix="/admin")

_ISSUES = 15
_BACK = timedelta(days=14)
_LONGEST_PASSWORD = 1000
_BUTTONS = {"issue.approved": "Approve", "issue.paused": "Pause", "issue.resumed": "Resume"}


@router.get("")
def overview(request: Request, here: Here) -> Response:
    """Show how it goes, or ask for the password."""
    sessions.enabled(here)
    session = sessions.current(request, here)
    return _overview(here, session) if session else _login(here)


@router.post("/login")
def log_in(request: Request, here: Here, form: Form) -> Response:
    """Begin a session."""
    sessions.enabled(here)
    sessions.guard(request, here)
    session = sessions.log_in(request, here, text(form, "password")[:_LONGEST_PASSWORD])
    if session is None:
        return _login(here, wrong=True)
    return sessions.keep(_overview(here, session), request, here, session)


@router.post("/logout")
def log_out(request: Request, here: Here, form: Form) -> Response:
    """End the session in this browser."""
    sessions.enabled(here)
    sessions.guard(request, here, csrf=text(form, "csrf"))
    return sessions.keep(_login(here), request, here, None)


@router.post("/issues/{key}")
def change(request: Request, here: Here, key: Annotated[int, Path(ge=0, le=LARGEST)], form: Form) -> Response:
    """Approve, pause or resume an issue."""
    sessions.enabled(here)
    session = sessions.guard(request, here, csrf=text(form, "csrf"))
    if session is None:
        return _login(here)
    issue, wanted = here.store.issues.by_key([key]).get(key), text(form, "state")
    if issue is None or wanted not in set(IssueState):
        raise HTTPException(404)
    try:
        set_state(here, issue, IssueState(wanted))
    except UsageError as error:
        return _overview(here, session, said=f"Nothing changed: {error.message}.")
    return _overview(here, session, said=f"The {issue.cadence} issue of {issue.day} is {wanted}.")


def _login(here: Parts, *, wrong: bool = False) -> Response:
    return here.pages.page("login", status=401 if wrong else 200, wrong=wrong)


def _overview(here: Parts, session: sessions.Session, *, said: str = "") -> Response:
    store, now = here.store, here.now()
    counts = store.subscribers.counts()
    issues = [
        {
            "key": one.key,
            "day": one.day,
            "cadence": one.cadence.value,
            "state": one.state.value,
            "papers": store.papers.count(one.window),
            "deliveries": _told(store.deliveries.counts([one.key])),
            "changes": [(new.value, _BUTTONS[event]) for (old, new), event in CHANGES.items() if old is one.state],
        }
        for one in store.issues.page(_ISSUES, below=LARGEST)
    ]
    return here.pages.page(
        "admin",
        said=said,
        csrf=session.csrf,
        papers=store.papers.count(),
        subscribers=[(status.value, counts.get(status, 0)) for status in SubscriberStatus],
        issues=issues,
        bounces=[(kind.value, reason, number) for kind, reason, number in store.bounces.summary(now - _BACK)],
        sources=store.sources.all(),
        webhooks=store.webhooks.all(),
        keys=store.api_keys.all(),
        today=here.today(),
    )


def _told(counts: dict[DeliveryState, int]) -> str:
    return ", ".join(f"{counts[state]:,} {state}" for state in DeliveryState if counts.get(state))
