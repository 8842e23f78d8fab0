"""Telling other programs what happens to subscriptions and issues: signed, retried from the store, guarded.

A call is a POST of JSON, signed as the Standard Webhooks do (https://www.standardwebhooks.com): HMAC-SHA256 over
`id.timestamp.body`. It names nobody by address: who gets it asks the API for that, with a key that may know.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from newsletter.errors import FetchError, UsageError
from newsletter.model import Issue, IssueState
from newsletter.patience import rest
from newsletter.sources.post import post
from newsletter.store import Store
from newsletter.store.webhooks import Call, Webhook

EVENTS = (
    "subscriber.confirmed", "subscriber.unsubscribed", "subscriber.returned", "subscriber.erased",
    "subscriber.suppressed", "issue.opened", "issue.approved", "issue.paused", "issue.resumed", "issue.sent",
)  # fmt: skip
# What may become of an issue, and what that is called.
CHANGES = {
    (IssueState.DRAFT, IssueState.OPEN): "issue.approved",
    (IssueState.OPEN, IssueState.PAUSED): "issue.paused",
    (IssueState.PAUSED, IssueState.OPEN): "issue.resumed",
}
_SECONDS = 10.0
_LEASE = timedelta(minutes=5)
_AT_ONCE = 20

_log = logging.getLogger(__name__)


def signature(hook: Webhook, number: str, timestamp: int, body: bytes) -> str:
    """Give what the header `webhook-signature` says."""
    signed = hmac.new(hook.secret.encode(), f"{number}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def change_state(store: Store, issue: Issue, state: IssueState, *, now: datetime) -> bool:
    """Approve, pause or resume an issue, and queue the calls that tell so; tell whether there are any.

    Raises UsageError where that is not to be done with it.
    """
    if issue.state is state:
        return False
    event = CHANGES.get((issue.state, state))
    if event is None:
        raise UsageError(f"the issue is {issue.state}, and cannot become {state}")
    store.issues.set_state(issue, state)
    return tell_of(store, event, issue, now=now)


def tell_of(store: Store, event: str, issue: Issue, *, now: datetime) -> bool:
    """Queue the calls that tell what became of an issue; tell whether there are any."""
    return bool(store.webhooks.happened(event, {"day": issue.day.isoformat(), "cadence": issue.cadence.value}, now=now))


def send_due(
    store: Store, *, now: Callable[[], datetime], allow_private: bool, stop: Callable[[], bool] = lambda: False
) -> int:
    """Make the calls that are due, one after the other, and tell how many arrived.

    None is begun once it is to `stop`: listeners that do not answer would keep the program from its end for minutes.
    Those are made when their lease is over.
    """
    arrived = 0
    while not stop() and (calls := store.webhooks.take(_AT_ONCE, now=now(), lease=_LEASE)):
        for call in calls:
            if not stop():
                arrived += _made(store, call, now(), allow_private=allow_private)
    return arrived


def _made(store: Store, call: Call, now: datetime, *, allow_private: bool) -> bool:
    number, timestamp = f"call_{call.key}", int(now.timestamp())
    body = _body(call.event, call.data, call.happened_at)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(call.webhook, number, timestamp, body),
    }
    try:
        said = post(call.webhook.url, body, headers, seconds=_SECONDS, allow_private=allow_private)
    except FetchError as error:
        wait = None if error.permanent else rest(call.attempts + 1)
        store.webhooks.settle(call.key, error.message, again=now + wait if wait else None)
        _log.warning("webhook: %s", error.message)
        return False
    store.webhooks.settle(call.key, said, again=None)
    return True


def _body(event: str, data: Mapping[str, Any], happened_at: datetime) -> bytes:
    document = {"type": event, "timestamp": happened_at.isoformat(), "data": data}
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
