"""Which addresses may be asked: no request may reach what only this machine can reach (request forgery).

A feed's URL or a redirect may name anything: `http://localhost:6379/`, a cloud's metadata service, a name that resolves
to 10.0.0.1, or to a public address the first time and to 127.0.0.1 the second. So the URL is checked as it is written,
the host is resolved once, every address that it has is checked, and the connection is made to a checked address and
not to the name (newsletter.sources.wire).
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

from newsletter.errors import FetchError
from newsletter.sources.text import http_url, plain

# Host and port to addresses, as text. Raises OSError (socket.gaierror) where there are none.
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]

# With a public address in place the port is the last thing that tells a web server from a mail server or a database
# that listens on this machine's own public address behind a firewall. Feeds are on these four.
_PORTS = frozenset({80, 443, 8080, 8443})
_MOST_ADDRESSES = 8
# A last label that is a number makes a host an IPv4 address for many a parser, in octal, in hex, with parts left out.
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)

# Beside what `ipaddress` calls not global: its lists grew with Python's versions, and ours must not shrink with them.
_REFUSED_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "192.0.0.0/24",  # IETF assignments; a metadata service of one cloud among them
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "168.63.129.16/32",  # public in form; inside Azure it is the platform's own service
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")  # all the global unicast that is given out, RFC 4291 and IANA
_REFUSED_6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # IETF assignments: Teredo, which hides an IPv4 address, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which hides an IPv4 address; given up by RFC 7526
        "3fff::/20",  # documentation, RFC 9637
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052; networks without IPv4 reach all of IPv4 by it


def is_public(address: str) -> bool:
    """Tell whether an IP address (text) is of the public internet. IPv4 within IPv6 (mapped, NAT64) counts as IPv4.

    Raises ValueError where the text is no address.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if inner is None:
            return ip in _GLOBAL_6 and ip.is_global and not any(ip in network for network in _REFUSED_6)
        ip = inner
    return ip.is_global and not any(ip in network for network in _REFUSED_4)


def first(url: str, *, allow_private: bool) -> str:
    """Give `url` if it may be asked, as far as its text tells. Raises FetchError, permanent."""
    return _checked(url, f"{without_password(url)} is", allow_private=allow_private)


def next_hop(url: str, location: str, *, source: str, allow_private: bool) -> str:
    """Give the address that `url` redirects to with `location`. Raises FetchError, permanent.

    Refused, beside what is refused of any URL: a redirect to nowhere, and one from https to http, by which anyone on
    the way could write our papers.
    """
    if not location:
        raise FetchError(f"{source} redirects without saying where", hint="check the source's url")
    try:
        target = urljoin(url, location).partition("#")[0]
    except ValueError:
        target = location
    shown = plain(without_password(target))[:200]
    if url.lower().startswith("https:") and target.lower().startswith("http:"):
        raise FetchError(
            f"{source} redirects from https to {shown}, which is not encrypted",
            hint="check the source's url; give that address itself if it is meant",
        )
    return _checked(target, f"{source} redirects to {shown}, which is", allow_private=allow_private)


def without_password(url: str) -> str:
    """Give `url` without the user name and password in it, so that it can be shown and logged."""
    scheme, mark, rest = url.partition("://")
    place = re.match(r"[^/?#]*", rest)
    return scheme + mark + rest[rest.rfind("@", 0, place.end()) + 1 :] if mark and place else url


def _checked(url: str, what: str, *, allow_private: bool) -> str:
    if without_password(url) != url:
        raise FetchError(f"{what} with a user name or password", hint="give an address that needs none")
    if not http_url(url):
        raise FetchError(
            f"{what} not an http or https address",
            hint="give the full address, with https://; for a file use path in place of url",
        )
    parts = urlsplit(url)  # http_url has seen to it that this and the port are whole
    host = parts.hostname or ""
    if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) and not _is_address(host):
        raise FetchError(f"{what} at an IP address in an unusual form", hint="write it as in 192.0.2.1")
    if parts.port == 0 or (parts.port not in _PORTS | {None} and not allow_private):
        raise FetchError(
            f"{what} at port {parts.port}, where no web pages are expected",
            hint="set fetching.allow_private = true if that is meant",
        )
    return url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def lookup(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver, in its order of preference. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def addresses(host: str, port: int, *, resolve: Resolve, seconds: float) -> list[str]:
    """Give the addresses of `host` within `seconds`, each once, at most eight.

    Raises OSError or UnicodeError where it has none, TimeoutError where the resolver takes too long.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found: list[Sequence[str] | Exception] = []

    def ask() -> None:
        try:
            found.append(resolve(host, port))
        except (OSError, UnicodeError) as error:
            found.append(error)

    # getaddrinfo cannot be told how long it may take. A thread that is too late is left to end by itself: daemon, so
    # that the program does not wait for it.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise TimeoutError
    if isinstance(found[0], Exception):
        raise found[0]
    return list(dict.fromkeys(found[0]))[:_MOST_ADDRESSES]


def all_public(found: Sequence[str], host: str, *, url: str, allow_private: bool) -> bool:
    """Tell whether all addresses of a host are public. Raises FetchError where one is not and none may be otherwise.

    One private address among public ones condemns the host: it is how a rebinding name looks.
    """
    private = next((address for address in found if not is_public(address)), None)
    if private is not None and not allow_private:
        named = host if host == private else f"{host} ({private})"
        raise FetchError(
            f"{url} leads to {named}, which is not on the public internet",
            hint="set fetching.allow_private = true if a source of your own network is meant; redirects from the "
            "public internet into it are refused in any case",
        )
    return private is None
