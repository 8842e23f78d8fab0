"""The kinds of values that settings have: closed vocabularies, and texts that are checked when they are read."""

from __future__ import annotations

import re
from email.utils import parseaddr
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, SecretStr

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


class UncertainPolicy(StrEnum):
    """What is done about a message that may have arrived: it is sent once more, or left to a person."""

    RESEND = "resend"
    HOLD = "hold"


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


def _language_tag(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,8}", value):
        raise ValueError("must be a language tag as in en or pt-BR")
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
LanguageTag = Annotated[str, AfterValidator(_language_tag)]
ZoneName = Annotated[str, AfterValidator(_zone)]
