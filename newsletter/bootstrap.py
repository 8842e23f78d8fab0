"""Puts the parts together. The only place that names adapters and reads settings."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter import catalogue
from newsletter.errors import ConfigError, EncoderError, NotFoundError, SourceError, UsageError

if TYPE_CHECKING:
    # Commands that need none of these start without them (pydantic alone takes 0.15 s).
    from newsletter.config import Settings, SourceKind, SourceSettings
    from newsletter.delivery.dkim import Signer
    from newsletter.delivery.policy import Policy
    from newsletter.delivery.transport import Transport
    from newsletter.pipeline import Newsletter
    from newsletter.ranking.encoder import CachedEncoder, Encoder, VectorCache
    from newsletter.ranking.ranker import Ranker
    from newsletter.rendering import Renderer, SiteView, Writer
    from newsletter.returns import Returns
    from newsletter.sources.politeness import HostPacer, Validators
    from newsletter.sources.source import Source
    from newsletter.store import Store
    from newsletter.welcome import Welcome

MEMORY = "sqlite://"


def clock() -> datetime:
    """Give the time: `NEWSLETTER_NOW` (ISO 8601; UTC where it names no zone), or the real one."""
    said = os.environ.get("NEWSLETTER_NOW", "").strip()
    if not said:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = datetime(1, 1, 1, tzinfo=UTC)
    if not 1970 < moment.year < 9000:  # outside of it, some time zone has no such day
        raise UsageError(
            f"NEWSLETTER_NOW is {said!r}, which is no time to send mail",
            hint="write it as in 2026-08-20T06:00:00+02:00, or unset it for the real time",
        )
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def open_store(settings: Settings, *, looking: bool = False) -> Store:
    """Open the database. `looking`: where there is no SQLite file yet, none is made; what is kept is soon forgotten."""
    from newsletter.store import Store  # noqa: PLC0415  lazy: 0.2 s

    url = settings.database.url
    path = Path(url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ".")
    # In a folder that does not exist either, the path is wrong, and the store says so.
    return Store(MEMORY if looking and not path.exists() and path.parent.is_dir() else url)


def sender_domain(settings: Settings) -> str:
    """Give the domain that mail is from."""
    return parseaddr(settings.site.sender)[1].rpartition("@")[2]


def bounce_address(settings: Settings) -> str:
    """Give the address that undeliverable mail comes back to, before a delivery's token is put into it."""
    return settings.delivery.bounce_address or parseaddr(settings.site.sender)[1]


def renderer(settings: Settings) -> Renderer:
    """Give the renderer with the email that is set."""
    from newsletter.rendering import Renderer  # noqa: PLC0415

    return Renderer(settings.rendering.template, settings.rendering.templates)


def secret(settings: Settings, store: Store) -> str:
    """Give the signing secret: the one that is set, or else the installation's own, kept in its database."""
    return settings.site.secret.get_secret_value() or store.secret()


def returns(settings: Settings, store: Store) -> Returns:
    """Give what takes in mail that came back."""
    from newsletter.delivery.bounces import SoftBounces  # noqa: PLC0415
    from newsletter.returns import Returns  # noqa: PLC0415

    half_life = timedelta(days=settings.delivery.soft_bounce_half_life)
    return Returns(store, secret(settings, store), SoftBounces(settings.delivery.soft_bounce_limit, half_life))


def site(settings: Settings) -> SiteView:
    """Give what mails and pages say of the site."""
    from newsletter.rendering import SiteView  # noqa: PLC0415

    return SiteView(settings.site.name, settings.site.url, settings.site.postal_address)


def newsletter(settings: Settings, store: Store, *, progress: Callable[[int], None] | None = None) -> Newsletter:
    """Put the product together. `progress` is told how many texts were encoded."""
    from newsletter.letters import Letterhead  # noqa: PLC0415
    from newsletter.pipeline import Edited, Newsletter  # noqa: PLC0415
    from newsletter.subscriptions.tokens import Tokens  # noqa: PLC0415

    key = secret(settings, store)
    letterhead = Letterhead(
        site=site(settings),
        sender=settings.site.sender,
        bounce_address=bounce_address(settings),
        secret=key,
        tokens=Tokens(key),
        renderer=renderer(settings),
        writer=writer(settings),
        signer=signer(settings),
    )
    edited = Edited(
        also_today=settings.ranking.also_today,
        background=settings.ranking.background,
        weekly_on=settings.schedule.weekly_on,
        timezone=settings.site.timezone,
        approval=settings.schedule.approval,
    )
    # Loading a model costs half a second and some hundred megabytes: only at the first ranking, and once.
    ranking = cache(lambda: ranker(settings, store.vectors, progress))
    return Newsletter(store, ranking, letterhead, edited, returns(settings, store))


