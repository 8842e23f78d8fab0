"""Mail addresses as they stand in SMTP commands (RFC 5321, section 4.1.2; RFC 6531 beyond ASCII)."""

from __future__ import annotations

import re

_QUOTED_LOCAL = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])+"'
_PLAIN_LOCAL = r'[^\s@<>"\x00-\x1f\x7f]+'
_MAILBOX = re.compile(rf"(?P<local>{_QUOTED_LOCAL}|{_PLAIN_LOCAL})@(?P<domain>{_PLAIN_LOCAL})")


def envelope_mailbox(address: str) -> str:
    """Give `address` as it may stand between < and >: the domain in ASCII, the local part untouched.

    What is left outside ASCII (the local part) needs SMTPUTF8. Raises ValueError where the address could end the
    command or start another, or is no address at all.
    """
    parts = _MAILBOX.fullmatch(address)
    if parts is None:
        raise ValueError("not an address that can stand in an SMTP command")
    parts["local"].encode()  # a lone surrogate is a ValueError here, not in the middle of a transaction
    return f"{parts['local']}@{ascii_domain(parts['domain'])}"


def ascii_domain(domain: str) -> str:
    """Give an internationalised domain as DNS and SMTP know it (`bücher.example` is `xn--bcher-kva.example`).

    IDNA 2008 (RFC 5891), not the standard library's IDNA 2003, which makes another domain of `straße.example`.
    Raises ValueError where the domain cannot be one.
    """
    if domain.isascii():
        return domain
    import idna  # noqa: PLC0415 - its tables take 10 ms to load, and few addresses need them

    return idna.encode(domain, uts46=True).decode("ascii")
