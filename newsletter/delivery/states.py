"""What may become of a delivery, and when it is tried again. Pure: the time and the dice are arguments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from newsletter.model import DeliveryState, Outcome

_S = DeliveryState

CHANGES: Mapping[DeliveryState, frozenset[DeliveryState]] = MappingProxyType(
    {
        # Skipped: the subscriber left or was suppressed, or nothing was picked, before it was (again) their turn.
        # Failed: its message cannot be made.
        _S.QUEUED: frozenset({_S.SENDING, _S.SKIPPED, _S.FAILED}),
        _S.SENDING: frozenset({_S.SENT, _S.DEFERRED, _S.FAILED, _S.BOUNCED, _S.UNCERTAIN}),
        # Failed without another try: the issue is too old by now.
        _S.DEFERRED: frozenset({_S.SENDING, _S.FAILED, _S.SKIPPED}),
        # A server may take a message and report days later that it could not pass it on (RFC 3464).
        _S.SENT: frozenset({_S.BOUNCED}),
        # A report or a person can settle the doubt; sending again is a policy, see `may_change`.
        _S.UNCERTAIN: frozenset({_S.SENDING, _S.SENT, _S.FAILED, _S.BOUNCED}),
        _S.FAILED: frozenset(),
        _S.BOUNCED: frozenset(),
        _S.SKIPPED: frozenset(),
    }
)
TERMINAL = frozenset(state for state, following in CHANGES.items() if not following)

# Greylisting servers ask for some minutes (RFC 6647); one that is down is left alone for hours (RFC 5321, 4.5.4.1).
BACKOFF = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=45),
    timedelta(hours=2),
    timedelta(hours=6),
)
JITTER = 0.25


def may_change(old: DeliveryState, new: DeliveryState, *, resend_uncertain: bool = False) -> bool:
    """Tell whether a delivery may go from `old` to `new`.

    `resend_uncertain` is the operator's policy: whether a message that may have arrived is sent once more (with the
    same Message-ID) or not.
    """
    if (old, new) == (_S.UNCERTAIN, _S.SENDING):
        return resend_uncertain
    return new in CHANGES[old]


def settle(outcome: Outcome, attempts: int, limit: int, *, old: DeliveryState = DeliveryState.SENDING) -> DeliveryState:
    """Give the state to record after the `attempts`th try: a deferral with no tries left is a failure.

    `old` is the state before. What may have arrived is not undone by a message that is not sent again, as the reader
    left: it stays uncertain.
    """
    if old is _S.UNCERTAIN:
        return old
    if outcome.state is _S.DEFERRED and attempts >= limit:
        return _S.FAILED
    return outcome.state


def next_attempt(
    outcome: Outcome,
    attempts: int,
    now: datetime,
    *,
    limit: int,
    jitter: float,
    resend_uncertain: bool = False,
) -> datetime | None:
    """Give when to try again after the `attempts`th try, or None for never.

    `jitter` is a number drawn evenly from 0 to 1. It spreads the tries over a quarter of the wait to either side, so
    that what was deferred together does not come back together.
    """
    again = {_S.DEFERRED, _S.UNCERTAIN} if resend_uncertain else {_S.DEFERRED}
    if outcome.state not in again or attempts >= limit:
        return None
    wait = BACKOFF[min(max(attempts, 1), len(BACKOFF)) - 1]
    return now + wait * (1 + JITTER * (2 * jitter - 1))
