"""What comes back, taken in: recognise it, find the delivery that it is about, and draw the consequences.

Only what carries our own signature has consequences: the bounce address that it came to, or that the message it returns
was sent from (VERP, `delivery.envelope`); or else the unguessable Message-ID of a message that was sent to the very
address that is named. Anybody can write a bounce; nobody can make anyone else's subscription suffer by one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from newsletter import logs
from newsletter.delivery import envelope
from newsletter.delivery.bounces import BounceReport, Reason, SoftBounces, Verdict, decide, recognise
from newsletter.delivery.states import may_change
from newsletter.model import BounceKind, DeliveryState
from newsletter.store import Store
from newsletter.store.bounces import Addressee, NewBounce
from newsletter.subscriptions.signup import address_hash

_LOG = logs.of("returns")
_CHANGEABLE = tuple(state for state in DeliveryState if may_change(state, DeliveryState.BOUNCED))
# What mail programs write into the head of a message that lies in a mailbox: it is the same message all the same.
_OF_THE_MAILBOX = re.compile(
    rb"^(?:Status|X-Status|X-Keywords|X-UID|X-IMAP\w*|X-Mozilla-[\w-]+|Lines|Content-Length):[^\n]*\n",
    re.IGNORECASE | re.MULTILINE,
)


class Effect(StrEnum):
    """What a mail that came back did."""

    SUPPRESSED = "suppressed"
    COUNTED = "counted"
    NOTED = "noted"  # a delay, or one more report on a delivery: nothing that counts
    KNOWN = "known"
    UNKNOWN = "unknown"  # no delivery of ours, by any signature of ours
    NONE = "none"
    REHEARSED = "rehearsed"  # what it would do is not done


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail, what it says, the key of the delivery that it is about, and what it did.

    `stored`: it is in the database, so the mail itself is needed no more.
    """

    report: BounceReport
    delivery: int | None
    effect: Effect

    @property
    def stored(self) -> bool:
        """Whether the database has it."""
        return self.effect not in {Effect.UNKNOWN, Effect.NONE, Effect.REHEARSED}


class Returns:
    """Takes mails that came back."""

    def __init__(self, store: Store, secret: str, soft: SoftBounces) -> None:
        self._store = store
        self._secret = secret
        self._soft = soft

    def take(self, data: bytes, *, now: datetime, keep: bool = True) -> Taken:
        """Take one mail in; the same mail twice counts once. With `keep` false nothing is written."""
        report = recognise(data)
        return self._taken(message_hash(data), report, self._addressee(report), now, keep=keep)

    def told(self, name: str, report: BounceReport, *, now: datetime) -> Taken:
        """Take in what a provider told of a message, whose signature was verified; the same `name` counts once.

        Where neither the sender nor the Message-ID leads to a delivery it is the last one to that address: providers
        put names of their own in the place of ours, and this one is known to speak for the mail that it carries.
        """
        addressee = self._addressee(report) or self._store.bounces.last_addressee(report.recipients)
        return self._taken(hashlib.sha256(name.encode()).hexdigest(), report, addressee, now)

    def _taken(
        self, name: str, report: BounceReport, addressee: Addressee | None, now: datetime, *, keep: bool = True
    ) -> Taken:
        delivery = addressee.delivery_key if addressee else None
        if report.kind is BounceKind.NONE:
            return Taken(report, delivery, Effect.NONE)
        if addressee is None:
            return Taken(report, None, Effect.UNKNOWN)
        if self._store.bounces.known(name):
            return Taken(report, delivery, Effect.KNOWN)
        verdict = Verdict(report.kind, report.reason or Reason.OTHER, report.status, report.delayed)
        effect = self._record(name, addressee, verdict, now) if keep else Effect.REHEARSED
        kind, status, reason = report.kind, report.status, report.reason
        logs.event(_LOG, effect, delivery=delivery, kind=kind, status=status, reason=reason)
        return Taken(report, delivery, effect)

    def refusals(self, issue_keys: Iterable[int], *, now: datetime) -> None:
        """Draw the same consequences from recipients that a server refused on the spot."""
        for addressee in self._store.bounces.refused(issue_keys):
            self._record(f"delivery {addressee.delivery_key}", addressee, decide(addressee.response), now)

    def _addressee(self, report: BounceReport) -> Addressee | None:
        """Give whom our message was for, by a signature of ours; None where there is none."""
        traces, bounces = report.traces, self._store.bounces
        secret = self._secret.encode()
        signed = (envelope.delivery_of(one, secret) for one in (*traces.sent_to, *traces.senders))
        for key in dict.fromkeys(key for key in signed if key is not None):
            if addressee := bounces.addressee(key):
                return addressee
        named = (*report.recipients, *traces.originals)
        return bounces.addressee_of_message(traces.message_ids, named) if traces.message_ids and named else None

    def _record(self, name: str, addressee: Addressee, verdict: Verdict, now: datetime) -> Effect:
        kind = verdict.kind
        failed = kind is not BounceKind.COMPLAINT and not verdict.delayed
        bounce = NewBounce(
            message_hash=name,
            delivery_key=addressee.delivery_key,
            kind=kind,
            reason="" if kind is BounceKind.COMPLAINT else verdict.reason.value,
            status=verdict.status or "",
            counted=failed and kind is BounceKind.SOFT,
            bounced=failed,
            changeable=_CHANGEABLE,
        )

        def judge(soft: Sequence[datetime]) -> str | None:
            if kind is not BounceKind.SOFT:
                return kind.value
            return "soft bounces" if failed and self._soft.too_many(soft, now) else None

        hashed = address_hash(addressee.email, self._secret)
        if self._store.bounces.record(bounce, address_hash=hashed, judge=judge, now=now):
            told = {"id": addressee.public_id, "kind": kind.value}
            self._store.webhooks.happened("subscriber.suppressed", told, now=now)
            return Effect.SUPPRESSED
        return Effect.COUNTED if bounce.counted else Effect.NOTED


def message_hash(data: bytes) -> str:
    """Give the name by which a mail is known when it comes again, from whatever kind of mailbox."""
    head, blank, body = data.replace(b"\r\n", b"\n").strip(b"\n").partition(b"\n\n")
    return hashlib.sha256(_OF_THE_MAILBOX.sub(b"", head + b"\n") + blank + body).hexdigest()
