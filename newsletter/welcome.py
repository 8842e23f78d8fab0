"""Double opt-in: somebody asks on a page, and is mailed only after a link that went to the address was confirmed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import parseaddr
from types import MappingProxyType
from typing import Any

from newsletter.model import Message, NewSubscriber, SubscriberStatus
from newsletter.rendering import MailTemplates, SiteView, compose_notice
from newsletter.store import Store
from newsletter.subscriptions.signup import address_hash
from newsletter.subscriptions.tokens import Tokens

MAILS_A_DAY = 3  # to one address: nobody's inbox is to be filled by strangers
_NONE: Mapping[str, Any] = MappingProxyType({})
_KEPT_UNCONFIRMED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """What the template of the confirmation sees. Nothing in it was typed by whoever asked: they may be anybody.

    `known`: the address is subscribed already, and `url` is the page of its preferences.
    """

    site: SiteView
    known: bool
    url: str
    start: str = "left"  # the side that lines begin on, for the parts that all mails share


@dataclass(frozen=True)
class Welcome:
    """Answers requests to be mailed."""

    store: Store
    site: SiteView
    sender: str
    bounce_address: str
    secret: str
    tokens: Tokens
    templates: MailTemplates

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
        hashed = address_hash(new.email, self.secret)
        if self.store.subscribers.suppressed([hashed]):
            return None
        if not self.store.attempts.allow(hashed, most=MAILS_A_DAY, within=timedelta(days=1), now=now):
            return None
        asked = self.store.consents.ask(new, wording=wording, origin_hash=origin_hash, now=now, examples=examples)
        if asked.status is SubscriberStatus.SUPPRESSED:
            return None
        if asked.key:
            url = f"{self.site.url}/confirm/{self.tokens.confirm(asked.public_id, asked.key, today)}"
        else:
            url = f"{self.site.url}/preferences/{self.tokens.preferences(asked.public_id, today)}"
        return self._message(new.email, ConfirmView(self.site, not asked.key, url), now)

    def _message(self, recipient: str, view: ConfirmView, now: datetime) -> Message:
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        return compose_notice(
            self.templates.fill(view),
            sender=self.sender,
            recipient=recipient,
            envelope_sender=self.bounce_address,
            message_id=f"<{secrets.token_urlsafe(18)}@{domain}>",
            date=now,
        )
