"""Header values of a message: addresses, display names, free text and URLs, each checked and in ASCII.

A control character (CR and LF above all) in any value is a MessageError, for it could begin a header of its own.
"""

from __future__ import annotations

import re
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import quote, urlsplit

from newsletter.errors import MessageError

_LINE = 76  # characters; RFC 2047 asks it of lines with encoded words, RFC 2045 of quoted-printable
_WORD = 75  # characters of one encoded word, RFC 2047 section 2
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_QUOTED_LOCAL = re.compile(r"\"(?:[ !#-\[\]-~]|\\[ -~])*\"")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# What may stand for itself in an encoded word within a phrase, RFC 2047 section 5 (3).
_Q_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


@lru_cache(maxsize=1024)
def ascii_address(address: str) -> str:
    """Give `local@domain` with an international domain in its ASCII form.

    Raises MessageError where it is no address, or has letters before the @ that are not ASCII (see `compose`).
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain or _CONTROL.search(address):
        raise MessageError(f"{address!r} is no address")
    if not local.isascii():
        raise MessageError(
            f"{address!r} has letters before the @ that are not ASCII",
            hint="mail servers deliver such addresses only where all of them know SMTPUTF8",
        )
    if not (_ATOMS.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)):
        local = '"' + re.sub(r"([\"\\])", r"\\\1", local) + '"'
    domain = _ascii_domain(domain)
    if not _DOMAIN.fullmatch(domain):
        raise MessageError(f"{address!r} has no valid domain")
    return f"{local}@{domain}"


@lru_cache(maxsize=1024)
def mailbox(name: str, address: str, *, used: int) -> str:
    """Give `Name <address>` for a header of whose first line `used` characters are taken; folded where it is long."""
    if not name:
        return f"<{address}>"
    phrase = _phrase(name, used)
    last_line = used + len(phrase) if "\r\n" not in phrase else len(phrase) - phrase.rindex("\r\n") - 2
    gap = " " if last_line + len(address) + 3 <= _LINE else "\r\n "
    return f"{phrase}{gap}<{address}>"


@lru_cache(maxsize=64)
def parsed(sender: str) -> tuple[str, str]:
    """Give name and address of `Name <address>`."""
    name, address = parseaddr(checked("From", sender))
    return name, ascii_address(address)


def checked(header: str, value: str) -> str:
    """Give `value` with single spaces. Raises MessageError: it holds a control character."""
    if found := _CONTROL.search(value):
        raise MessageError(f"{header} holds the character U+{ord(found[0]):04X}")
    return " ".join(value.split())  # a run of spaces does not outlive folding


def web_address(header: str, url: str) -> str:
    """Give `url` in ASCII, for a header. It is never folded or encoded: mail clients take it as it stands."""
    checked(header, url)
    if not url.startswith(("https://", "http://")) or any(c in url for c in ' <>"'):
        raise MessageError(f"{header}: {url!r} is no web address")
    if url.isascii():
        return url
    parts = urlsplit(url)
    host = _ascii_domain(parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    path, query = quote(parts.path, safe="/%:@!$&'()*+,;=~-._"), quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return f"{parts.scheme}://{host}{path}" + (f"?{query}" if query else "")


@lru_cache(maxsize=1024)
def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    import idna  # noqa: PLC0415 (large tables that most installations never need)

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise MessageError(f"{domain!r} is no domain: {error}") from error


def _phrase(name: str, used: int) -> str:
    if not name.isascii() or "=?" in name or len(name) > _LINE - used:
        return _encoded_words(name, used)
    return name if _PLAIN_PHRASE.fullmatch(name) else '"' + re.sub(r"([\"\\])", r"\\\1", name) + '"'


@lru_cache(maxsize=1024)  # one paper leads many mails of a day
def unstructured(text: str, used: int) -> str:
    """Give a header's free text: as it is and folded at spaces where it can, else as encoded words."""
    if not text.isascii() or "=?" in text or max(map(len, text.split(" ")), default=0) > _LINE - used:
        return _encoded_words(text, used)
    lines, room = [""], _LINE - used
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
            room = _LINE - 1
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def _encoded_words(text: str, used: int) -> str:
    """`text` as RFC 2047 encoded words (Q), one a line, each of whole characters."""
    prefix, suffix = "=?utf-8?q?", "?="
    words, word, room = [], "", min(_WORD, _LINE - used) - len(prefix) - len(suffix)
    for character in text:
        shown = _q(character)
        if word and len(word) + len(shown) > room:
            words.append(word)
            word, room = "", _WORD - len(prefix) - len(suffix)
        word += shown
    return "\r\n ".join(f"{prefix}{word}{suffix}" for word in (*words, word))


def _q(character: str) -> str:
    if character in _Q_SAFE:
        return character
    return "_" if character == " " else "".join(f"={byte:02X}" for byte in character.encode("utf-8"))
