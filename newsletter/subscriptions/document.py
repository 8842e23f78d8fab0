"""A subscriber as one document: what `subscribers show` prints, and the first part of what they can take with them."""

from __future__ import annotations

import dataclasses
from typing import Any

from newsletter.model import Subscriber


def document(one: Subscriber) -> dict[str, Any]:
    """Give all that a subscriber chose and said, ready for JSON."""
    profile = dataclasses.asdict(one.profile)
    profile["topics"] = dict(one.profile.topics)
    profile["answers"] = [{**answer, "at": answer["at"].isoformat()} for answer in profile["answers"]]
    return {
        "email": one.email,
        "name": one.name,
        "status": one.status.value,
        "cadence": one.cadence.value,
        "timezone": one.timezone,
        "hour": one.hour,
        "papers": one.papers,
        "language": one.language,
        "quiet": one.quiet.value,
        "paused_until": one.paused_until.isoformat() if one.paused_until else None,
        "cadence_chosen_at": one.cadence_chosen_at.isoformat() if one.cadence_chosen_at else None,
        "created_at": one.created_at.isoformat(),
        "profile": profile,
    }
