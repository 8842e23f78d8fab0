"""What became of the deliveries of one run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from newsletter.delivery.policy import Alarm, Quota
from newsletter.model import DeliveryState, Issue, Outcome


@dataclass
class Tally:
    """What became of the deliveries of one run.

    `held` names the quota that kept it from sending more; `alarm` says why it was broken off for a person to look, and
    `paused` which issues were for it.
    """

    states: Counter[DeliveryState] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    held: Quota | None = None
    alarm: Alarm | None = None
    paused: list[Issue] = field(default_factory=list)

    def note(self, outcome: Outcome, state: DeliveryState) -> None:
        """Count one outcome; keep the first few replies that a person should read."""
        self.states[state] += 1
        if state is not DeliveryState.SENT and outcome.response and len(self.problems) < 10:
            self.problems.append(f"{state}: {outcome.response}")
