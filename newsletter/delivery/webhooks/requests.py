"""How a provider's request is checked: who signed it, when, and whether it can be read at all."""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from newsletter.errors import NewsletterError

_FRESH = timedelta(hours=24)  # providers try again for hours where we do not answer; each event counts once anyway


class ForgedError(NewsletterError):
    """A request does not come from the provider, by its signature, or says nothing that can be read."""


def read_json(body: bytes) -> Any:
    """Read JSON. Raises ForgedError where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ForgedError("the request is no JSON") from error


def check_fresh(seconds: str, now: datetime) -> None:
    """Raise ForgedError where a request was signed long ago: somebody may send again what they once saw."""
    try:
        away = abs(now.timestamp() - float(seconds))
    except (ValueError, OverflowError) as error:
        raise ForgedError("the time of the signature is no number") from error
    if not away <= _FRESH.total_seconds():
        raise ForgedError("the signature is too old")


def same(one: str, other: str) -> bool:
    """Compare secrets in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
