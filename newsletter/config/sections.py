"""The sections of the settings, each with its defaults. `config/newsletter.toml` says what every setting means."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from newsletter.config.values import (
    AccountUrl,
    Days,
    EndpointUrl,
    HeaderWord,
    HttpUrl,
    LanguageTag,
    ListenUrl,
    Mailbox,
    ModelName,
    OptionalUrl,
    PlainAddress,
    SiteUrl,
    SmtpSecurity,
    SourceKind,
    TimeOfDay,
    TransportKind,
    UncertainPolicy,
    Weekday,
    ZoneName,
)


class _Section(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Site(_Section):
    """Who sends the newsletter, and where its pages are."""

    name: str = "Daily Papers"
    url: SiteUrl = "https://newsletter.example.org"
    sender: Mailbox = "Daily Papers <papers@newsletter.example.org>"
    postal_address: str = ""
    operator: PlainAddress = ""
    language: LanguageTag = "en"
    secret: SecretStr = SecretStr("")
    timezone: ZoneName = "UTC"


class Database(_Section):
    """Where everything is kept, as a SQLAlchemy URL."""

    url: str = Field(default="sqlite:///newsletter.db", repr=False)  # it may hold a password
    statement_timeout: float = Field(default=60.0, ge=0, le=86_400)


class DeliverySettings(_Section):
    """How messages leave and how long we try."""

    transport: TransportKind = TransportKind.MAILDIR
    maildir: Path = Path("mail")
    bounce_address: PlainAddress = ""
    attempts: int = Field(default=8, ge=1, le=50)
    uncertain: UncertainPolicy = UncertainPolicy.RESEND
    expire_after: float = Field(default=48.0, ge=0, allow_inf_nan=False)
    per_second: int = Field(default=0, ge=0)
    per_hour: int = Field(default=0, ge=0)
    per_domain: int = Field(default=0, ge=0)
    warm_up: int = Field(default=0, ge=0)
    warm_up_from: date | None = None
    soft_bounce_limit: float = Field(default=5.0, ge=1, le=1000)
    soft_bounce_half_life: float = Field(default=30.0, gt=0, le=3650)
    pause_at: float = Field(default=0.3, ge=0, le=1)
    builders: int | None = Field(default=None, ge=0, le=64)

    @model_validator(mode="after")
    def _warm_up_begins(self) -> Self:
        if self.warm_up and self.warm_up_from is None:
            raise ValueError("warm_up needs the day on which it began, warm_up_from")
        return self


class Relay(_Section):
    """One `[[relay]]`: an SMTP server that takes our mail, and how large its share is."""

    host: str = "localhost"
    port: int = Field(default=25, ge=1, le=65535)
    security: SmtpSecurity = SmtpSecurity.NONE
    username: str = ""
    password: SecretStr = SecretStr("")
    timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    ca_file: Path | None = None
    weight: int = Field(default=1, ge=0, le=1000)


class Smtp(Relay):
    """The SMTP server that takes our mail, the first of them where there are more."""

    connections: int = Field(default=4, ge=1, le=200)


class Ses(_Section):
    """The account of Amazon SES, where `delivery.transport` is "ses"."""

    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]+$")
    access_key_id: str = ""
    secret_access_key: SecretStr = SecretStr("")
    session_token: SecretStr = SecretStr("")
    configuration_set: str = ""
    endpoint: OptionalUrl = ""
    timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)


class Dkim(_Section):
    """What mail is signed with; it is not signed where there is no `key_file`."""

    domain: str = ""
    selector: str = Field(default="newsletter", min_length=1)
    key_file: Path | None = None

    @field_validator("domain", "selector")
    @classmethod
    def _labels(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", value):
            raise ValueError("must be a name as in the DNS, in ASCII")
        return value.lower()


class ReturnsSettings(_Section):
    """Where mail that comes back is found, besides files."""

    mailbox: AccountUrl = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    ca_file: Path | None = None
    listen: ListenUrl = ""


class Webhooks(_Section):
    """What providers prove themselves by when they tell of bounces; those without are not listened to."""

    ses_topic: str = ""
    postmark_password: SecretStr = SecretStr("")
    mailgun_key: SecretStr = SecretStr("")
    sendgrid_key: str = ""


class Web(_Section):
    """Where the web pages listen."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    metrics_token: HeaderWord = SecretStr("")
    proof_of_work: int = Field(default=0, ge=0, le=20)


class LoggingSettings(_Section):
    """What is written to standard error while the program works (`newsletter.logs`)."""

    format: Literal["auto", "human", "json"] = "auto"
    level: Literal["", "debug", "info", "warning", "error"] = ""
    addresses: bool = False


class Admin(_Section):
    """The operator's own pages, which are there once a password is set."""

    password_hash: SecretStr = SecretStr("")

    @field_validator("password_hash")
    @classmethod
    def _argon2(cls, value: SecretStr) -> SecretStr:
        if (said := value.get_secret_value()) and not said.startswith("$argon2id$"):
            raise ValueError("must be what `newsletter password` prints")
        return value


