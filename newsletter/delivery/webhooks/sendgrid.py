"""SendGrid: ECDSA over the time and the body, by a key pair of which we hold the public half."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from newsletter.delivery.bounces.told import Told, bounced, complained, refused, rows, text
from newsletter.delivery.webhooks.requests import ForgedError, check_fresh, read_json

SIGNATURE, TIMESTAMP = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"


def told(body: bytes, headers: Mapping[str, str], key: str, *, now: datetime) -> list[Told]:
    """Give what SendGrid tells. `key` is the public key as SendGrid shows it: base64 of its DER form.

    Raises ForgedError.
    """
    _verify(body, headers, key)
    check_fresh(headers.get(TIMESTAMP, ""), now)
    return [one for event in rows(read_json(body)) if (one := _event(event))]


def _verify(body: bytes, headers: Mapping[str, str], key: str) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  lazy: few use it
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        public = load_der_public_key(base64.b64decode(key, validate=True))
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ForgedError("the signature, or webhooks.sendgrid_key, is no base64") from error
    if not isinstance(public, EllipticCurvePublicKey):
        raise ForgedError("webhooks.sendgrid_key is no ECDSA key")
    try:
        public.verify(signature, headers.get(TIMESTAMP, "").encode() + body, ECDSA(SHA256()))
    except InvalidSignature as error:
        raise ForgedError("the signature is not SendGrid's") from error


def _event(event: Mapping[str, Any]) -> Told | None:
    name = f"sendgrid {text(event, 'sg_event_id')}"
    recipients, ids = [text(event, "email")], [text(event, "smtp-id")]
    said, status = text(event, "reason") or text(event, "response"), text(event, "status")
    match text(event, "event"):
        case "spamreport":
            return complained(name, recipients=recipients, message_ids=ids)
        case "bounce":  # of type "blocked": by a policy, not because of the address
            final = text(event, "type") == "bounce"
            return bounced(name, said, recipients=recipients, status=status, final=final, message_ids=ids)
        case "deferred":
            return bounced(name, said, recipients=recipients, status=status, delayed=True, message_ids=ids)
        case "dropped":
            return refused(name, recipients=recipients, message_ids=ids)
    return None
