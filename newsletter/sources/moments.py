"""Moments as machines write them: ISO 8601 and RFC 5322, given in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST = 80


def moment(text: str) -> datetime | None:
    """Give the moment that `text` names ("2007-09-13", "Thu, 13 Sep 2007 20:01:02 GMT"), in UTC; else None.

    Where it names no zone it is taken as UTC. Never raises.
    """
    text = " ".join(text.split())
    if not text or len(text) > _LONGEST:
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):  # the last: a year at the calendar's end
            continue
    return None
