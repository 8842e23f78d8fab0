"""Mailgun: HMAC-SHA256 over a timestamp and a token, by the account's signing key."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from newsletter.delivery.bounces.told import Told, bounced, complained, refused, table, text
from newsletter.delivery.webhooks.requests import ForgedError, check_fresh, read_json, same


def told(body: bytes, key: str, *, now: datetime) -> list[Told]:
    """Give what Mailgun tells; nothing for events that are neither bounce nor complaint.

    Raises ForgedError.
    """
    document = table(read_json(body))
    signed = table(document.get("signature"))
    timestamp, token = text(signed, "timestamp"), text(signed, "token")
    right = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    if not same(right, text(signed, "signature")):
        raise ForgedError("the signature is not Mailgun's")
    check_fresh(timestamp, now)
    event = table(document.get("event-data"))
    name = f"mailgun {text(event, 'id')}"
    headers = table(table(event.get("message")).get("headers"))
    recipients, ids = [text(event, "recipient")], [text(headers, "message-id")]
    senders = [text(table(event.get("envelope")), "sender")]
    match text(event, "event"):
        case "complained":
            return [complained(name, recipients=recipients, senders=senders, message_ids=ids)]
        case "failed" if text(event, "reason").startswith("suppress-"):
            return [refused(name, recipients=recipients, senders=senders, message_ids=ids)]
        case "failed":
            status = table(event.get("delivery-status"))
            said = " ".join(text(status, part) for part in ("code", "message", "description"))
            passing = text(event, "severity") == "temporary"
            return [
                bounced(
                    name,
                    said,
                    recipients=recipients,
                    status=text(status, "enhanced-code"),
                    final=text(event, "reason") == "bounce",
                    delayed=passing,
                    senders=senders,
                    message_ids=ids,
                )
            ]
    return []
