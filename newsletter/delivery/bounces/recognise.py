"""What a mail is: a report on one of ours, a complaint, or something that is none of our business.

In this order, as each is surer than what follows: complaints (RFC 5965), notifications of Amazon's, delivery reports
(RFC 3464), receipts and automatic answers, explanations for people that a mail server wrote, and what flufl.bounce
knows besides.
"""

from __future__ import annotations

import email
import logging
from collections.abc import Sequence
from dataclasses import replace

from newsletter.delivery.bounces import addresses, amazon, complaints, dsn, prose, signs
from newsletter.delivery.bounces.mail import Part, enclosed, fields, parse
from newsletter.delivery.bounces.report import BounceReport, Failure, Traces
from newsletter.delivery.bounces.told import Told
from newsletter.delivery.bounces.verdict import decide
from newsletter.model import BounceKind

_SENT_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "apparently-to", "to")
_RETURNED_TO = ("x-original-to", "delivered-to", "to")
_RETURNED_FROM = ("return-path", "x-envelope-from", "x-sender", "errors-to")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "text/rfc822")
_FLUFL_BYTES = 100_000
_NONE = BounceReport(BounceKind.NONE)


def recognise(data: bytes) -> BounceReport:
    """Give what a mail says of messages of ours. Never raises: what cannot be read as a bounce is none."""
    mail = _unwrapped(parse(data))
    leaves = list(mail.leaves())
    copy = next((enclosed(leaf) for leaf in leaves if leaf.kind in _RETURNED), None)
    explained = prose.notice(mail, leaves)
    if copy is None and explained.returned:
        copy = Part(fields(explained.returned), b"", "text/plain")
    traces = _traces(mail, leaves, copy)
    if (feedback := complaints.feedback(mail, leaves, copy)) is not None:
        return _complaint(feedback, copy, traces)
    if (told := amazon.in_mail(mail)) is not None:
        return _notified(told, traces)
    reported = _reported(leaves, explained.text)
    if reported is None:
        reported = _explained(mail, leaves, explained.text, traces, data)
    return _summed_up(reported, traces)


def _complaint(feedback: dict[str, tuple[str, ...]], copy: Part | None, traces: Traces) -> BounceReport:
    if not complaints.is_complaint(feedback):
        return _NONE
    who = complaints.complainers(feedback, copy, traces)
    senders = addresses.distinct((*complaints.senders(feedback), *traces.senders))
    known = Traces(traces.sent_to, senders, traces.message_ids, who)
    return BounceReport(BounceKind.COMPLAINT, who, traces=known)


def _unwrapped(mail: Part) -> Part:
    """Give the report that a scanner on its way wrapped as the first part of another mail, else the mail itself."""
    first = mail.parts[0] if mail.parts else mail
    if first.kind != "message/rfc822" or not (signs.from_daemon(mail) and signs.subject_of_a_bounce(mail)):
        return mail
    inner = enclosed(first)
    return replace(inner, headers={**mail.headers, **inner.headers}) if signs.is_a_report(inner) else mail


def _notified(told: Sequence[Told], traces: Traces) -> BounceReport:
    """Give one report of what a provider tells of one message; of several recipients the worst decides."""
    if not told:
        return _NONE
    reports = [one.report for one in told]
    worst = min(reports, key=lambda report: (report.kind is BounceKind.SOFT, report.delayed))
    named = addresses.distinct(one for report in reports for one in report.recipients)
    known = replace(worst.traces, sent_to=traces.sent_to, originals=named)
    return replace(worst, recipients=named, traces=known)


def _reported(leaves: Sequence[Part], notice: str) -> list[Failure] | None:
    """Read the report for programs, if there is one that names anybody."""
    found: list[Failure] | None = None
    for leaf in leaves:
        if dsn.is_report(leaf) and (some := dsn.failures(leaf, notice)) is not None:
            found = [*(found or []), *some]
    return found


