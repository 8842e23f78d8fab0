"""Where the links lead: their scheme, and, when asked, whether somebody answers there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias
from urllib.parse import urlsplit

from newsletter.preflight.letter import Letter
from newsletter.preflight.result import Result, failed, ok, warning

# What a link gave: '' where it is alive, else what is the matter.
Asked: TypeAlias = Callable[[str], str]
_AT_ONCE = 8
_SHOWN = 70  # characters of an address: personal ones are long
_SCHEMES = frozenset({"https", "mailto"})
_PLACEHOLDERS = ("example.org", "example.com", "example.net", "localhost")
# Personal pages: asking them is harmless (GET changes nothing), but they do not exist for a made-up reader.
_PERSONAL = ("/feedback/", "/preferences/", "/unsubscribe/", "/confirm/")


def links(letter: Letter, ask: Asked | None = None) -> Iterator[Result]:
    """Do all links lead somewhere, safely? `ask` looks whether each is alive; without it nothing is fetched."""
    found = sorted({a.get("href") or "" for a in letter.page.iter("a")}) if letter.page is not None else []
    faults = [fault for href in found if (fault := _fault(href))]
    dead = _dead([href for href in found if not _fault(href) and _is_public(href)], ask) if ask else {}
    cure = "mend the address, or leave the paper out"
    faults += [failed("links", f"is dead: {why}", href[:_SHOWN], cure) for href, why in dead.items()]
    asked = ", those that are not personal are alive" if ask else ""
    yield from faults or [ok("links", f"{len(found)} links with a safe address{asked}")]


def _dead(hrefs: Sequence[str], ask: Asked) -> dict[str, str]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {href: why for href, why in zip(hrefs, pool.map(ask, hrefs), strict=True) if why}


def _fault(href: str) -> Result | None:
    parts = urlsplit(href)
    host = parts.hostname or ""
    if not href:
        return failed("links", "a link leads nowhere", "<a>", "give it an address")
    if parts.scheme == "http":
        return warning("links", "is not encrypted", href[:_SHOWN], "use https://")
    if parts.scheme not in _SCHEMES or (parts.scheme != "mailto" and not host):
        return failed(
            "links", f"{parts.scheme or 'a path'} cannot be opened from a mail", href[:_SHOWN], "use https://"
        )
    if any(host == name or host.endswith(f".{name}") for name in _PLACEHOLDERS):
        return warning("links", f"{host} is a placeholder", href[:_SHOWN], "set site.url to where the pages are")
    return None


def _is_public(href: str) -> bool:
    return href.startswith("http") and not any(part in href for part in _PERSONAL)
