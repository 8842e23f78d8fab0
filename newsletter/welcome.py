"""Double opt-in: somebody asks on a page, and is mailed only after a link that went to the address was confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from newsletter.letters import Letterhead
from newsletter.model import Message, NewSubscriber, SubscriberStatus
from newsletter.rendering import ConfirmView
from newsletter.store import Store
from newsletter.subscriptions.signup import address_hash

MAILS_A_DAY = 3  # to one address: nobody's inbox is to be filled by strangers
_NONE: Mapping[str, Any] = MappingProxyType({})
_KEPT_UNCONFIRMED = timedelta(days=30)


@dataclass(frozen=True)
class Welcome:
    """Answers requests to be mailed."""

    store: Store
    letterhead: Letterhead

    def ask(
        self,
        new: NewSubscriber,
        *,
        wording: str,
        origin_hash: str,
        today: date,
        now: datetime,
        examples: Mapping[str, Any] = _NONE,
    ) -> Message | None:
        """Keep a request, and give the mail to its address; None where that must not be mailed, or was too often.

        `examples` are papers that were named, ready for JSON; they are given back when the request is confirmed.
        Whoever asks must not learn which it was.
        """
        self.store.consents.drop_unconfirmed(before=now - _KEPT_UNCONFIRMED)
        hashed = address_hash(new.email, self.letterhead.secret)
        if self.store.subscribers.suppressed([hashed]):
            return None
        inbox = address_hash(_untagged(new.email), self.letterhead.secret)
        if not self.store.attempts.allow(inbox, most=MAILS_A_DAY, within=timedelta(days=1), now=now):
            return None
        asked = self.store.consents.ask(new, wording=wording, origin_hash=origin_hash, now=now, examples=examples)
        if asked.status is SubscriberStatus.SUPPRESSED:
            return None
        site, tokens = self.letterhead.site, self.letterhead.tokens
        if asked.key:
            url = f"{site.url}/confirm/{tokens.confirm(asked.public_id, asked.key, today)}"
        else:
            url = f"{site.url}/preferences/{tokens.preferences(asked.public_id, today)}"
        view = ConfirmView(site=site, language=new.language, known=not asked.key, url=url)
        return self.letterhead.notice(view, recipient=new.email, now=now)


def _untagged(email: str) -> str:
    """Give the address whose inbox `ada+anything@lab.example` is with most mail services."""
    local, _, domain = email.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
