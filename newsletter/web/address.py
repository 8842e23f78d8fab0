"""`/preferences` (send me my link), `/preferences/{token}/address` and `/address/{token}`: to another address."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from newsletter.errors import ProfileError
from newsletter.subscriptions.signup import email_address
from newsletter.web import forms
from newsletter.web.parts import Form, Here, Parts, origin, text
from newsletter.web.words import masked

router = APIRouter()

_A_PLACE = 20  # requests an hour; a whole laboratory may come from one address
_A_READER = 5  # changes of address a day
_LONGEST_ADDRESS = 320


@router.get("/preferences")
def lost(here: Here) -> Response:
    """Show the form for somebody who has no mail at hand."""
    return here.pages.page("link", public=True, sent=False, typed="", fault="")


@router.post("/preferences")
def send_link(here: Here, request: Request, form: Form) -> Response:
    """Mail the link. The answer is the same whether somebody is subscribed at the address or not."""
    typed = text(form, "email")
    try:
        email = email_address(typed[: _LONGEST_ADDRESS + 1])
    except ProfileError as error:
        fault = "Write your address as in ada@lab.example." if not typed.strip() else forms.says(error)
        return here.pages.page("link", status=422, sent=False, typed=typed, fault=fault)
    _limited(here, origin(request, here), _A_PLACE, timedelta(hours=1))
    today, now = here.today(), here.now()
    if not here.errands.run(lambda: here.correspondence.link(email, today=today, now=now)):
        raise HTTPException(503)
    return here.pages.page("link", sent=True, typed=email, fault="")


@router.post("/preferences/{token}/address")
def ask(here: Here, token: str, form: Form) -> Response:
    """Ask both addresses whether a change is meant. The answer is the same whether the new one is known or not."""
    reader = here.store.choices.get(here.tokens.read_preferences(token, today=here.today()))
    try:
        email = email_address(text(form, "email")[: _LONGEST_ADDRESS + 1])
    except ProfileError as error:
        return here.pages.page("address", status=422, state="wrong", fault=forms.says(error), token=token)
    _limited(here, f"address {reader.key}", _A_READER, timedelta(days=1))
    number, today, now = here.store.addresses.ask(reader.public_id, email, now=here.now()), here.today(), here.now()
    hidden = {email: masked(email), reader.email: masked(reader.email)}

    def errand() -> None:
        here.correspondence.new_address(reader, email, number, hidden, today=today, now=now)

    if not here.errands.run(errand):
        raise HTTPException(503)
    return here.pages.page("address", state="asked", old=masked(reader.email), new=email)


@router.get("/address/{token}")
def show(here: Here, token: str) -> Response:
    """Show what would change, and one button to say yes."""
    said = here.tokens.read_address(token, today=here.today())
    change = here.store.addresses.get(said.public_id, said.request)
    mine = change.new_confirmed if said.new else change.old_confirmed
    state = "done" if change.done else "waiting" if mine else "question"
    return here.pages.page("address", state=state, old=masked(change.old), new=masked(change.new))


@router.post("/address/{token}")
def confirm(here: Here, request: Request, token: str) -> Response:
    """Note that this end says yes; once both have, mail goes to the new address."""
    said = here.tokens.read_address(token, today=here.today())
    before = here.store.addresses.get(said.public_id, said.request)
    change = here.store.addresses.confirm(said.public_id, said.request, new=said.new, now=here.now())
    if change.done and not before.done:
        wording = "Change the address"  # what stands on the button
        place = origin(request, here)
        here.store.consents.record(said.public_id, wording=wording, origin_hash=place, now=here.now())
    state = "done" if change.done else "taken" if change.taken else "waiting"
    return here.pages.page("address", state=state, old=masked(before.old), new=masked(change.new))


def _limited(here: Parts, bucket: str, most: int, within: timedelta) -> None:
    if not here.store.attempts.allow(bucket, most=most, within=within, now=here.now()):
        raise HTTPException(429)
