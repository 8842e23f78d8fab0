"""Amazon SES: bounces and complaints, as notifications or events over a topic of SNS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from newsletter.delivery.webhooks.told import Told, bounced, complained, refused, rows, table, text

# Amazon did not try, as the address stands on a list of theirs or of the account's.
_NOT_TRIED = frozenset({"Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient"})


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
