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
from newsletter.store.turns import Turns

_PROCESS = secrets.token_hex(4)  # of two machines that were given one name, each may have a process of the same number
_living: set[str] = set()  # senders of this process that have not ended


def owner_name() -> str:
    """Give a name for a sender that no other has, and that tells the others whether its process still lives."""
    name = f"{socket.gethostname()[:60]}:{os.getpid()}:{_PROCESS}{secrets.token_hex(4)}"
    _living.add(name)
    return name


def retire(owner: str) -> None:
    """Remember that a sender of this process is no more, whether or not it could give back what it had claimed."""
    _living.discard(owner)


def recover(deliveries: Deliveries, *, resend: bool) -> int:
    """Free what dead senders had claimed, and tell how many messages they left in doubt."""
    dead = [owner for owner in deliveries.owners() if _dead(owner)]
    return deliveries.expire(now=datetime.now(UTC), dead=dead, resend=resend)


def _dead(owner: str) -> bool:
    """Tell whether an owner is a process of this machine that is gone; of other machines only the lease can tell."""
    process, _, token = owner.rpartition(":")
    host, _, rest = process.rpartition(":")
    if host != socket.gethostname()[:60] or not rest.isdecimal():
        return False
    if int(rest) == os.getpid() and token.startswith(_PROCESS):  # cut off from the database, it could not say its end
        return owner not in _living
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def give_up(
    turns: Turns, issue_keys: Sequence[int], after: timedelta | None, *, now: datetime
) -> Counter[DeliveryState]:
    """Give up what was queued too long ago, and tell what became of it. `now` is the newsletter's clock."""
    if after is None:
        return Counter()
    why = f"expired: it could not be delivered within {after / timedelta(hours=1):g} hours"
    return turns.lapse(issue_keys, queued_before=now - after, why=why, now=datetime.now(UTC))
