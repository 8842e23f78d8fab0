"""Codes that only who has the secret can make: HMAC-SHA256 (RFC 2104), with a key of its own for each purpose."""

from __future__ import annotations

import hmac
from functools import lru_cache


def code(purpose: str, data: bytes, secret: bytes) -> bytes:
    """Give the code (32 bytes) of `data` under a key that is derived from the secret for `purpose` alone."""
    made = _begun(purpose, secret).copy()
    made.update(data)
    return made.digest()


@lru_cache(maxsize=16)
def _begun(purpose: str, secret: bytes) -> hmac.HMAC:
    """Give a code as far as it is the same for all. `hmac.digest` would hand Python to another thread each time."""
    return hmac.new(hmac.digest(secret, purpose.encode(), "sha256"), digestmod="sha256")