class Ranking(_Section):
    """How papers are compared with profiles."""

    encoder: Literal["minilm", "wordllama", "endpoint"] = "minilm"
    background: int = Field(default=2000, ge=0, le=20000)
    also_today: int = Field(default=6, ge=0, le=30)
    exploration: bool = True
    pickers: int | None = Field(default=None, ge=0, le=64)


class Embedding(_Section):
    """The service that turns texts into vectors, where `ranking.encoder` is "endpoint"."""

    url: EndpointUrl | None = None
    model: ModelName = ""
    api_key: HeaderWord = SecretStr("")
    batch: int = Field(default=32, ge=1, le=2048)
    characters: int = Field(default=6000, ge=100, le=1_000_000)
    timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)


class Rendering(_Section):
    """What the emails are made from."""

    theme: str = "journal"
    templates: Path | None = None
    thumbnails: bool = False


class Summaries(_Section):
    """The model that writes a line about each paper, if any."""

    endpoint: OptionalUrl = ""
    model: str = ""
    api_key: SecretStr = SecretStr("")
    timeout: float = Field(default=30.0, gt=0, le=600)
    seconds: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    language: str = Field(default="", max_length=60)

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.endpoint and not self.model:
            raise ValueError("an endpoint needs the name of a model too")
        return self


class Schedule(_Section):
    """When issues are due, and what `newsletter run` does when."""

    cutoff: TimeOfDay = "04:00"
    weekly_on: Weekday = "monday"
    approval: bool = False
    blackout: tuple[Days, ...] = ()
    late: float = Field(default=6.0, ge=0, le=24)
    reach: int = Field(default=60, ge=1, le=366)
    ingest_every: float = Field(default=60.0, ge=1, le=1440)
    alert_after: float = Field(default=3.0, ge=0, le=24)


class Retention(_Section):
    """For how many days things are kept; 0 keeps them for ever."""

    papers: int = Field(default=730, ge=0)
    editions: int = Field(default=400, ge=0)
    consents: int = Field(default=1095, ge=0)


class Cluster(_Section):
    """Many workers on one PostgreSQL, in place of one process."""

    enabled: bool = False
    shard: int = Field(default=500, ge=1, le=100_000)
    stalled_after: float = Field(default=30.0, ge=2, le=3600)


class Fetching(_Section):
    """Limits for everything that is read from a source."""

    timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    read_timeout: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    max_bytes: int = Field(default=20_000_000, ge=1000)
    parse_timeout: float = Field(default=10.0, gt=0, le=86_400, allow_inf_nan=False)
    tries: int = Field(default=3, ge=1, le=10)
    max_retry_after: float = Field(default=86_400.0, ge=0, le=31_536_000)
    per_host_interval: float = Field(default=1.0, ge=0, le=60)
    allow_private: bool = False
    contact: str = ""
    tell_after: int = Field(default=3, ge=1)


class Lookup(_Section):
    """Where papers are looked up of which only the id is known."""

    arxiv: HttpUrl = "https://export.arxiv.org/api/query"
    crossref: HttpUrl = "https://api.crossref.org/works"


class Zotero(_Section):
    """Keys to libraries that are not public, and where Zotero's API is. `keys` are those of single users, by number."""

    key: HeaderWord = SecretStr("")
    keys: dict[str, HeaderWord] = {}
    url: SiteUrl = "https://api.zotero.org"

    @field_validator("keys", mode="before")
    @classmethod
    def _by_number(cls, value: object) -> object:
        # Before all else, since the path of another mistake would repeat a key that stands in the number's place.
        if isinstance(value, dict) and not all(re.fullmatch(r"[0-9]+", str(number)) for number in value):
            raise ValueError("must have a key for each user's number")
        return value


class SourceSettings(_Section):
    """One `[[source]]`: a name, the format, and where the bytes are.

    That is `url` or `path`, exactly one; a path may be a pattern (`inbox/*.txt`) or a Maildir, which is read as many
    `days` back. `arxiv-api` and `arxiv-oai` know their address, and are told what to ask for: `query` or `categories`,
    `set`, and how many `days` back.
    `every` is in minutes; 0 is as all others.
    """

    name: str = Field(min_length=1)
    kind: SourceKind = SourceKind.AUTO
    url: HttpUrl | None = None
    path: Path | None = None
    query: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    set: str = ""
    days: int = Field(default=3, ge=1, le=60)
    every: float = Field(default=0.0, ge=0, le=10_080)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        at_home = self.kind in {SourceKind.ARXIV_API, SourceKind.ARXIV_OAI}
        if self.url is not None and self.path is not None:
            raise ValueError(f"the source {self.name} has both a url and a path")
        if self.url is None and self.path is None and not at_home:
            raise ValueError(f"the source {self.name} needs either a url or a path")
        if self.kind is SourceKind.ARXIV_API and not (self.query or self.categories):
            raise ValueError(f"the source {self.name} needs a query or categories")
        return self


def _distinct(sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
    names = [one.name for one in sources]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"each needs a name of its own; there twice: {', '.join(twice)}")
    return sources


Sources = Annotated[tuple[SourceSettings, ...], AfterValidator(_distinct)]
