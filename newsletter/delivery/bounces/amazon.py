"""Amazon SES: bounces and complaints, as notifications or events over a topic of SNS, by HTTP or by mail."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from newsletter.delivery.bounces.mail import Part
from newsletter.delivery.bounces.told import Told, bounced, complained, refused, rows, table, text

# Amazon did not try, as the address stands on a list of theirs or of the account's.
_NOT_TRIED = frozenset({"Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient"})
# A line of a thousand characters is one too long for mail; sendmail and its kin cut it like this (RFC 5322, 2.1.1).
_CUT = re.compile(r"!\n ")


def in_mail(mail: Part) -> list[Told] | None:
    """Give what SES tells in a mail, which SNS sends to who subscribed to the topic by address; None where it is none.

    Nothing proves that Amazon wrote it: as of any bounce by mail, it is the envelope sender that must be ours.
    """
    if "x-amz-sns-message-id" not in mail.headers:
        return None
    said = _CUT.sub("", mail.text).lstrip()
    try:
        message = table(json.JSONDecoder().raw_decode(said)[0])
    except (ValueError, RecursionError):
        return None
    if text(message, "Type") == "Notification":  # the topic delivers it wrapped, as by HTTP
        return in_mail(Part(mail.headers, text(message, "Message").encode(), "text/plain"))
    return told(message) if "mail" in message else None


def told(message: Mapping[str, Any]) -> list[Told]:
    """Give what SES tells in a message of its topic; nothing for events that are neither bounce nor complaint."""
    mail = table(message.get("mail"))
    senders = [text(mail, "source")]
    ids = [text(table(mail.get("commonHeaders")), "messageId")]
    match text(message, "notificationType") or text(message, "eventType"):
        case "Bounce":
            bounce = table(message.get("bounce"))
            named = rows(bounce.get("bouncedRecipients"))
            return [_bounced(bounce, one, senders, ids) for one in named]
        case "Complaint":
            complaint = table(message.get("complaint"))
            if text(complaint, "complaintSubType") == "OnAccountSuppressionList":
                return []
            return [
                complained(
                    f"ses {text(complaint, 'feedbackId')} {text(one, 'emailAddress')}",
                    recipients=[text(one, "emailAddress")],
                    senders=senders,
                    message_ids=ids,
                )
                for one in rows(complaint.get("complainedRecipients"))
            ]
    return []


def _bounced(bounce: Mapping[str, Any], one: Mapping[str, Any], senders: list[str], ids: list[str]) -> Told:
    recipient = text(one, "emailAddress")
    name = f"ses {text(bounce, 'feedbackId')} {recipient}"
    if text(bounce, "bounceSubType") in _NOT_TRIED:
        return refused(name, recipients=[recipient], senders=senders, message_ids=ids)
    return bounced(
        name,
        text(one, "diagnosticCode").removeprefix("smtp; "),
        recipients=[recipient],
        status=text(one, "status"),
        final=text(bounce, "bounceType") == "Permanent" and text(bounce, "bounceSubType") in {"General", "NoEmail"},
        senders=senders,
        message_ids=ids,
    )
