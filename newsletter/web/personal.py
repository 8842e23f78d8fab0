"""`/my-data/{token}`: all that is kept of a subscriber, to take along (GET), and to erase (POST)."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from newsletter.model import Pick, Subscriber, SubscriberStatus
from newsletter.subscriptions.document import document
from newsletter.subscriptions.signup import address_hash
from newsletter.web.happenings import tell
from newsletter.web.parts import Form, Here, Parts, text
from newsletter.web.words import masked

router = APIRouter(prefix="/my-data")


@router.get("/{token}")
def take(here: Here, token: str) -> Response:
    """Give everything as one JSON file."""
    reader = _reader(here, token)
    data = {**document(reader), "consents": _consents(here, reader), "issues": _issues(here, reader)}
    headers = {
        "Content-Disposition": 'attachment; filename="my-data.json"',
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
    }
    written = json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8", "replace")
    return Response(written, media_type="application/json", headers=headers)


@router.post("/{token}")
def erase(here: Here, token: str, form: Form) -> Response:
    """Erase everything but a keyed hash, once the box is ticked that says so."""
    reader = _reader(here, token)
    if text(form, "sure") != "yes":
        return here.pages.page("erase", status=422, erased=False, address=masked(reader.email))
    hashed = address_hash(reader.email, here.secret)
    now = here.now()
    here.store.subscribers.forget(reader.email, address_hash=hashed, now=now)
    tell(here, "subscriber.erased", {"id": reader.public_id})
    if reader.status is SubscriberStatus.ACTIVE:
        here.errands.run(lambda: here.correspondence.goodbye(reader, erased=True, now=now))
    return here.pages.page("erase", erased=True, address=masked(reader.email))


def _reader(here: Parts, token: str) -> Subscriber:
    return here.store.choices.get(here.tokens.read_my_data(token, today=here.today()))


def _consents(here: Parts, reader: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "asked_at": one.asked_at.isoformat(),
            "wording": one.wording,
            "confirmed_at": one.confirmed_at.isoformat() if one.confirmed_at else None,
        }
        for one in here.store.consents.of_subscriber(reader.key)
    ]


def _issues(here: Parts, reader: Subscriber) -> list[dict[str, Any]]:
    """Give every issue they were sent, with what was picked and why, and what became of the mail."""
    editions = here.store.issues.of_subscriber(reader.key)
    deliveries = {one.issue_key: one for one in here.store.deliveries.of_subscriber(reader.key)}
    papers = here.store.papers.by_key(pick.paper_key for _, picks in editions for pick in picks)

    def told(pick: Pick) -> dict[str, Any]:
        paper = papers.get(pick.paper_key)
        return {
            "paper": paper.id if paper else None,
            "title": paper.title if paper else None,
            "rank": pick.rank,
            "section": pick.section.value,
            "score": pick.score,
            "reasons": [{"kind": reason.kind.value, "matched": reason.matched} for reason in pick.reasons],
        }

    return [
        {
            "day": issue.day.isoformat(),
            "cadence": issue.cadence.value,
            "delivery": {"state": sent.state.value, "message_id": sent.message_id, "response": sent.response}
            if (sent := deliveries.get(issue.key))
            else None,
            "picks": [told(pick) for pick in picks],
        }
        for issue, picks in editions
    ]
