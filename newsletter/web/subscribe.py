"""`/`, `/subscribe` and `/confirm/{token}`: asking to be mailed, and saying yes by a link that only the owner gets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from newsletter.errors import NewsletterError, ProfileError
from newsletter.model import NewSubscriber, SubscriberStatus
from newsletter.subscriptions.signup import subscription
from newsletter.web import examples, forms, work
from newsletter.web.catalogue import CHOICES, catalogue, languages
from newsletter.web.happenings import tell
from newsletter.web.pages import count
from newsletter.web.parts import Form, Here, Parts, origin, text
from newsletter.web.preview import Preview, of_form
from newsletter.web.words import CADENCES, masked

router = APIRouter()

_A_PLACE = 20  # requests an hour; a whole laboratory may come from one address
_TRAP = "website"  # a field that people do not see, and programs that fill in every field do
_LONGEST_ADDRESS = 320
_log = logging.getLogger(__name__)


def consent(here: Parts) -> str:
    """Give the words that people agree to; they are kept with their answer."""
    return (
        f"Yes, mail me my selection of new papers from {here.site.name}. I can stop at any time by the link in every "
        "mail. My address and what I choose here are kept for this only, and erased when I say so."
    )


@router.get("/")
def home(here: Here) -> Response:
    """Say what this is."""
    latest = next(iter(here.store.archive.days(1)), None)
    return here.pages.page("home", public=True, topics=len(here.topics), latest=latest)


@router.get("/subscribe")
def form(here: Here) -> Response:
    """Show the form, which is rendered once a day: it is the same for everybody who comes."""
    blank = forms.of_wishes(forms.blank(here))
    return here.pages.once("subscribe", here.today(), lambda: _form(here, blank, "", public=True))


@router.post("/subscribe")
def ask(here: Here, request: Request, form: Form) -> Response:
    """Take a request. The answer is the same whether the address is new, known, or must never be mailed."""
    filled, typed = forms.read(form, here.topics, forms.blank(here)), text(form, "email")
    filled = replace(filled, shown={**filled.shown, "examples": text(form, "examples")})
    if text(form, "do") == "find":
        return _form(here, filled, typed, sought=text(form, "sought"))
    if text(form, "do") == "preview":
        return _form(here, filled, typed, preview=of_form(here, request, form, filled.wishes))
    faults, place = dict(filled.faults), origin(request, here)
    named = examples.Examples()
    if examples.costs(form):  # whoever sends it need not even name an address
        _limited(here, f"examples {place}"[:64])
    try:
        named = examples.read(here, form)
    except ProfileError as error:
        faults["examples"] = forms.says(error)
    try:
        new = subscription(typed[: _LONGEST_ADDRESS + 1], filled.wishes)
    except ProfileError as error:
        faults["email"] = "Write your address as in ada@lab.example." if not typed.strip() else forms.says(error)
    if not faults and not work.done(here, typed, text(form, "work")):
        faults["email"] = "Your browser was to do some work first. Please switch its scripts on, and press once more."
    if faults:
        return _form(here, filled, typed, faults=faults, status=422)
    if not text(form, _TRAP):
        _taken(here, new, named, place)
    return here.pages.page("asked", address=new.email)


@router.get("/confirm/{token}")
def read(here: Here, token: str) -> Response:
    """Show what was asked for, and one button to say yes."""
    confirmation = here.tokens.read_confirm(token, today=here.today())
    return _confirmation(here, confirmation.public_id, confirmation.request)


@router.post("/confirm/{token}")
def confirm(here: Here, request: Request, token: str) -> Response:
    """Begin to mail. Doing it again changes nothing."""
    said = here.tokens.read_confirm(token, today=here.today())
    place = origin(request, here)
    begun = here.store.consents.confirm(said.public_id, said.request, origin_hash=place, now=here.now())
    if begun.examples is not None:
        named = examples.Examples.unpacked(begun.examples)
        here.errands.run(lambda: _begin(here, said.public_id, named))
        tell(here, "subscriber.confirmed", {"id": said.public_id})
    return _confirmation(here, said.public_id, said.request, begun=bool(begun))


def _form(
    here: Parts,
    filled: forms.Filled,
    email: str,
    *,
    sought: str = "",
    faults: Mapping[str, str] | None = None,
    preview: Preview | None = None,
    status: int = 200,
    public: bool = False,
) -> Response:
    return here.pages.page(
        "subscribe",
        status=status,
        public=public,
        shown={"examples": "", **filled.shown, "email": email},
        faults=faults or {},
        topics=catalogue(here.topics, filled.chosen, sought),
        **CHOICES,
        languages=languages(filled.shown["language"], here.settings.rendering.templates),
        preview=preview,
        consent=consent(here),
        work=work.asked(here),
        trap=_TRAP,
    )


def _taken(here: Parts, new: NewSubscriber, named: examples.Examples, place: str) -> None:
    """Have a request answered by mail, once the page has been. Raises HTTPException: there were too many."""
    _limited(here, place)
    if not here.errands.run(lambda: _mail(here, new, named, place)):
        raise HTTPException(503)


def _limited(here: Parts, bucket: str) -> None:
    if not here.store.attempts.allow(bucket, most=_A_PLACE, within=timedelta(hours=1), now=here.now()):
        raise HTTPException(429)


def _mail(here: Parts, new: NewSubscriber, named: examples.Examples, place: str) -> None:
    message = here.welcome.ask(
        new,
        wording=consent(here),
        origin_hash=place,
        examples=named.packed(),
        today=here.today(),
        now=here.now(),
    )
    if message:
        here.outbox.post(message, now=here.now())


def _begin(here: Parts, public_id: str, named: examples.Examples) -> None:
    """Greet who has confirmed, once the papers that they named are known: their first issue is ranked by these."""
    try:
        examples.keep(here, public_id, named)
    except NewsletterError as error:
        _log.error("examples were not kept: %s", error)
    here.correspondence.welcome(here.store.choices.get(public_id), today=here.today(), now=here.now())


def _confirmation(here: Parts, public_id: str, request: int, *, begun: bool = False) -> Response:
    asked = here.store.consents.get(public_id, request)
    reader = here.store.choices.get(public_id)
    state = reader.status.value
    if reader.status in {SubscriberStatus.PENDING, SubscriberStatus.UNSUBSCRIBED}:
        state = "asked" if asked.confirmed_at is None else "left"
    return here.pages.page(
        "confirm",
        state=state,
        begun=begun,
        address=masked(reader.email),
        wishes=_told(here, asked.wishes),
        rhythm=CADENCES[reader.cadence],
        hour=f"{reader.hour:02d}:00",
        timezone=reader.timezone.replace("_", " "),
        preferences=here.tokens.preferences(public_id, here.today()),
    )


def _told(here: Parts, wishes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give what was asked for, as a page shows it."""
    profile, asked = wishes.get("profile", {}), wishes.get("examples", {})
    topics = [here.topics[slug].title for slug, _ in profile.get("topics", ()) if slug in here.topics]
    told = (
        ("Topics", ", ".join(topics)),
        ("Keywords", ", ".join(profile.get("keywords", ()))),
        ("Interests", profile.get("interests", "")),
        ("Authors", ", ".join(profile.get("authors", ()))),
        ("Papers", count(number, "example") if (number := len(examples.Examples.unpacked(asked))) else ""),
    )
    return [(name, value) for name, value in told if value]
