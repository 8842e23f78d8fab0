"""The settings: where they are, who may read them, and what stands in them that should not stay so."""

from __future__ import annotations

import shlex
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from newsletter import bootstrap
from newsletter.checks.check import Check, failed, ok, warning
from newsletter.config import ENV_PREFIX, Settings
from newsletter.delivery.addresses import ascii_domain
from newsletter.delivery.envelope import envelope_sender
from newsletter.errors import ConfigError

_PLACEHOLDER = "example.org"
_SHORTEST_SECRET = 32  # characters
_LARGEST_KEY = (1 << 64) - 1


def of_file(file: Path | None, environment: Mapping[str, str]) -> Iterator[Check]:
    """Look at the settings file, which is in order as such: None where there is none."""
    if file is None:
        given = [name for name in environment if name.upper().startswith(ENV_PREFIX) and "__" in name]
        if given:
            yield ok("settings", f"from the environment ({len(given)} variables), without a file")
        else:
            yield warning(
                "settings", "there is no settings file, so everything is at its default", "`newsletter init` writes one"
            )
        return
    held = _secrets(tomllib.loads(file.read_text(encoding="utf-8")))
    if held and file.stat().st_mode & stat.S_IROTH:
        yield warning(
            "settings",
            f"{file} holds {' and '.join(held)}, and everybody on this machine may read it",
            f"chmod 600 {shlex.quote(str(file))}",
        )
    else:
        yield ok("settings", f"read from {file}")


def _secrets(values: Mapping[str, Any]) -> list[str]:
    named = {
        "site.secret": values.get("site", {}).get("secret"),
        "smtp.password": values.get("smtp", {}).get("password"),
        "relay.password": any(one.get("password") for one in values.get("relay", [])),
        "the password of database.url": _password(str(values.get("database", {}).get("url", ""))),
    }
    return [name for name, value in named.items() if value]


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:  # no URL; the check of the database says so
        return None


def of_site(settings: Settings) -> Iterator[Check]:
    """Look at who sends the newsletter, and at what signs its links."""
    yield _url(settings.site.url)
    yield _sender(settings)
    yield _postal_address(settings.site.postal_address)
    if settings.site.operator:
        yield ok("site.operator", f"{settings.site.operator} is told when sources fail again and again")
    else:
        yield warning(
            "site.operator", "is empty, so nobody is told when sources fail", "set it to your own mail address"
        )
    yield _secret(settings)


def of_leaving_mail(settings: Settings) -> Iterator[Check]:
    """Look at what mail that leaves this machine should have, and would be refused or unlawful without."""
    yield _url(settings.site.url)
    yield _sender(settings)
    yield _postal_address(settings.site.postal_address)


def _url(url: str) -> Check:
    name, parts = "site.url", urlsplit(url)
    if _is_placeholder(parts.hostname or ""):
        return warning(name, f"still names {_PLACEHOLDER}, so no link in the mail leads anywhere", "set your own")
    if parts.scheme != "https":
        return warning(
            name,
            f"{url} is not encrypted: whoever listens can use a subscriber's links, and mail programs want https "
            "for one-click unsubscribing",
            "put the pages behind https, and set site.url to that address",
        )
    return ok(name, url)


def _sender(settings: Settings) -> Check:
    name, domain = "site.sender", bootstrap.sender_domain(settings)
    if _is_placeholder(domain):
        return warning(name, f"still names {_PLACEHOLDER}", "set your own, or the mail will be refused")
    try:
        ascii_domain(domain)
        envelope_sender(bootstrap.bounce_address(settings), _LARGEST_KEY, b"any")
    except UnicodeError as error:
        return failed(name, f"{domain} cannot be a domain: {error}", "correct it")
    except ConfigError as error:
        return failed(name, error.message, error.hint)
    return ok(name, settings.site.sender)


def _is_placeholder(host: str) -> bool:
    return f".{host.lower()}".endswith(f".{_PLACEHOLDER}")


def _postal_address(address: str) -> Check:
    if not address.strip():
        return warning(
            "site.postal_address",
            "is empty",
            "set yours: commercial mail must carry one (CAN-SPAM), others may ask too",
        )
    return ok("site.postal_address", ", ".join(address.split("\n")))


def _secret(settings: Settings) -> Check:
    name, secret = "site.secret", settings.site.secret.get_secret_value()
    if secret and len(secret) < _SHORTEST_SECRET:
        return warning(
            name,
            f"has only {len(secret)} characters, and could be guessed",
            f"set one of {_SHORTEST_SECRET} or more, as `newsletter init` does; links in mails already sent then stop "
            "working",
        )
    if secret:
        return ok(name, "is set")
    if settings.database.url.startswith("postgresql"):
        return warning(
            name,
            "is empty: the one in the database signs the links, and whoever may read the database or a backup has it",
            "before the first issue set one for all machines, NEWSLETTER_SITE__SECRET_FILE for instance; afterwards "
            "leave it, as links in mails already sent would stop working",
        )
    return ok(name, "is empty: the installation's own is kept in its database")
