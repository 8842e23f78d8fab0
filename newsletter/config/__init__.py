"""Settings: one TOML file, overridden by the environment, every value checked before anything starts.

`NEWSLETTER_<SECTION>__<KEY>` overrides one setting; `NEWSLETTER_<SECTION>__<KEY>_FILE` reads it from a file, for
secrets. An unknown key is an error with its path. `config/newsletter.toml` documents every setting with its default.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from newsletter import assets
from newsletter.config.sections import (
    Admin,
    Cluster,
    Database,
    DeliverySettings,
    Dkim,
    Embedding,
    Fetching,
    LoggingSettings,
    Lookup,
    Ranking,
    Relay,
    Rendering,
    Retention,
    ReturnsSettings,
    Schedule,
    Ses,
    Site,
    Smtp,
    Sources,
    SourceSettings,
    Summaries,
    Web,
    Webhooks,
    Zotero,
)
from newsletter.config.values import SmtpSecurity, SourceKind, TransportKind, UncertainPolicy, days_of
from newsletter.errors import ConfigError, in_words

__all__ = [
    "Admin",
    "Cluster",
    "Database",
    "DeliverySettings",
    "Dkim",
    "Embedding",
    "Fetching",
    "LoggingSettings",
    "Lookup",
    "Ranking",
    "Relay",
    "Rendering",
    "Retention",
    "ReturnsSettings",
    "Schedule",
    "Ses",
    "Settings",
    "Site",
    "Smtp",
    "SmtpSecurity",
    "SourceKind",
    "SourceSettings",
    "Summaries",
    "TransportKind",
    "UncertainPolicy",
    "Web",
    "Webhooks",
    "Zotero",
    "days_of",
    "load",
    "settings_file",
]

ENV_PREFIX = "NEWSLETTER_"
DEFAULT_FILE = Path("newsletter.toml")


class _Environment(EnvSettingsSource):
    """The environment, with `…_FILE` variables replaced by what the file holds."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self.env_vars = {
            name.removesuffix("_file") if _is_file(name) else name: _read(value) if _is_file(name) else value
            for name, value in self.env_vars.items()
        }

    def __call__(self) -> dict[str, Any]:
        """Give the values; a variable of a section that does not exist is passed on too, to be refused by its path.

        Raises ConfigError for NEWSLETTER_DATABASE_URL and its like: one underscore too few, and the setting would be
        as if it had not been made.
        """
        values = super().__call__()
        for name in self.env_vars:
            if meant := self._meant(name):
                raise ConfigError(f"{name.upper()} is no setting", hint=f"two underscores: {meant}")
            section, _, key = name.lower().removeprefix(ENV_PREFIX.lower()).partition("__")
            if name.lower().startswith(ENV_PREFIX.lower()) and key and section not in self.settings_cls.model_fields:
                values[f"{section}.{key.replace('__', '.')}"] = None
        return values

    def _meant(self, name: str) -> str:
        """Give the variable that was meant where one underscore stands between section and key; '' elsewhere."""
        section, _, key = name.lower().removeprefix(ENV_PREFIX.lower()).partition("_")
        if not name.lower().startswith(ENV_PREFIX.lower()) or section not in self.settings_cls.model_fields:
            return ""
        if (self.env_vars[name] or "").startswith(("tcp://", "udp://")):  # Kubernetes, of a service `newsletter-web`
            return ""
        known = getattr(self.settings_cls.model_fields[section].annotation, "model_fields", {})
        meant = {key, key.removesuffix("_file")}.intersection(known)
        return f"{ENV_PREFIX}{section.upper()}__{key.upper()}" if meant else ""


_PATHS = ("__ca_file", "dkim__key_file")


def _is_file(name: str) -> bool:
    # smtp.ca_file and dkim.key_file are settings of their own: the path is the value.
    name = name.lower()
    return (
        name.startswith(ENV_PREFIX.lower())
        and "__" in name
        and name.endswith("_file")
        and not any(path in name for path in _PATHS)
    )


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the secret file {path}: {in_words(error)}") from error


class Settings(BaseSettings):
    """Every setting of an installation."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    site: Site = Site()
    database: Database = Database()
    delivery: DeliverySettings = DeliverySettings()
    smtp: Smtp = Smtp()
    ses: Ses = Ses()
    dkim: Dkim = Dkim()
    returns: ReturnsSettings = ReturnsSettings()
    webhooks: Webhooks = Webhooks()
    web: Web = Web()
    logging: LoggingSettings = LoggingSettings()
    admin: Admin = Admin()
    ranking: Ranking = Ranking()
    embedding: Embedding = Embedding()
    rendering: Rendering = Rendering()
    summaries: Summaries = Summaries()
    schedule: Schedule = Schedule()
    cluster: Cluster = Cluster()
    retention: Retention = Retention()
    fetching: Fetching = Fetching()
    lookup: Lookup = Lookup()
    zotero: Zotero = Zotero()
    topics: Path = assets.CONFIG / "topics.toml"
    source: Sources = ()
    relay: tuple[Relay, ...] = ()

    @model_validator(mode="after")
    def _endpoint_is_named(self) -> Self:
        if self.ranking.encoder == "endpoint" and not (self.embedding.url and self.embedding.model):
            raise ValueError('ranking.encoder is "endpoint", which needs embedding.url and embedding.model')
        return self

    @model_validator(mode="after")
    def _ses_is_known(self) -> Self:
        known = self.ses.access_key_id and self.ses.secret_access_key.get_secret_value()
        if self.delivery.transport is TransportKind.SES and not known:
            raise ValueError('delivery.transport is "ses", which needs ses.access_key_id and ses.secret_access_key')
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
        raise ConfigError(f"cannot read the settings file {path}: {in_words(error)}") from error


def _explain(error: ValidationError, file: Path | None) -> str:
    """All mistakes, a line each: the setting's path, what is wrong, and never the value (it may be a secret)."""
    where = f"{file}, or the environment" if file else "the environment"
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in item["loc"])
        known = "no such setting" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {known}" if name else known)  # a rule over several settings is of no one path
    return f"the settings ({where}) are wrong: " + "; ".join(lines)
