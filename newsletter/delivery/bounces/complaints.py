"""Complaints: a reader pressed "this is spam" (RFC 5965), or a provider says so in its own form."""

from __future__ import annotations

import re

from newsletter.delivery.bounces import addresses
from newsletter.delivery.bounces.mail import Part, fields
from newsletter.delivery.bounces.report import Traces

_KIND = "message/feedback-report"
# RFC 6591 and RFC 6430 give the format other uses: a failed check of DKIM or DMARC, and "this is not spam".
_NO_COMPLAINT = frozenset({"auth-failure", "not-spam", "dmarc"})
# Outlook's Junk Mail Reporting Program sends no ARF: a mail from staff@ with the message that is complained about,
# in which a header names the reader; by that it is known where somebody passes the reports on.
_STAFF = re.compile(r"\bstaff@(?:hotmail|outlook|live|microsoft)\.", re.IGNORECASE)
_JUNK_REPORT = re.compile(r"^complaint about message from\b", re.IGNORECASE)
_JUNK_RECIPIENT = "x-hmxmroriginalrecipient"
_REDACTED = re.compile(r"redact|^x{3,}@", re.IGNORECASE)


def feedback(mail: Part, leaves: list[Part], copy: Part | None) -> dict[str, tuple[str, ...]] | None:
    """Give the fields of a feedback report; None where the mail is none. `copy`: the message that it returns."""
    part = next((leaf for leaf in leaves if leaf.kind == _KIND), None)
    if part is None and "report-type=feedback-report" in mail.header("content-type").lower().replace('"', ""):
        part = next((leaf for leaf in leaves if re.search(r"(?im)^feedback-type[ \t]*:", leaf.text)), None)
    if part is not None:
        found = dict(fields(part.text.strip("\n")))
        return found | {"feedback-type": found.get("feedback-type", ("abuse",))}
    named = copy is not None and _JUNK_RECIPIENT in copy.headers
    if _JUNK_REPORT.match(mail.header("subject").strip()) and (named or _STAFF.search(mail.header("from"))):
        return {"feedback-type": ("abuse",)}
    return None


def is_complaint(report: dict[str, tuple[str, ...]]) -> bool:
    """Tell whether a feedback report is one of a reader."""
    return report["feedback-type"][0].strip().lower() not in _NO_COMPLAINT


def complainers(report: dict[str, tuple[str, ...]], original: Part | None, traces: Traces) -> tuple[str, ...]:
    """Give who complained, by the report or else by the message it returns; none where all of it is redacted."""
    named = [*report.get("original-rcpt-to", ()), *report.get("removal-recipient", ())]
    if original is not None and not named:
        named = [original.header(_JUNK_RECIPIENT)]
    found = addresses.distinct(map(addresses.typed, named)) or traces.originals
    return tuple(one for one in found if not _REDACTED.search(one))


def senders(report: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Give the envelope sender of the message that is complained about."""
    return addresses.distinct(map(addresses.typed, report.get("original-mail-from", ())))