def signer(settings: Settings) -> Signer | None:
    """Give what signs mail, None where that is not set. Raises ConfigError where the key cannot be used."""
    asked = settings.dkim
    if asked.key_file is None:
        return None
    from newsletter.delivery.addresses import ascii_domain  # noqa: PLC0415
    from newsletter.delivery.dkim import Signer, read_key  # noqa: PLC0415  lazy: few need cryptography

    domain = asked.domain or ascii_domain(sender_domain(settings)).lower()
    return Signer(domain, asked.selector, read_key(asked.key_file))


def welcome(settings: Settings, store: Store) -> Welcome:
    """Give what answers requests to be mailed."""
    from newsletter.rendering import MailTemplates  # noqa: PLC0415
    from newsletter.subscriptions.tokens import Tokens  # noqa: PLC0415
    from newsletter.welcome import Welcome  # noqa: PLC0415

    key = secret(settings, store)
    return Welcome(
        store=store,
        site=site(settings),
        sender=settings.site.sender,
        bounce_address=bounce_address(settings),
        secret=key,
        tokens=Tokens(key),
        templates=MailTemplates("confirm", settings.rendering.templates),
    )


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


def ranker(settings: Settings, vectors: VectorCache, progress: Callable[[int], None] | None = None) -> Ranker:
    """Give the ranker with the encoder that is set and the installation's topics."""
    from newsletter.ranking.ranker import Ranker  # noqa: PLC0415

    return Ranker(
        cached(encoder(settings), settings, vectors, progress),
        catalogue.load(settings.topics),
        exploring=settings.ranking.exploration,
    )


def cached(
    encoder: Encoder, settings: Settings, vectors: VectorCache, progress: Callable[[int], None] | None = None
) -> CachedEncoder:
    """Give the encoder that is set with its cache. `progress` is told how many texts have their vectors."""
    from newsletter.ranking.encoder import CachedEncoder  # noqa: PLC0415

    if settings.ranking.encoder == "endpoint":  # each request's vectors are kept at once
        return CachedEncoder(encoder, vectors, progress, batch=settings.embedding.batch, touchstone=True)
    return CachedEncoder(encoder, vectors, progress)


def encoder(settings: Settings) -> Encoder:
    """Give the encoder that is set."""
    if settings.ranking.encoder == "endpoint":
        from newsletter.ranking.endpoint import Endpoint  # noqa: PLC0415

        return Endpoint(settings.embedding)
    if settings.ranking.encoder == "wordllama":
        from newsletter.ranking.wordllama import WordLlama  # noqa: PLC0415

        try:
            return WordLlama()
        except ImportError as error:
            raise EncoderError(
                'the packages of ranking.encoder = "wordllama" are not installed',
                hint="pip install 'newsletter[wordllama]', or choose \"minilm\"",
            ) from error
    from newsletter.ranking.minilm import MiniLM  # noqa: PLC0415

    return MiniLM()


def sources(
    settings: Settings, store: Store, names: Sequence[str] = (), *, pacer: HostPacer | None = None
) -> list[Source]:
    """Give the sources that are set, or those of them that are named. Raises NotFoundError, ConfigError.

    Calls that are given the same `pacer` ask servers as politely as one call would.
    """
    known = {one.name: one for one in settings.source}
    if unknown := [name for name in names if name not in known]:
        files = [name for name in unknown if Path(name).is_file()]
        there = f"the settings have {', '.join(known)}" if known else "the settings have no [[source]] yet"
        raise NotFoundError(
            f"no such source: {', '.join(unknown)}", hint=f"for a file: --file {files[0]}" if files else there
        )
    if not known:
        raise ConfigError(
            "no sources are set", hint="add a [[source]] to the settings, or read a file with --file PATH"
        )
    from newsletter.sources.politeness import HostPacer, Validators  # noqa: PLC0415

    pacer = pacer or HostPacer(settings.fetching.per_host_interval)
    seen = {one.name: Validators(one.etag, one.last_modified, one.url) for one in store.sources.all()}
    chosen = [known[name] for name in names or known]
    return [_tagged(source, one.tags) for one in chosen for source in _adapters(one, settings, pacer, seen)]


def _tagged(source: Source, tags: tuple[str, ...]) -> Source:
    from newsletter.sources.source import Tagged  # noqa: PLC0415

    return Tagged(source, tags) if tags else source


def _adapters(
    one: SourceSettings, settings: Settings, pacer: HostPacer, seen: Mapping[str, Validators]
) -> list[Source]:
    """Give what one `[[source]]` stands for: itself, the files of a pattern, or the feeds of a list."""
    from newsletter.config import SourceKind  # noqa: PLC0415

    if one.kind is SourceKind.OPML:
        return _feeds(one, settings, pacer, seen)
    if one.path is not None:
        return _matching(one.name, one.path, one.kind, settings)
    return [_remote(one, settings, pacer, seen.get(one.name))]


