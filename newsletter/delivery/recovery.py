"""What is put right before a run: what dead senders left behind, and what is no news any more.

A sender's name tells the others whether it still lives.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from newsletter.model import DeliveryState
from newsletter.store.deliveries import Deliveries


def owner_name() -> str:
    """Give a name for this process that no other has, and that tells the others whether it still lives."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


def recover(deliveries: Deliveries, *, resend: bool) -> int:
    """Free what dead senders had claimed, and tell how many messages they left in doubt."""
    dead = [owner for owner in deliveries.owners() if _dead(owner)]
    return deliveries.expire(now=datetime.now(UTC), dead=dead, resend=resend)


def _dead(owner: str) -> bool:
    """Tell whether an owner is a process of this machine that is gone; of other machines only the lease can tell."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname()[:60] or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def give_up(
    deliveries: Deliveries, issue_keys: Sequence[int], after: timedelta | None, *, now: datetime
) -> Counter[DeliveryState]:
    """Give up what was queued too long ago, and tell what became of it. `now` is the newsletter's clock."""
    if after is None:
        return Counter()
    why = f"expired: it could not be delivered within {after / timedelta(hours=1):g} hours"
    return deliveries.lapse(issue_keys, queued_before=now - after, why=why, now=datetime.now(UTC))
