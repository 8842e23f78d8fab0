"""Proof of work (Dwork and Naor 1992): a browser tries some thousand hashes before it may ask for a subscription.

The challenge is the day's, and what solves it holds for one address: nothing is kept, and a solution serves for no more
than that address gets anyway.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, timedelta

from newsletter.web.parts import Parts

_LONGEST = 20  # digits


@dataclass(frozen=True, slots=True)
class Work:
    """What a browser is asked for: a hash that begins with so many zero bits. 0 asks for nothing."""

    challenge: str
    bits: int


def asked(here: Parts) -> Work:
    """Give the work of today."""
    return Work(_challenge(here, here.today()), here.settings.web.proof_of_work)


def done(here: Parts, email: str, number: str) -> bool:
    """Tell whether a number solves the challenge of today, or of yesterday, for an address."""
    bits = here.settings.web.proof_of_work
    if bits == 0:
        return True
    if not number.isascii() or not number.isdigit() or len(number) > _LONGEST:
        return False
    days = (here.today(), here.today() - timedelta(days=1))
    return any(zeros(f"{_challenge(here, day)} {email.strip().lower()} {number}") >= bits for day in days)


def zeros(text: str) -> int:
    """Give how many zero bits the SHA-256 of a text begins with."""
    return 256 - int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()).bit_length()


def _challenge(here: Parts, day: date) -> str:
    return hmac.new(here.secret.encode(), f"newsletter work {day}".encode(), hashlib.sha256).hexdigest()[:24]
