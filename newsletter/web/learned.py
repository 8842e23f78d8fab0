"""`/preferences/{token}/learned`: what we think somebody likes, each part removable, and what their answers did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from newsletter.model import InterestProfile, NewSubscriber, Subscriber
from newsletter.ranking.interests import Interests
from newsletter.rendering import ENGLISH, paper_title
from newsletter.subscriptions.signup import MOST_PAPERS
from newsletter.web.parts import Form, Here, Parts, text, texts

router = APIRouter(prefix="/preferences/{token}/learned")

_TAKEN_AT_ONCE = 100  # papers of one group
_NAMED = 3
_LISTS = ("keywords", "authors", "muted")


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that we think of somebody: what it is, what speaks for it, and what the button to remove it sends."""

    name: str
    because: str
    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What answers changed of today's issue: titles with ids that came in by them, and that went out."""

    came: tuple[tuple[str, str], ...]
    gone: tuple[tuple[str, str], ...]


@router.get("")
def show(here: Here, token: str) -> Response:
    """Show it; nothing changes."""
    return _page(here, token, _reader(here, token))


@router.post("")
def remove(here: Here, token: str, form: Form) -> Response:
    """Take a part out, or all of it."""
    reader = _reader(here, token)
    profile, papers = reader.profile, texts(form, "papers")
    if text(form, "reset") == "everything":
        here.store.choices.take_back(reader.public_id, reader.profile.rated)
        changed, said = InterestProfile(), "All of it is gone. Your next issues are what others noticed."
    elif papers:
        here.store.choices.take_back(reader.public_id, papers[:_TAKEN_AT_ONCE])
        changed, said = profile, "Taken out."
    else:
        changed, said = _without(profile, form), "Taken out."
    here.store.choices.change(reader.public_id, _again(reader, changed), now=here.now())
    return _page(here, token, _reader(here, token), said=said)


def _reader(here: Parts, token: str) -> Subscriber:
    return here.store.choices.get(here.tokens.read_preferences(token, today=here.today()))


def _without(profile: InterestProfile, form: Form) -> InterestProfile:
    if topic := text(form, "topic"):
        return replace(profile, topics=tuple(one for one in profile.topics if one[0] != topic))
    if text(form, "interests"):
        return replace(profile, interests="")
    for name in _LISTS:
        if values := set(texts(form, name)):
            rest: dict[str, Any] = {name: tuple(one for one in getattr(profile, name) if one not in values)}
            return replace(profile, **rest)
    raise HTTPException(422)


def _again(reader: Subscriber, profile: InterestProfile) -> NewSubscriber:
    return NewSubscriber(
        email=reader.email,
        profile=profile,
        name=reader.name,
        cadence=reader.cadence,
        timezone=reader.timezone,
        hour=reader.hour,
        papers=reader.papers,
        language=reader.language,
        quiet=reader.quiet,
        status=reader.status,
    )


def _page(here: Parts, token: str, reader: Subscriber, *, said: str = "") -> Response:
    interests = here.foretaste.interests(reader.profile, now=here.now())
    return here.pages.page(
        "learned",
        token=token,
        said=said,
        parts=list(_parts(here, reader.profile, interests)),
        moved=_moved(here, reader),
        answers=len(reader.profile.answers),
    )


def _parts(here: Parts, profile: InterestProfile, interests: Interests) -> Iterator[Part]:
    weights = dict(profile.topics)
    for query in interests.topics:
        if query.topic:
            weight = weights.get(query.topic.slug, 1.0)
            because = "a topic you chose" + (f", with weight {weight:g}" if weight != 1 else "")
            yield Part(query.label, because, "topic", (query.topic.slug,))
    for query in interests.words:
        if query.keywords:
            yield Part(query.label, "keywords you named", "keywords", query.keywords)
        else:
            yield Part(f"“{query.label}”", "from what you wrote", "interests", ("all",))
    for author in profile.authors:
        yield Part(author, "an author you named", "authors", (author,))
    for rows in interests.liked.groups:
        papers = [interests.liked.papers[row] for row in rows]
        titles = "; ".join(paper_title(ENGLISH, paper) for paper in papers[:_NAMED])
        more = f" and {len(papers) - _NAMED} more" if len(papers) > _NAMED else ""
        kind = "a paper you liked" if len(papers) == 1 else f"{len(papers)} papers you liked that are alike"
        yield Part(f"{titles}{more}", kind, "papers", tuple(paper.id for paper in papers[:_TAKEN_AT_ONCE]))
    for phrase in profile.muted:
        yield Part(phrase, "never shown", "muted", (phrase,))


def _moved(here: Parts, reader: Subscriber) -> Moved | None:
    """Tell what today's issue would be without the answers; None where there are none, or it cannot be told yet."""
    profile = reader.profile
    if not profile.answers:
        return None
    cards, today, now = min(reader.papers, MOST_PAPERS), here.today(), here.now()
    taught = here.foretaste.pick(profile, cards=cards, today=today, now=now)
    untaught = here.foretaste.pick(replace(profile, answers=()), cards=cards, today=today, now=now)
    if taught is None or untaught is None:
        return None
    answered = set(here.store.papers.keys(answer.paper for answer in profile.answers).values())
    came = [paper for key, paper in taught.papers.items() if key not in untaught.papers]
    gone = [paper for key, paper in untaught.papers.items() if key not in taught.papers and key not in answered]
    return Moved(*(tuple((one.id, paper_title(ENGLISH, one)) for one in some) for some in (came, gone)))
