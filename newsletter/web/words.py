"""The English of the pages that is not in their templates."""

from __future__ import annotations

from newsletter.model import Cadence

CADENCES = {
    Cadence.DAILY: "you get an issue every day",
    Cadence.WEEKDAYS: "you get an issue on weekdays",
    Cadence.WEEKLY: "you get one issue a week",
    Cadence.PAUSED: "no mail comes until you want it again",
}


def masked(email: str) -> str:
    """Give an address so that its owner knows it, and whoever was forwarded a mail does not learn it."""
    local, _, domain = email.rpartition("@")
    return f"{local[:2] if len(local) > 3 else local[:1]}…@{domain}"
