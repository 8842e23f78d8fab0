"""Puts the parts together. The only place that names adapters and reads settings.

Adapters are imported where they are made: commands that need none of them start without them (pydantic alone takes
0.15 s).
"""

from newsletter.bootstrap.core import MEMORY, clock, open_store, retention, secret, site
from newsletter.bootstrap.hooks import hooks
from newsletter.bootstrap.mail import (
    account,
    bounce_address,
    listener,
    outbox,
    policy,
    renderer,
    returns,
    sender_domain,
    ses,
    signer,
    transport,
    writer,
)
from newsletter.bootstrap.product import letterhead, newsletter, reading, timetable, welcome
from newsletter.bootstrap.ranking import cached, encoder, ranker
from newsletter.bootstrap.sources import files, library, looked_up, matching, shelves, sources

__all__ = [
    "MEMORY",
    "account",
    "bounce_address",
    "cached",
    "clock",
    "encoder",
    "files",
    "hooks",
    "letterhead",
    "library",
    "listener",
    "looked_up",
    "matching",
    "newsletter",
    "open_store",
    "outbox",
    "policy",
    "ranker",
    "reading",
    "renderer",
    "retention",
    "returns",
    "secret",
    "sender_domain",
    "ses",
    "shelves",
    "signer",
    "site",
    "sources",
    "timetable",
    "transport",
    "welcome",
    "writer",
]
