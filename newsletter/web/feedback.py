"""`/feedback/{token}`: the answer to a paper that was picked. The link says which; one button records it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from newsletter.errors import ExpiredError
from newsletter.model import Paper
from newsletter.store.choices import Rating
from newsletter.subscriptions.tokens import Feedback
from newsletter.web.parts import Form, Here, Parts, text

router = APIRouter(prefix="/feedback")

# What the button that takes an answer back sends: what they had said before it.
_BEFORE: dict[str, Rating | None] = {
    "nothing": None,
    "more": Rating(liked=True, answer=True),
    "less": Rating(liked=False, answer=True),
    "liked": Rating(liked=True, answer=False),
    "disliked": Rating(liked=False, answer=False),
}
_NAMES = {rating: name for name, rating in _BEFORE.items()}


@router.get("/{token}")
def ask(here: Here, token: str) -> Response:
    """Show what the answer would change, and one button to give it."""
    answer = here.tokens.read_feedback(token, today=here.today())
    return _page(here, answer, "asked", here.store.choices.rating(answer.public_id, answer.paper_key))


@router.post("/{token}")
def act(here: Here, token: str, form: Form) -> Response:
    """Record the answer, or take it back; whichever is done twice is done once."""
    answer = here.tokens.read_feedback(token, today=here.today())
    paper = _paper(here, answer)
    undo, before = text(form, "undo"), None
    if undo in _BEFORE:
        said = _BEFORE[undo]
        here.store.choices.rate(answer.public_id, paper.key, said, now=here.now())
        return _page(here, answer, "undone", said)
    said = Rating(liked=answer.liked, answer=True)
    before = here.store.choices.rate(answer.public_id, paper.key, said, now=here.now())
    return _page(here, answer, "said", said, before=None if before == said else before)


def _paper(here: Parts, answer: Feedback) -> Paper:
    papers = here.store.papers.by_key([answer.paper_key])
    if answer.paper_key not in papers:
        raise ExpiredError("the paper of this link is not kept any more", hint="use a link of a newer mail")
    return papers[answer.paper_key]


def _page(here: Parts, answer: Feedback, state: str, now: Rating | None, before: Rating | None = None) -> Response:
    said = Rating(liked=answer.liked, answer=True)
    return here.pages.page(
        "feedback",
        state="said" if state == "asked" and now == said else state,
        liked=answer.liked,
        now=_NAMES[now],
        before=_NAMES[before],
        paper=_paper(here, answer),
    )
