"""Settings: one TOML file, overridden by the environment, every value checked before anything starts.

`NEWSLETTER_<SECTION>__<KEY>` overrides one setting; `NEWSLETTER_<SECTION>__<KEY>_FILE` reads it from a file, for
secrets. An unknown key is an error with its path. `config/newsletter.toml` documents every setting with its default.
"""

from __future__ import annotations

import os
import tomllib
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from newsletter import assets
from newsletter.errors import ConfigError

ENV_PREFIX = "NEWSLETTER_"
DEFAULT_FILE = Path("newsletter.toml")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class TransportKind(StrEnum):
    """The ways a message can leave: files on disk, an SMTP server, or nowhere (for rehearsals)."""

    MAILDIR = "maildir"
    SMTP = "smtp"
    NULL = "null"


class SmtpSecurity(StrEnum):
    """How the connection to the SMTP server is encrypted. Never falls back from what is set."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class SourceKind(StrEnum):
    """The format a source's bytes are in. `AUTO` looks at the bytes."""

    AUTO = "auto"
    DIGEST = "digest"
    HUGGINGFACE = "huggingface"
    FEED = "feed"
    JSON_FEED = "json-feed"
    OPML = "opml"
    ARXIV_API = "arxiv-api"
    ARXIV_OAI = "arxiv-oai"
    ARXIV_MAIL = "arxiv-mail"
    BIBTEX = "bibtex"
    RIS = "ris"
    CSL_JSON = "csl-json"
    JSONL = "jsonl"
    CSV = "csv"
    SEMANTIC_SCHOLAR = "semantic-scholar"
    CROSSREF = "crossref"
    OPENREVIEW = "openreview"


def _http_url(value: str) -> str:
    # The value stays as it is: for the server of a source, /feed and /feed/ may be two addresses.
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise ValueError("is no address") from error
    if parts.scheme not in {"https", "http"} or not parts.hostname or not value.isprintable() or " " in value:
        raise ValueError("must be an address that starts with https:// or http://")
    return value


def _site_url(value: str) -> str:
    if "?" in value or "#" in value:
        raise ValueError("must end before any ? or #: the paths of the pages are put behind it")
    return value.rstrip("/")


def _plain_address(value: str) -> str:
    local, _, domain = value.rpartition("@")
    if value and (not local or not domain or any(c.isspace() or c in '<>"' for c in value)):
        raise ValueError("must be an address@domain without a name")
    return value


def _mailbox(value: str) -> str:
    _, address = parseaddr(value)
    if address.count("@") != 1 or not all(address.split("@")) or any(c in value for c in "\r\n"):
        raise ValueError("must be of the form Name <address@domain>")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError or an OSError by platform
        raise ValueError(f"no such time zone: {value!r}") from error
    except KeyError as error:
        raise ValueError(f"no such time zone: {value!r}") from error
    return value


def _endpoint_url(value: str) -> str:
    if "?" in value or "#" in value:
        raise ValueError("must end before any ? or #: /embeddings is put behind it")
    if "@" in urlsplit(value).netloc:
        raise ValueError("must hold no user and no password: embedding.api_key is the place for a key")
    return value.rstrip("/")