def _remote(one: SourceSettings, settings: Settings, pacer: HostPacer, known: Validators | None) -> Source:
    from newsletter.config import SourceKind  # noqa: PLC0415

    limits = settings.fetching
    if one.kind is SourceKind.ARXIV_API:
        from newsletter.sources import arxiv_api  # noqa: PLC0415

        return arxiv_api.ArxivApiSource(
            one.name,
            query=one.query,
            categories=one.categories,
            url=one.url or arxiv_api.URL,
            limits=limits,
            pacer=pacer,
            days=one.days,
        )
    if one.kind is SourceKind.ARXIV_OAI:
        from newsletter.sources import arxiv_oai  # noqa: PLC0415

        return arxiv_oai.OaiSource(
            one.name,
            one.url or arxiv_oai.URL,
            set_spec=one.set,
            categories=one.categories,
            limits=limits,
            pacer=pacer,
            days=one.days,
        )
    from newsletter.sources.source import UrlSource  # noqa: PLC0415

    return UrlSource(one.name, one.url or "", kind=one.kind, limits=limits, known=known, pacer=pacer)


def _feeds(one: SourceSettings, settings: Settings, pacer: HostPacer, seen: Mapping[str, Validators]) -> list[Source]:
    from newsletter.sources import source  # noqa: PLC0415

    try:
        listed = source.listed_feeds(one.path or one.url or "", settings.fetching, pacer)
    except SourceError as error:  # one bad source never stops the others
        return [source.Unreadable(one.name, error)]
    feeds = {f"{one.name}: {feed.title}": feed.url for feed in listed}
    return [
        source.UrlSource(name, url, limits=settings.fetching, known=seen.get(name), pacer=pacer)
        for name, url in feeds.items()
    ]


def _matching(name: str, path: Path, kind: SourceKind, settings: Settings) -> list[Source]:
    """Give the files of a path, which may be a pattern; of a pattern each file is a source called `name: file`."""
    from newsletter.sources.source import FileSource  # noqa: PLC0415

    return [FileSource(each, file, kind=kind, limits=settings.fetching) for each, file in matching(name, path)]


def matching(name: str, path: Path) -> list[tuple[str, Path]]:
    """Give the files of a source's path, each with the name that its source goes by."""
    if not glob.has_magic(str(path)) or path.exists():
        return [(name, path)]
    found = sorted(Path(match) for match in glob.iglob(str(path), recursive=True))  # noqa: PTH207  also absolute
    return [(f"{name}: {file.name}", file) for file in found]


def files(settings: Settings, paths: Iterable[Path], kind: SourceKind) -> list[Source]:
    """Give files as sources, each called by its file's name."""
    from newsletter.sources.source import FileSource  # noqa: PLC0415

    return [FileSource(path.name, path, kind=kind, limits=settings.fetching) for path in paths]


def library(
    settings: Settings, store: Store, paths: Iterable[Path], kind: SourceKind, *, lookups: int | None = None
) -> tuple[list[str], list[Source]]:
    """Give what readers' files say they like: papers that are known already, by name, and sources of the others.

    A file is a bibliography of any format, or a list of ids; what of a list is not known is looked up. Raises
    SourceError where that would be more than `lookups` papers.
    """
    from newsletter.config import SourceKind as Kind  # noqa: PLC0415
    from newsletter.sources import lookup, source  # noqa: PLC0415

    known: list[str] = []
    sources: list[Source] = []
    for path in paths:
        ids = lookup.listed(source.file_contents(path, settings.fetching)) if kind is Kind.AUTO else ()
        there = store.papers.keys(ids)
        known += [name for name in ids if name in there]
        if unknown := [name for name in ids if name not in there]:
            if lookups is not None and len(unknown) > lookups:
                raise SourceError(
                    f"{path} lists {len(unknown)} papers that are not known here; {lookups} at once can be looked up",
                    hint="split the list, or take a bibliography, which has titles and abstracts",
                )
            sources.append(lookup.LookupSource(path.name, unknown, at=settings.lookup, limits=settings.fetching))
        if not ids:
            sources.append(source.FileSource(path.name, path, kind=kind, limits=settings.fetching))
    return known, sources


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
    if kind is TransportKind.MAILDIR:
        from newsletter.delivery.maildir import MaildirTransport  # noqa: PLC0415

        return MaildirTransport(settings.delivery.maildir)
    from newsletter.delivery.null import NullTransport  # noqa: PLC0415

    return NullTransport()
