"""The endpoints of `/api/v1`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.exceptions import HTTPException

from newsletter.errors import FetchError, NotFoundError, ProfileError, UsageError
from newsletter.model import Cadence, DeliveryState, InterestProfile, Issue, SubscriberStatus
from newsletter.sources import guard
from newsletter.subscriptions.signup import Wishes, address_hash, checked, email_address, subscription
from newsletter.web.api.access import allowed
from newsletter.web.api.models import (
    LARGEST,
    After,
    DeliveryOut,
    IssueChange,
    IssueOut,
    Limit,
    NewWebhook,
    Page,
    PaperOut,
    SubscriberIn,
    SubscriberOut,
    Text,
    WebhookIn,
    WebhookOut,
)
from newsletter.web.archive import found, fused, in_order
from newsletter.web.happenings import set_state, tell
from newsletter.web.parts import Here, Parts
from newsletter.webhooks import EVENTS

router = APIRouter(prefix="/v1")

Email = Annotated[Text, Path(max_length=320)]


@router.get("/papers", tags=["papers"], dependencies=[allowed("papers:read")])
def papers(
    here: Here, q: Annotated[Text, Query(max_length=200)] = "", limit: Limit = 50, after: After = 0
) -> Page[PaperOut]:
    """List papers, newest first; or those that fit a question by words and meaning, the best first."""
    if q.strip():
        keys = fused(*found(here, q))[after : after + limit + 1]
        some, more = in_order(here, keys[:limit]), len(keys) > limit
        return Page(items=[PaperOut.of(one) for one in some], next=after + limit if more else None)
    some = here.store.archive.newest(limit + 1, below=after or LARGEST)
    return Page(
        items=[PaperOut.of(one) for one in some[:limit]], next=some[limit - 1].key if len(some) > limit else None
    )


@router.get("/papers/{id:path}", tags=["papers"], dependencies=[allowed("papers:read")])
def paper(here: Here, id: Annotated[Text, Path(max_length=2000)]) -> PaperOut:  # noqa: A002  the name that is shown
    """Give a paper by any name that it goes by: `arxiv:2508.10433`, `doi:10.…`."""
    known = here.store.papers.named([id]).get(id)
    if known is None or not known.announced:
        raise HTTPException(404, "There is no such paper.")
    return PaperOut.of(known)


@router.get("/issues", tags=["issues"], dependencies=[allowed("issues:read")])
def issues(here: Here, limit: Limit = 50, after: After = 0) -> Page[IssueOut]:
    """List issues, newest first."""
    some = here.store.issues.page(limit + 1, below=after or LARGEST)
    return Page(
        items=[_issue(here, one) for one in some[:limit]], next=some[limit - 1].key if len(some) > limit else None
    )


@router.get("/issues/{day}/{cadence}", tags=["issues"], dependencies=[allowed("issues:read")])
def issue(here: Here, day: date, cadence: Cadence) -> IssueOut:
    """Give the issue of a day and a cadence."""
    return _issue(here, _found(here, day, cadence))


@router.patch("/issues/{day}/{cadence}", tags=["issues"], dependencies=[allowed("issues:write")])
def change(here: Here, day: date, cadence: Cadence, wanted: IssueChange) -> IssueOut:
    """Approve, pause or resume an issue."""
    try:
        set_state(here, _found(here, day, cadence), wanted.state)
    except UsageError as error:
        raise HTTPException(409, error.message) from error
    return _issue(here, _found(here, day, cadence))


@router.get("/subscribers", tags=["subscribers"], dependencies=[allowed("subscribers:read")])
def subscribers(
    here: Here, status: SubscriberStatus | None = None, limit: Limit = 50, after: After = 0
) -> Page[SubscriberOut]:
    """List subscribers, in the order they came."""
    some = here.store.subscribers.page(limit + 1, above=after, status=status)
    return Page(
        items=[SubscriberOut.of(one) for one in some[:limit]], next=some[limit - 1].key if len(some) > limit else None
    )


@router.get("/subscribers/{email}", tags=["subscribers"], dependencies=[allowed("subscribers:read")])
def subscriber(here: Here, email: Email) -> SubscriberOut:
    """Give a subscriber by address."""
    return SubscriberOut.of(here.store.subscribers.get(email))


@router.put("/subscribers/{email}", tags=["subscribers"], dependencies=[allowed("subscribers:write")])
def put(here: Here, email: Email, wanted: SubscriberIn) -> SubscriberOut:
    """Subscribe an address, or change what it gets. Who left, or must not be mailed, stays so (409).

    Who paused, or changed the cadence, by themselves keeps it, unless `overrule` is true; the answer tells.
    """
    address = email_address(email)
    if here.store.subscribers.suppressed([address_hash(address, here.secret)]):
        raise HTTPException(409, "The address must not be mailed.")
    before = here.store.subscribers.find(address)
    if before and before.status in {SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.SUPPRESSED}:
        raise HTTPException(409, f"The address is {before.status}.")
    values = wanted.model_dump(include={"papers", "cadence", "timezone", "hour", "language", "quiet"})
    profile = InterestProfile(
        topics=tuple(wanted.topics.items()),
        keywords=tuple(wanted.keywords),
        muted=tuple(wanted.muted),
        authors=tuple(wanted.authors),
        interests=wanted.interests,
    )
    wishes = checked(Wishes(profile, **values), here.topics)
    new = subscription(address, wishes, name=wanted.name, confirmed=wanted.confirmed)
    if before:
        here.store.choices.arrange(before.public_id, new, overrule=wanted.overrule)
    else:
        here.store.subscribers.add(new, now=here.now())
    return SubscriberOut.of(here.store.subscribers.get(address))


@router.delete(
    "/subscribers/{email}", tags=["subscribers"], dependencies=[allowed("subscribers:write")], status_code=204
)
def forget(here: Here, email: Email) -> None:
    """Erase all that is kept of an address but a keyed hash that keeps it from being mailed again."""
    one = here.store.subscribers.get(email)
    here.store.subscribers.forget(email, address_hash=address_hash(one.email, here.secret), now=here.now())
    tell(here, "subscriber.erased", {"id": one.public_id})


@router.get("/deliveries", tags=["deliveries"], dependencies=[allowed("deliveries:read")])
def deliveries(
    here: Here, day: date | None = None, state: DeliveryState | None = None, limit: Limit = 50, after: After = 0
) -> Page[DeliveryOut]:
    """List deliveries in the order they were queued, of one day or of all, in one state or in any."""
    keys = None if day is None else [one.key for one in here.store.issues.on(day)]
    some = here.store.deliveries.page(limit + 1, above=after, issue_keys=keys, state=state)
    dated = here.store.issues.by_key(one.issue_key for one in some)
    people = here.store.subscribers.by_key(one.subscriber_key for one in some)
    items = [
        DeliveryOut(
            key=one.key,
            day=dated[one.issue_key].day,
            cadence=dated[one.issue_key].cadence,
            subscriber=people[one.subscriber_key].public_id if one.subscriber_key in people else "",
            state=one.state,
            attempts=one.attempts,
            message_id=one.message_id,
            response=one.response,
        )
        for one in some[:limit]
    ]
    return Page(items=items, next=some[limit - 1].key if len(some) > limit else None)


@router.get("/webhooks", tags=["webhooks"], dependencies=[allowed("webhooks:read")])
def webhooks(here: Here) -> list[WebhookOut]:
    """List the addresses that are told what happens."""
    return [WebhookOut.of(one) for one in here.store.webhooks.all()]


@router.post("/webhooks", tags=["webhooks"], dependencies=[allowed("webhooks:write")], status_code=201)
def add_webhook(here: Here, wanted: WebhookIn) -> NewWebhook:
    """Tell an address of some events from now on. Its calls are signed with the secret that is given this once."""
    if unknown := [event for event in wanted.events if event not in EVENTS]:
        raise ProfileError(f"no such event: {unknown[0][:60]!r}", hint=f"there are {', '.join(EVENTS)}")
    try:
        guard.first(wanted.url, allow_private=here.settings.fetching.allow_private)
    except FetchError as error:
        raise ProfileError(error.message) from error
    hook = here.store.webhooks.add(wanted.url, wanted.events, now=here.now())
    return NewWebhook(**WebhookOut.of(hook).model_dump(), secret=hook.secret)


@router.delete("/webhooks/{key}", tags=["webhooks"], dependencies=[allowed("webhooks:write")], status_code=204)
def remove_webhook(here: Here, key: Annotated[int, Path(ge=0, le=LARGEST)]) -> None:
    """Tell an address no more."""
    here.store.webhooks.remove(key)


def _found(here: Parts, day: date, cadence: Cadence) -> Issue:
    for one in here.store.issues.on(day):
        if one.cadence is cadence:
            return one
    raise NotFoundError("There is no such issue.")


def _issue(here: Parts, one: Issue) -> IssueOut:
    values: dict[str, Any] = {"day": one.day, "cadence": one.cadence, "state": one.state}
    return IssueOut(
        **values,
        window_start=one.window.start,
        window_end=one.window.end,
        papers=here.store.papers.count(one.window),
        deliveries=here.store.deliveries.counts([one.key]),
    )
