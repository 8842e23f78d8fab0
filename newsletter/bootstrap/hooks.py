"""Who may tell us of bounces by HTTP, and how they prove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from newsletter.bootstrap.mail import returns

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.delivery.bounces import Told
    from newsletter.delivery.webhooks.sns import Sns
    from newsletter.returns import Returns
    from newsletter.store import Store

_TIMEOUT = 10.0
_MOST_BYTES = 100_000  # a certificate has some thousand


@dataclass
class Hooks:
    """What the providers that are set tell; the others are not known."""

    settings: Settings
    returns: Callable[[], Returns]

    def told(self, provider: str, body: bytes, headers: Mapping[str, str], *, now: datetime) -> list[Told] | None:
        """Give what a request of a provider tells, None where that provider is not set.

        Raises ForgedError; OSError where what proves the request cannot be fetched now.
        """
        asked = self.settings.webhooks
        postmark, mailgun = asked.postmark_password.get_secret_value(), asked.mailgun_key.get_secret_value()
        if provider == "ses" and asked.ses_topic:
            from newsletter.delivery.bounces import amazon  # noqa: PLC0415  lazy: few use any of them

            return amazon.told(self._sns.message(body, now=now))
        if provider == "postmark" and postmark:
            from newsletter.delivery.webhooks import postmark as pm  # noqa: PLC0415

            return pm.told(body, headers.get("authorization", ""), postmark)
        if provider == "mailgun" and mailgun:
            from newsletter.delivery.webhooks import mailgun as mg  # noqa: PLC0415

            return mg.told(body, mailgun, now=now)
        if provider == "sendgrid" and asked.sendgrid_key:
            from newsletter.delivery.webhooks import sendgrid  # noqa: PLC0415

            return sendgrid.told(body, headers, asked.sendgrid_key, now=now)
        return None

    @cached_property
    def _sns(self) -> Sns:
        from newsletter.delivery.webhooks.sns import Sns  # noqa: PLC0415

        return Sns(self.settings.webhooks.ses_topic, fetched)


def hooks(settings: Settings, store: Store) -> Hooks:
    """Give who may tell us of bounces by HTTP."""
    return Hooks(settings, lambda: returns(settings, store))


def fetched(url: str) -> bytes:
    """Give what stands at an address of a provider's, its first bytes. Raises OSError."""
    import httpx  # noqa: PLC0415  lazy: 0.1 s

    try:
        with httpx.stream("GET", url, timeout=_TIMEOUT, follow_redirects=False) as answer:
            answer.raise_for_status()
            data = b""
            for piece in answer.iter_bytes():
                data += piece
                if len(data) > _MOST_BYTES:
                    break
            return data[:_MOST_BYTES]
    except httpx.HTTPError as error:
        raise OSError(f"{url}: {error}") from error