def _explained(mail: Part, leaves: list[Part], notice: str, traces: Traces, data: bytes) -> list[Failure]:
    """Read the explanation for people, if a mail server wrote it."""
    receipt = signs.is_receipt(leaves) and not signs.rejects(mail)
    if receipt or signs.is_automatic_answer(mail) or signs.reports_success(mail):
        return []
    ours = frozenset(one.casefold() for one in (*traces.sent_to, *addresses.all_in(mail.header("from"))))
    if not signs.is_likely_a_bounce(mail, leaves, notice, names_somebody=prose.has_a_heading(notice, ours)):
        return []
    named = addresses.all_in(",".join(mail.headers.get("x-failed-recipients", ())))
    delayed = prose.is_delay(mail.header("subject"), notice)
    certain = frozenset(one.casefold() for name in ("to", "from") for one in addresses.all_in(mail.header(name)))
    for some in (ours, certain):  # what a Received field says of us may be of somebody else
        unnamed = some - {one.casefold() for one in named}
        if found := prose.failures(notice, ours=unnamed, named=named, delayed=delayed):
            return found
    others = [one for one in _by_flufl(data) if one.casefold() not in ours] or traces.originals
    others = others or prose.heads_of_paragraphs(notice)  # who wrote to themselves
    said = "\n".join((mail.header("subject"), notice))
    spoken = prose.spoken_in(notice.split("\n"))
    verdict = decide(spoken, action="delayed" if delayed else "", around=said, session=notice)
    return [Failure(one, verdict) for one in others or ("",)]


def _by_flufl(data: bytes) -> tuple[str, ...]:
    """Ask flufl.bounce, which knows forms of many old mail servers, whom a bounce names."""
    from flufl.bounce import all_failures  # noqa: PLC0415  lazy: few mails need it

    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it logs what we expect of it
    try:
        passing, final = all_failures(email.message_from_bytes(data[:_FLUFL_BYTES]))
    except Exception:  # noqa: BLE001  its detectors were not made for hostile mail, and raise whatever they trip over
        return ()
    named = (one.decode("utf-8", "replace") for one in (*final, *passing))
    return addresses.distinct(sorted(addresses.first_in(one) for one in named))


def _traces(mail: Part, leaves: Sequence[Part], copy: Part | None) -> Traces:
    sent_to = [one for name in _SENT_TO for value in mail.headers.get(name, ()) for one in addresses.all_in(value)]
    sent_to += [
        addresses.first_in(value.partition(" for ")[2])
        for value in mail.headers.get("received", ())[:3]
        if " for " in value
    ]
    returned = copy.headers if copy is not None else {}
    originals = [one for leaf in leaves if dsn.is_report(leaf) for one in dsn.originals(leaf)]
    to = [next(iter(addresses.all_in(value)), "") for name in _RETURNED_TO for value in returned.get(name, ())]
    return Traces(
        sent_to=addresses.distinct(sent_to),
        senders=addresses.distinct(
            one for name in _RETURNED_FROM for value in returned.get(name, ()) for one in addresses.all_in(value)
        ),
        message_ids=tuple(value.strip() for value in returned.get("message-id", ()) if value.strip())[:3],
        originals=addresses.distinct((*originals, *to)),
    )


def _weight(failure: Failure) -> tuple[bool, bool, bool]:
    verdict = failure.verdict
    return verdict.kind is not BounceKind.HARD, verdict.delayed, verdict.status is None


def _summed_up(failures: Sequence[Failure], traces: Traces) -> BounceReport:
    """Give one report over all recipients: hard before soft, given up before delayed."""
    if not failures:
        return BounceReport(BounceKind.NONE, traces=traces)
    worst = min(failures, key=_weight)
    named = addresses.distinct(one.recipient for one in failures)
    if not named and len(traces.originals) == 1:
        named = traces.originals
    verdict = worst.verdict
    return BounceReport(verdict.kind, named, verdict.status, verdict.reason, delayed=verdict.delayed, traces=traces)
