"""What a provider told, and how its JSON is read without trusting its form."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from newsletter.delivery.bounces import BounceReport, Reason, Traces, Verdict, addresses, decide
from newsletter.errors import NewsletterError
from newsletter.model import BounceKind

_FRESH = timedelta(hours=24)  # providers try again for hours where we do not answer; each event counts once anyway


class ForgedError(NewsletterError):
    """A request does not come from the provider, by its signature, or says nothing that can be read."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event: `name` is the provider's own name for it, by which it is known when it comes again."""

    name: str
    report: BounceReport


def bounced(
    name: str,
    said: str,
    *,
    recipients: Iterable[str],
    status: str = "",
    final: bool = False,
    delayed: bool = False,
    senders: Iterable[str] = (),
    message_ids: Iterable[str] = (),
) -> Told:
    """Give a bounce as our own rules see it. `final`: the provider takes the address for one that cannot receive.

    That counts where the server's own words and status do not tell: `said` and `status` go first.
    """
    verdict = decide(said, status=status, action="delayed" if delayed else "failed")
    if final and verdict.reason is Reason.OTHER and not delayed:
        verdict = Verdict(BounceKind.HARD, Reason.USER_UNKNOWN, verdict.status)
    traces = _traces(recipients, senders, message_ids)
    return Told(
        name,
        BounceReport(
            verdict.kind, traces.originals, verdict.status, verdict.reason, delayed=verdict.delayed, traces=traces
        ),
    )


def refused(
    name: str, *, recipients: Iterable[str], senders: Iterable[str] = (), message_ids: Iterable[str] = ()
) -> Told:
    """Give an event of a message that the provider itself did not even try to deliver, for reasons of its own."""
    traces = _traces(recipients, senders, message_ids)
    return Told(name, BounceReport(BounceKind.SOFT, traces.originals, None, Reason.POLICY, traces=traces))


def complained(
    name: str, *, recipients: Iterable[str], senders: Iterable[str] = (), message_ids: Iterable[str] = ()
) -> Told:
    """Give a complaint: a reader pressed "this is spam"."""
    traces = _traces(recipients, senders, message_ids)
    return Told(name, BounceReport(BounceKind.COMPLAINT, traces.originals, traces=traces))


def _traces(recipients: Iterable[str], senders: Iterable[str], message_ids: Iterable[str]) -> Traces:
    """Bring names to the form that reports by mail have; a Message-ID may come without its brackets."""
    return Traces(
        senders=addresses.distinct(map(addresses.first_in, senders)),
        message_ids=tuple(f"<{one.strip().strip('<>')}>" for one in message_ids if one.strip())[:3],
        originals=addresses.distinct(map(addresses.first_in, recipients)),
    )


def read_json(body: bytes) -> Any:
    """Read JSON. Raises ForgedError where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ForgedError("the request is no JSON") from error


def table(value: Any) -> Mapping[str, Any]:
    """Give a JSON object; an empty one where something else stands."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Give the JSON objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(of: Mapping[str, Any], name: str) -> str:
    """Give a text or number as text; '' where there is none."""
    value = of.get(name)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def check_fresh(seconds: str, now: datetime) -> None:
    """Raise ForgedError where a request was signed long ago: somebody may send again what they once saw."""
    try:
        away = abs(now.timestamp() - float(seconds))
    except (ValueError, OverflowError) as error:
        raise ForgedError("the time of the signature is no number") from error
    if not away <= _FRESH.total_seconds():
        raise ForgedError("the signature is too old")


def same(one: str, other: str) -> bool:
    """Compare secrets in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
