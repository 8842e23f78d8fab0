"""`/preview` and `/preferences/{token}/preview`: what today's issue would be, beside the forms, as one clicks.

With script htmx puts the answer into the page whenever the form changes; without it the form's own button shows the
page again, with the preview in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from newsletter.foretaste import MOST_CARDS
from newsletter.model import InterestProfile
from newsletter.rendering import ENGLISH, paper_title
from newsletter.rendering.words import Span, authors, reason
from newsletter.subscriptions.signup import Wishes
from newsletter.web import examples, forms
from newsletter.web.parts import Form, Here, Parts, origin

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Line:
    """A paper of the preview: where it leads on our site, and why it would be picked."""

    id: str
    title: str
    authors: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What stands beside a form. `state` is ready, preparing, hurried (asked too often) or nothing (no papers)."""

    state: str
    day: date | None = None
    considered: int = 0
    lines: tuple[Line, ...] = ()
    empty: bool = False
    unknown: int = 0


@router.post("/preview")
def of_visitor(here: Here, request: Request, form: Form) -> Response:
    """Give the preview of a form that somebody fills in to subscribe."""
    filled = forms.read(form, here.topics, forms.blank(here))
    return answer(here, of_form(here, request, form, filled.wishes), "/preview")


@router.post("/preferences/{token}/preview")
def of_reader(here: Here, request: Request, token: str, form: Form) -> Response:
    """Give the preview of what a subscriber would change, with all that they said of papers."""
    reader = here.store.choices.get(here.tokens.read_preferences(token, today=here.today()))
    filled = forms.read(form, here.topics, forms.wishes_of(reader))
    return answer(here, of_form(here, request, form, filled.wishes), f"/preferences/{token}/preview")


def answer(here: Parts, preview: Preview, address: str) -> Response:
    """Give a preview by itself, for htmx to put into a page; `address` is where it can be asked for again."""
    return here.pages.page("preview", preview=preview, address=here.pages.base + address)


def of_form(here: Parts, request: Request, form: FormData, wishes: Wishes) -> Preview:
    """Give the preview of wishes and of the examples that stand in the form."""
    if not here.previews.allow(origin(request, here)):
        return Preview("hurried")
    ids = examples.pasted(form)
    known = here.store.papers.named(ids)
    liked = (*wishes.profile.liked, *known)
    return _of(here, replace(wishes.profile, liked=liked), wishes.papers, len(ids) - len(known))


def _of(here: Parts, profile: InterestProfile, papers: int, unknown: int) -> Preview:
    taste = here.foretaste.pick(profile, cards=papers, today=here.today(), now=here.now())
    if taste is None:
        return Preview("preparing" if here.store.papers.count() else "nothing")
    lines = tuple(
        Line(
            id=(paper := taste.papers[pick.paper_key]).id,
            title=paper_title(ENGLISH, paper),
            authors=authors(ENGLISH, paper.authors),
            why=tuple(reason(ENGLISH, each, Span.DAY) for each in pick.reasons[:2]),
        )
        for pick in taste.picks[:MOST_CARDS]
    )
    told = (profile.topics, profile.keywords, profile.authors, profile.rated, profile.interests)
    return Preview("ready", taste.day, taste.considered, lines, empty=not any(told), unknown=unknown)
