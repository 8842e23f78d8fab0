"""Addresses and ids that lead from a bounce back to its delivery, and that nobody else can make.

Every delivery has an envelope sender of its own (VERP, variable envelope return path), so that whatever comes back
names the delivery without a look at its text. The token is the delivery's key with a message authentication code;
a stranger who guesses addresses can therefore not make subscribers bounce. Each use of the secret has a label of its
own, so that what is signed for one purpose means nothing for another.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode, urlsafe_b64encode

from newsletter.codes import code
from newsletter.delivery.addresses import ascii_domain
from newsletter.errors import ConfigError

_BOUNCE_PURPOSE = "newsletter bounce address 1"
_MESSAGE_PURPOSE = "newsletter message id 1"
_CODE_BYTES = 10
_KEY_BYTES = 8
_MESSAGE_ID_BYTES = 18
_LOCAL_PART_LENGTH = 64  # RFC 5321, section 4.5.3.1.1
_ATOMS = r"[^\s@<>()\[\],:;\"\\]+"  # RFC 5322, section 3.2.3, near enough: the code decides
# 11 to 18 bytes in base 32. A server may change the case of a local part, so the alphabet has only one.
_BOUNCE_ADDRESS = re.compile(rf"{_ATOMS}\+b-(?P<token>[a-z2-7]{{18,29}})@{_ATOMS}")


def envelope_sender(base_address: str, delivery_key: int, secret: bytes) -> str:
    """Give the address that bounces of one delivery come back to: `local+b-<token>@domain` of `base_address`.

    Raises ConfigError where the local part would be longer than servers must take, or there is no secret.
    """
    local, _, domain = base_address.rpartition("@")
    address = f"{local}+b-{_token(delivery_key, secret)}"
    if len(address) > _LOCAL_PART_LENGTH:
        raise ConfigError(
            f"the part of {base_address} before the @ is too long to carry a bounce token",
            hint="set delivery.bounce_address to one with at most 32 characters before the @",
        )
    return f"{address}@{domain}"


def delivery_of(address: str, secret: bytes) -> int | None:
    """Give the key of the delivery that a bounce address was made for, or None for every other address."""
    # First ASCII, then lower case: str.lower() turns some other letters into ASCII ones (the Kelvin sign is a k).
    parts = _BOUNCE_ADDRESS.fullmatch(address.lower()) if address.isascii() else None
    if parts is None:
        return None
    token = parts["token"]
    try:
        payload = b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError:  # a length that no number of bytes has
        return None
    key = int.from_bytes(payload[:-_CODE_BYTES])
    # Making the token anew, rather than comparing codes, also refuses a second spelling of the same bytes.
    return key if hmac.compare_digest(token, _token(key, secret)) else None


def message_id(issue_key: int, subscriber_public_id: str, revision: int, secret: bytes, domain: str) -> str:
    """Give the Message-ID of one edition: the same for the same edition, so that a resent mail is seen to be one.

    RFC 5322, section 3.6.4; the left part is unguessable, as replies and reports quote it.
    """
    name = f"{issue_key}\0{revision}\0{subscriber_public_id}".encode()
    short = _code(_MESSAGE_PURPOSE, name, secret)[:_MESSAGE_ID_BYTES]
    return f"<{urlsafe_b64encode(short).decode()}@{ascii_domain(domain)}>"


def _token(delivery_key: int, secret: bytes) -> str:
    if not 0 <= delivery_key < 1 << (8 * _KEY_BYTES):
        raise ValueError(f"not the key of a delivery: {delivery_key}")
    key = delivery_key.to_bytes(max(1, (delivery_key.bit_length() + 7) // 8))
    short = _code(_BOUNCE_PURPOSE, key, secret)[:_CODE_BYTES]
    return b32encode(key + short).decode().rstrip("=").lower()


def _code(purpose: str, data: bytes, secret: bytes) -> bytes:
    if not secret:
        raise ConfigError("site.secret is not set, so nothing can be signed", hint="`newsletter init` makes one")
    return code(purpose, data, secret)
