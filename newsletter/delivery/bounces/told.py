"""What a provider told, and how its JSON is read without trusting its form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from newsletter.delivery.bounces import addresses
from newsletter.delivery.bounces.report import BounceReport, Reason, Traces, Verdict
from newsletter.delivery.bounces.verdict import decide
from newsletter.model import BounceKind


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