def _model_name(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be a name in printable characters")
    return value


def _header_word(value: SecretStr) -> SecretStr:
    word = value.get_secret_value()
    if not word.isascii() or not word.isprintable() or " " in word:  # RFC 6750 section 2.1
        raise ValueError("must be one word of ASCII characters")
    return value


def _optional_url(value: str) -> str:
    return _site_url(_http_url(value)) if value else value


OptionalUrl = Annotated[str, AfterValidator(_optional_url)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
EndpointUrl = Annotated[HttpUrl, AfterValidator(_endpoint_url)]
ModelName = Annotated[str, AfterValidator(_model_name)]
HeaderWord = Annotated[SecretStr, AfterValidator(_header_word)]
SiteUrl = Annotated[HttpUrl, AfterValidator(_site_url)]
PlainAddress = Annotated[str, AfterValidator(_plain_address)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
ZoneName = Annotated[str, AfterValidator(_zone)]


class _Section(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Site(_Section):
    """Who sends the newsletter, and where its pages are."""

    name: str = "Daily Papers"
    url: SiteUrl = "https://newsletter.example.org"
    sender: Mailbox = "Daily Papers <papers@newsletter.example.org>"
    postal_address: str = ""
    operator: PlainAddress = ""
    secret: SecretStr = SecretStr("")
    timezone: ZoneName = "UTC"


class Database(_Section):
    """Where everything is kept, as a SQLAlchemy URL."""

    url: str = Field(default="sqlite:///newsletter.db", repr=False)  # it may hold a password


class DeliverySettings(_Section):
    """How messages leave and how long we try."""

    transport: TransportKind = TransportKind.MAILDIR
    maildir: Path = Path("mail")
    bounce_address: PlainAddress = ""
    attempts: int = Field(default=8, ge=1, le=50)
    resend_uncertain: bool = False


class Smtp(_Section):
    """The SMTP server that takes our mail."""

    host: str = "localhost"
    port: int = Field(default=25, ge=1, le=65535)
    security: SmtpSecurity = SmtpSecurity.NONE
    username: str = ""
    password: SecretStr = SecretStr("")
    connections: int = Field(default=4, ge=1, le=200)
    timeout: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    ca_file: Path | None = None


class Web(_Section):
    """Where the web pages listen."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)


class Ranking(_Section):
    """How papers are compared with profiles."""

    encoder: Literal["minilm", "wordllama", "endpoint"] = "minilm"
    background: int = Field(default=2000, ge=0, le=20000)
    also_today: int = Field(default=6, ge=0, le=30)


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

    template: str = "daily"
    templates: Path | None = None


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
    """When issues are due."""

    weekly_on: Weekday = "monday"
    approval: bool = False


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


class SourceSettings(_Section):
    """One `[[source]]`: a name, the format, and where the bytes are.

    That is `url` or `path`, exactly one; a path may be a pattern (`inbox/*.txt`). `arxiv-api` and `arxiv-oai` know
    their address, and are told what to ask for: `query` or `categories`, `set`, and how many `days` back.
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


class _Environment(EnvSettingsSource):
    """The environment, with `…_FILE` variables replaced by what the file holds."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self.env_vars = {
            name.removesuffix("_file") if _is_file(name) else name: _read(value) if _is_file(name) else value
            for name, value in self.env_vars.items()
        }

    def __call__(self) -> dict[str, Any]:
        """Give the values; a variable of a section that does not exist is passed on too, to be refused by its path."""
        values = super().__call__()
        for name in self.env_vars:
            section, _, key = name.lower().removeprefix(ENV_PREFIX.lower()).partition("__")
            if name.lower().startswith(ENV_PREFIX.lower()) and key and section not in self.settings_cls.model_fields:
                values[f"{section}.{key.replace('__', '.')}"] = None
        return values


def _is_file(name: str) -> bool:
    # smtp.ca_file is a setting of its own: the path is the value.
    name = name.lower()
    return name.startswith(ENV_PREFIX.lower()) and "__" in name and name.endswith("_file") and "__ca_file" not in name


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the secret file {path}: {error}") from error


class Settings(BaseSettings):
    """Every setting of an installation."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    site: Site = Site()
    database: Database = Database()
    delivery: DeliverySettings = DeliverySettings()
    smtp: Smtp = Smtp()
    web: Web = Web()
    ranking: Ranking = Ranking()
    embedding: Embedding = Embedding()
    rendering: Rendering = Rendering()
    summaries: Summaries = Summaries()
    schedule: Schedule = Schedule()
    fetching: Fetching = Fetching()
    lookup: Lookup = Lookup()
    topics: Path = assets.CONFIG / "topics.toml"
    source: Sources = ()

    @model_validator(mode="after")
    def _endpoint_is_named(self) -> Self:
        if self.ranking.encoder == "endpoint" and not (self.embedding.url and self.embedding.model):
            raise ValueError('ranking.encoder is "endpoint", which needs embedding.url and embedding.model')
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file (the file's values come as init arguments)."""
        return (_Environment(settings_cls), init_settings)


def settings_file(path: Path | None = None) -> Path | None:
    """Give the settings file: `path`, else what `NEWSLETTER_CONFIG` names, else ./newsletter.toml if it is there."""
    named = path or (Path(value) if (value := os.environ.get("NEWSLETTER_CONFIG")) else None)
    return named or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def load(path: Path | None = None) -> Settings:
    """Read the settings from `settings_file(path)`, and from the environment.

    Raises ConfigError: the file is missing where it was named, is not TOML, or holds an unknown key or a bad value.
    """
    file = settings_file(path)
    values = _toml(file) if file else {}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, file), hint="config/newsletter.toml lists every setting") from error
    except ValueError as error:  # pydantic-settings: a section given as a bare value that is no JSON
        raise ConfigError(f"the environment: {error}") from error
    return settings


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no settings file {path}", hint="`newsletter init` writes one") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read the settings file {path}: {error}") from error


def _explain(error: ValidationError, file: Path | None) -> str:
    """All mistakes, a line each: the setting's path, what is wrong, and never the value (it may be a secret)."""
    where = f"{file}, or the environment" if file else "the environment"
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in item["loc"])
        known = "no such setting" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {known}" if name else known)  # a rule over several settings is of no one path
    return f"the settings ({where}) are wrong: " + "; ".join(lines)
