"""Puts the parts together. The only place that names adapters and reads settings.

Adapters are imported where they are made: commands that need none of them start without them (pydantic alone takes
0.15 s).
"""

from newsletter.bootstrap.core import MEMORY, clock, open_store, secret, site
from newsletter.bootstrap.mail import (
    bounce_address,
    policy,
    renderer,
    returns,
    sender_domain,
    signer,
    transport,
    writer,
)
from newsletter.bootstrap.product import letterhead, newsletter, reading, welcome
from newsletter.bootstrap.ranking import cached, encoder, ranker
from newsletter.bootstrap.sources import files, library, looked_up, matching, sources

__all__ = [
    "MEMORY",
    "bounce_address",
    "cached",
    "clock",
    "encoder",
    "files",
    "letterhead",
    "library",
    "looked_up",
    "matching",
    "newsletter",
    "open_store",
    "policy",
    "ranker",
    "reading",
    "renderer",
    "returns",
    "secret",
    "sender_domain",
    "signer",
    "site",
    "sources",
    "transport",
    "welcome",
    "writer",
]
