"""`/unsubscribe/{token}`: leave with one button, or by one click in a mail program (RFC 8058); or get fewer mails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from newsletter.errors import ExpiredError
from newsletter.model import Cadence, Subscriber, SubscriberStatus
from newsletter.rendering import ENGLISH
from newsletter.web.happenings import tell
from newsletter.web.parts import Form, Here, Parts, origin, text
from newsletter.web.words import CADENCES, masked

router = APIRouter(prefix="/unsubscribe")

_LEAVE, _BACK, _MONTH = "unsubscribe", "back", "month"
_A_MONTH = timedelta(days=30)
_CAME_BACK = "Subscribe again"  # what stands on the button


@dataclass(frozen=True, slots=True)
class Way:
    """A button: what it sends, and what stands on it."""

    act: str
    label: str


@router.get("/{token}")
def ask(here: Here, token: str) -> Response:
    """Show where the subscription stands, and one button to end it."""
    return _page(here, here.tokens.read_unsubscribe(token))


@router.post("/{token}")
def act(here: Here, request: Request, token: str, form: Form) -> Response:
    """Do what the button says. What a mail program sends (`List-Unsubscribe=One-Click`) ends the subscription.

    Doing it again changes nothing and is answered in the same way, also when the subscriber has been forgotten since.
    """
    public_id, wanted = here.tokens.read_unsubscribe(token), text(form, "act") or _LEAVE
    if wanted == _LEAVE:
        if here.store.choices.leave(public_id):
            reader, now = here.store.choices.get(public_id), here.now()
            here.errands.run(lambda: here.correspondence.goodbye(reader, erased=False, now=now))
            tell(here, "subscriber.unsubscribed", {"id": public_id})
        return _page(here, public_id, said="You are unsubscribed. No more issues will come.")
    if wanted == _BACK:
        back = here.store.choices.come_back(public_id)
        if back:
            place = origin(request, here)
            here.store.consents.record(public_id, wording=_CAME_BACK, origin_hash=place, now=here.now())
            tell(here, "subscriber.returned", {"id": public_id})
        return _page(here, public_id, said="Welcome back. Your settings are as you left them." if back else "")
    if wanted == _MONTH:
        until = here.now() + _A_MONTH
        here.store.choices.pause(public_id, until)
        _take_back(here, public_id)
        return _page(here, public_id, said=f"Done: no mail comes until {ENGLISH.long_date(until.date())}.")
    if wanted not in set(Cadence):
        raise HTTPException(422)
    here.store.choices.keep_to(public_id, Cadence(wanted), now=here.now())
    if wanted == Cadence.PAUSED:
        _take_back(here, public_id)
    return _page(here, public_id, said=f"Done: {CADENCES[Cadence(wanted)]}.")


def _take_back(here: Parts, public_id: str) -> None:
    """Take back what waits for somebody who pauses: what was in it comes after the pause."""
    key, why = here.store.choices.get(public_id).key, "the subscriber paused; what was in it comes after"
    here.store.turns.withdraw([key], why=why, now=here.now())


def _page(here: Parts, public_id: str, *, said: str = "") -> Response:
    try:
        reader = here.store.choices.get(public_id)
    except ExpiredError:  # forgotten: whoever wants no mail has what they want
        return here.pages.page("unsubscribe", state="gone", said="", address="", ways=(), until="")
    resting = reader.paused_until if reader.paused_until and reader.paused_until > here.now() else None
    paused = _mailed(reader) and (resting or reader.cadence is Cadence.PAUSED)
    return here.pages.page(
        "unsubscribe",
        state="paused" if paused else reader.status.value,
        said=said,
        address=masked(reader.email),
        ways=_ways(reader, resting=resting is not None),
        until=ENGLISH.long_date(resting.date()) if resting and reader.cadence is not Cadence.PAUSED else "",
    )


def _mailed(reader: Subscriber) -> bool:
    return reader.status is SubscriberStatus.ACTIVE


def _ways(reader: Subscriber, *, resting: bool) -> tuple[Way, ...]:
    if not _mailed(reader):
        return ()
    labels = {
        Cadence.DAILY: "Every day",
        Cadence.WEEKDAYS: "On weekdays only",
        Cadence.WEEKLY: "Once a week",
        Cadence.PAUSED: "Pause until I come back",
    }
    month = () if resting or reader.cadence is Cadence.PAUSED else (Way(_MONTH, "Pause for a month"),)
    rhythms = (
        Way(cadence.value, label) for cadence, label in labels.items() if resting or cadence is not reader.cadence
    )
    return (*rhythms, *month)
