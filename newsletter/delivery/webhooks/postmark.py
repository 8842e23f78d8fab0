"""Postmark: signs nothing, and calls with the name and password that stand in the address it was given."""

from __future__ import annotations

import base64
import binascii

from newsletter.delivery.bounces.told import Told, bounced, complained, refused, table, text
from newsletter.delivery.webhooks.requests import ForgedError, read_json, same

_FINAL = frozenset({"HardBounce", "BadEmailAddress"})
_PASSING = frozenset({"Transient", "DnsError"})
_NO_BOUNCE = frozenset({"AutoResponder", "AddressChange", "OpenRelayTest", "Subscribe", "Unsubscribe", "Unconfirmed"})
_NOT_TRIED = frozenset({"ManuallyDeactivated", "Blocked", "SpamNotification", "TemplateRenderingFailed"})


def told(body: bytes, authorization: str, password: str) -> list[Told]:
    """Give what Postmark tells. `authorization` is the header of that name, with any user and our password.

    Raises ForgedError.
    """
    if not same(_password(authorization), password):
        raise ForgedError("the password is not the one that Postmark was given")
    event = table(read_json(body))
    kind, recipients = text(event, "Type"), [text(event, "Email")]
    name = f"postmark {text(event, 'ID')}"
    ids = [text(table(event.get("Metadata")), "message-id")]
    if text(event, "RecordType") == "SpamComplaint" or kind == "SpamComplaint":
        return [complained(name, recipients=recipients, message_ids=ids)]
    if text(event, "RecordType") != "Bounce" or kind in _NO_BOUNCE:
        return []
    if kind in _NOT_TRIED:
        return [refused(name, recipients=recipients, message_ids=ids)]
    said = text(event, "Details") or text(event, "Description")
    return [bounced(name, said, recipients=recipients, final=kind in _FINAL, delayed=kind in _PASSING, message_ids=ids)]


def _password(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    try:
        decoded = base64.b64decode(value, validate=True).decode("utf-8") if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[2]
