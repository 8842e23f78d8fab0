"""The kinds of values that settings have: closed vocabularies, and texts that are checked when they are read."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from email.utils import parseaddr
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, SecretStr

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class TransportKind(StrEnum):
    """The ways a message can leave: files on disk, an SMTP server, Amazon's API, or nowhere (for rehearsals)."""

    MAILDIR = "maildir"
    SMTP = "smtp"
    SES = "ses"
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
    SCHOLAR_MAIL = "scholar-mail"
    BIBTEX = "bibtex"
    RIS = "ris"
    ENDNOTE = "endnote"
    ENDNOTE_XML = "endnote-xml"
    PUBMED_XML = "pubmed-xml"
    CSL_JSON = "csl-json"
    JSONL = "jsonl"
    CSV = "csv"
    SEMANTIC_SCHOLAR = "semantic-scholar"
    CROSSREF = "crossref"
    OPENREVIEW = "openreview"
    OPENALEX = "openalex"
    INSPIRE = "inspire"
    DBLP = "dblp"
    ZOTERO = "zotero"
    MARKDOWN = "markdown"


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


def _time_of_day(value: str) -> str:
    try:
        if len(value) == 5:
            time.fromisoformat(value)
            return value
    except ValueError:
        pass
    raise ValueError("must be a time of the day as in 04:30")


def _days(value: str) -> str:
    try:
        days_of(value)
    except ValueError as error:
        raise ValueError("must be a day as in 2026-12-24, or days as in 2026-12-24/2027-01-02") from error
    return value


def days_of(value: str) -> list[date]:
    """Give the days that a setting names: one, or all from one to another. Raises ValueError."""
    first, _, last = value.partition("/")
    start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    if not 0 <= (end - start).days < 3660:
        raise ValueError("the last day is before the first")
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


def _url_of(schemes: frozenset[str], value: str) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
        right = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or "@" in parts.netloc or not value.isprintable():
        raise ValueError(f"must be of the form {'|'.join(sorted(schemes))}://host:port, without a user")
    return value


def _account_url(value: str) -> str:
    return _url_of(frozenset({"imaps", "imap", "pop3s", "pop3"}), value)


def _listen_url(value: str) -> str:
    if value and urlsplit(value).port is None:
        raise ValueError("must name a port, as in lmtp://127.0.0.1:8024")
    return _url_of(frozenset({"lmtp", "smtp"}), value)


OptionalUrl = Annotated[str, AfterValidator(_optional_url)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
EndpointUrl = Annotated[HttpUrl, AfterValidator(_endpoint_url)]
ModelName = Annotated[str, AfterValidator(_model_name)]
HeaderWord = Annotated[SecretStr, AfterValidator(_header_word)]
SiteUrl = Annotated[HttpUrl, AfterValidator(_site_url)]
PlainAddress = Annotated[str, AfterValidator(_plain_address)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
Days = Annotated[str, AfterValidator(_days)]
LanguageTag = Annotated[str, AfterValidator(_language_tag)]
ZoneName = Annotated[str, AfterValidator(_zone)]
AccountUrl = Annotated[str, AfterValidator(_account_url)]
ListenUrl = Annotated[str, AfterValidator(_listen_url)]
