"""Amazon SNS: messages that are signed with a key whose certificate stands at an address of Amazon's.

The address comes with the message, so it is looked at before it is asked: whoever may name a certificate may sign.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.delivery.bounces.told import table, text
from newsletter.delivery.webhooks.requests import ForgedError, read_json

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_HOST = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
_MOST_CERTIFICATES = 10


class Sns:
    """Checks messages of one topic. `fetch` gives what stands at an address of Amazon's, or raises OSError."""

    def __init__(self, topic: str, fetch: Callable[[str], bytes]) -> None:
        self._topic = topic
        self._fetch = fetch
        self._certificates: dict[str, Certificate] = {}

    def message(self, body: bytes, *, now: datetime) -> Mapping[str, Any]:
        """Give what was published on our topic; an empty one for what SNS says on its own behalf.

        A subscription to our topic is confirmed, which is the only address that is called because a message asks for
        it. Raises ForgedError; OSError where Amazon does not answer, so that SNS tries again.
        """
        envelope = table(read_json(body))
        kind = text(envelope, "Type")
        if kind not in _SIGNED:
            raise ForgedError("this is no message of Amazon SNS")
        if text(envelope, "TopicArn") != self._topic:
            raise ForgedError("the message is of another topic than webhooks.ses_topic")
        self._verify(envelope, kind, now)
        if kind == "SubscriptionConfirmation":
            self._fetch(amazon(text(envelope, "SubscribeURL")))
        return table(read_json(text(envelope, "Message").encode())) if kind == "Notification" else {}

    def _verify(self, envelope: Mapping[str, Any], kind: str, now: datetime) -> None:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  lazy: few use it
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415

        versions: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  Amazon's
        digest = versions.get(text(envelope, "SignatureVersion"))
        certificate = self._certificate(amazon(text(envelope, "SigningCertURL")), now)
        public = certificate.public_key()
        if digest is None or not isinstance(public, RSAPublicKey):
            raise ForgedError("the message is signed in a way that Amazon SNS does not use")
        try:
            signature = base64.b64decode(text(envelope, "Signature"), validate=True)
            public.verify(signature, _canonical(envelope, kind), PKCS1v15(), digest)
        except (binascii.Error, InvalidSignature) as error:
            raise ForgedError("the signature is not Amazon's") from error

    def _certificate(self, url: str, now: datetime) -> Certificate:
        from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

        if url not in self._certificates:
            try:
                certificate = load_pem_x509_certificate(self._fetch(url))
            except ValueError as error:
                raise ForgedError("there is no certificate where the message says") from error
            if len(self._certificates) >= _MOST_CERTIFICATES:
                self._certificates.clear()
            self._certificates[url] = certificate
        certificate = self._certificates[url]
        if not certificate.not_valid_before_utc <= now.astimezone(UTC) <= certificate.not_valid_after_utc:
            raise ForgedError("the certificate of the signature is not valid now")
        return certificate


def amazon(url: str) -> str:
    """Give an address if it is one of Amazon SNS's own servers; else raise ForgedError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ForgedError("the message names an address that is none") from error
    plain = parts.scheme == "https" and port in {None, 443} and "@" not in parts.netloc
    if not (plain and parts.hostname and _HOST.fullmatch(parts.hostname) and url.isprintable()):
        raise ForgedError("the message names an address that is not Amazon's")
    return url


def _canonical(envelope: Mapping[str, Any], kind: str) -> bytes:
    """Give what is signed: the names and values of some fields, a line each, in the order of the alphabet."""
    return "".join(f"{name}\n{text(envelope, name)}\n" for name in _SIGNED[kind] if name in envelope).encode()
