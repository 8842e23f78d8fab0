"""How mail is made, sent and taken back."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING

from newsletter.bootstrap.core import clock, secret

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.delivery.accounts import Account
    from newsletter.delivery.dkim import Signer
    from newsletter.delivery.listener import Listener
    from newsletter.delivery.policy import Policy
    from newsletter.delivery.ses import SesTransport
    from newsletter.delivery.transport import Transport
    from newsletter.outbox import Outbox
    from newsletter.rendering import Renderer, Writer
    from newsletter.returns import Returns
    from newsletter.store import Store


def sender_domain(settings: Settings) -> str:
    """Give the domain that mail is from."""
    return parseaddr(settings.site.sender)[1].rpartition("@")[2]


def bounce_address(settings: Settings) -> str:
    """Give the address that undeliverable mail comes back to, before a delivery's token is put into it."""
    return settings.delivery.bounce_address or parseaddr(settings.site.sender)[1]


def renderer(settings: Settings) -> Renderer:
    """Give the renderer with the look that is set."""
    from newsletter.rendering import Renderer  # noqa: PLC0415

    return Renderer(settings.rendering.theme, settings.rendering.templates)


def writer(settings: Settings) -> Writer | None:
    """Give the model that writes summaries, None where none is set."""
    from newsletter.rendering import Writer  # noqa: PLC0415

    asked = settings.summaries
    if not asked.endpoint:
        return None
    return Writer(
        endpoint=asked.endpoint,
        model=asked.model,
        api_key=asked.api_key.get_secret_value(),
        timeout=asked.timeout,
        seconds=asked.seconds,
        language=asked.language,
    )


def signer(settings: Settings) -> Signer | None:
    """Give what signs mail, None where that is not set. Raises ConfigError where the key cannot be used."""
    asked = settings.dkim
    if asked.key_file is None:
        return None
    from newsletter.delivery.addresses import ascii_domain  # noqa: PLC0415
    from newsletter.delivery.dkim import Signer, read_key  # noqa: PLC0415  lazy: few need cryptography

    domain = asked.domain or ascii_domain(sender_domain(settings)).lower()
    return Signer(domain, asked.selector, read_key(asked.key_file))


def returns(settings: Settings, store: Store) -> Returns:
    """Give what takes in mail that came back."""
    from newsletter.delivery.bounces import SoftBounces  # noqa: PLC0415
    from newsletter.returns import Returns  # noqa: PLC0415

    half_life = timedelta(days=settings.delivery.soft_bounce_half_life)
    return Returns(store, secret(settings, store), SoftBounces(settings.delivery.soft_bounce_limit, half_life))


def account(settings: Settings) -> Account:
    """Give the mailbox that is set. Raises ConfigError where none is."""
    from newsletter.delivery.accounts import Account  # noqa: PLC0415
    from newsletter.errors import ConfigError  # noqa: PLC0415

    asked = settings.returns
    if not asked.mailbox:
        raise ConfigError("no mailbox is set", hint='set returns.mailbox, for example to "imaps://mail.example.org"')
    return Account(asked.mailbox, asked.username, asked.password.get_secret_value(), asked.timeout, asked.ca_file)


def listener(settings: Settings, store: Store) -> Listener:
    """Give what takes mail that comes back from a mail server. Raises ConfigError where no address is set."""
    from newsletter.delivery.listener import Listener, Reception  # noqa: PLC0415  lazy: few listen
    from newsletter.errors import ConfigError  # noqa: PLC0415
    from newsletter.model import BounceKind  # noqa: PLC0415

    if not settings.returns.listen:
        raise ConfigError("nowhere to listen", hint='set returns.listen, for example to "lmtp://127.0.0.1:8024"')
    taking = returns(settings, store)

    def take(data: bytes) -> bool:
        return taking.take(data, now=clock()).report.kind is not BounceKind.NONE

    return Listener(settings.returns.listen, Reception(take, bounce_address(settings)))


def policy(settings: Settings) -> Policy:
    """Give how often a message is tried, and what is done about one that may have arrived."""
    from newsletter.config import UncertainPolicy  # noqa: PLC0415
    from newsletter.delivery.policy import Policy, Quota, warm_up  # noqa: PLC0415

    asked = settings.delivery
    quotas = [Quota(asked.per_hour, timedelta(hours=1))] if asked.per_hour else []
    if asked.warm_up and asked.warm_up_from:
        quotas.append(Quota(warm_up(asked.warm_up, asked.warm_up_from, clock().date()), timedelta(days=1)))
    return Policy(
        asked.attempts,
        resend_uncertain=asked.uncertain is UncertainPolicy.RESEND,
        expire_after=timedelta(hours=asked.expire_after) if asked.expire_after else None,
        per_second=asked.per_second,
        per_domain=Quota(asked.per_domain, timedelta(minutes=1)) if asked.per_domain else None,
        quotas=tuple(quotas),
        pause_at=asked.pause_at,
    )


def ses(settings: Settings) -> SesTransport:
    """Give Amazon SES with the account that is set."""
    from newsletter.delivery.ses import SesAccount, SesTransport  # noqa: PLC0415

    asked = settings.ses
    return SesTransport(
        SesAccount(
            endpoint=asked.endpoint,
            region=asked.region,
            access_key_id=asked.access_key_id,
            secret_access_key=asked.secret_access_key.get_secret_value(),
            session_token=asked.session_token.get_secret_value(),
            configuration_set=asked.configuration_set,
            timeout=asked.timeout,
        )
    )


def transport(settings: Settings) -> Transport:
    """Give the transport that is set."""
    from newsletter.config import TransportKind  # noqa: PLC0415

    kind = settings.delivery.transport
    if kind is TransportKind.SMTP:
        from newsletter.delivery.relays import Relays  # noqa: PLC0415
        from newsletter.delivery.smtp import SmtpTransport  # noqa: PLC0415

        if settings.relay:
            return Relays((settings.smtp, *settings.relay), ehlo_name=sender_domain(settings))
        return SmtpTransport(settings.smtp, ehlo_name=sender_domain(settings))
    if kind is TransportKind.SES:
        return ses(settings)
    if kind is TransportKind.MAILDIR:
        from newsletter.delivery.maildir import MaildirTransport  # noqa: PLC0415

        return MaildirTransport(settings.delivery.maildir)
    from newsletter.delivery.null import NullTransport  # noqa: PLC0415

    return NullTransport()


def outbox(settings: Settings, store: Store) -> Outbox:
    """Give what single mails are kept in and sent from."""
    from newsletter.outbox import Outbox  # noqa: PLC0415

    return Outbox(store, transport(settings))
