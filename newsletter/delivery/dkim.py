"""Signatures by which other servers know that mail is from whom it says, and whole (DKIM, RFC 6376; RFC 8463).

`relaxed/simple`: headers may be refolded on the way; our bodies are quoted-printable without spaces at line ends, which
nobody has a reason to change. The same message gives the same signature.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from newsletter.errors import ConfigError
from newsletter.model import Message

Key: TypeAlias = RSAPrivateKey | Ed25519PrivateKey

_LEAST_BITS = 1024  # RFC 8301, section 3.2: signatures by shorter keys are not to be believed
_SIGNED = (
    "date", "from", "to", "subject", "message-id", "mime-version", "content-type", "list-id", "list-unsubscribe",
    "list-unsubscribe-post", "list-help", "list-post", "archived-at", "auto-submitted", "feedback-id",
)  # fmt: skip
# Named once more than they are there, so that nobody can add another one (RFC 6376, section 8.15).
_SEALED = ("from", "to", "subject", "date", "reply-to", "list-unsubscribe", "list-unsubscribe-post")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_SPACE = re.compile(rb"[ \t]+")


def read_key(file: Path) -> Key:
    """Read a private key, RSA or Ed25519, in PEM form. Raises ConfigError, with how to make one."""
    hint = f"`openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out {file}` makes one"
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(f"cannot read dkim.key_file {file}: {error.strerror}", hint=hint) from error
    except TypeError as error:
        raise ConfigError(f"dkim.key_file {file} is encrypted", hint="store it without a password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"dkim.key_file {file} holds no private key in PEM form", hint=hint) from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ConfigError(f"dkim.key_file {file} is neither an RSA nor an Ed25519 key", hint=hint)
    if isinstance(key, RSAPrivateKey) and key.key_size < _LEAST_BITS:
        raise ConfigError(f"dkim.key_file {file} has only {key.key_size} bits, which nobody believes", hint=hint)
    return key


def public_part(key: Key) -> str:
    """Give what the p= tag of the DNS record must hold."""
    public = key.public_key()
    if isinstance(key, RSAPrivateKey):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return b64encode(public.public_bytes(serialization.Encoding.DER, form)).decode()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return b64encode(raw).decode()  # RFC 8463, section 4.2


def record(key: Key) -> str:
    """Give the TXT record to publish at <selector>._domainkey.<domain>."""
    return f"v=DKIM1; k={'rsa' if isinstance(key, RSAPrivateKey) else 'ed25519'}; p={public_part(key)}"


@dataclass(frozen=True)
class Signer:
    """Signs for a domain with the key that its DNS publishes under the selector."""

    domain: str
    selector: str
    key: Key

    def sign(self, message: Message, *, now: datetime) -> Message:
        """Give the message with a DKIM-Signature on top."""
        return replace(message, data=self.signed(message.data, now=now))

    def signed(self, data: bytes, *, now: datetime) -> bytes:
        """Give the bytes of a message with a DKIM-Signature on top."""
        head, _, body = data.partition(b"\r\n\r\n")
        headers = _headers(head)
        names = [name for name in _SIGNED if name in headers]
        algorithm = "rsa" if isinstance(self.key, RSAPrivateKey) else "ed25519"
        signature = (
            f"DKIM-Signature: v=1; a={algorithm}-sha256; c=relaxed/simple; d={self.domain}; s={self.selector};\r\n"
            f" t={int(now.timestamp())}; h={_listed([*names, *_SEALED])};\r\n"
            f" bh={b64encode(sha256(_simple(body)).digest()).decode()};\r\n b="
        ).encode()
        # Of a name that is sealed but not there, or no more, nothing is signed (section 5.4.2).
        lines = [headers[name] for name in names]
        text = b"".join((*(line + b"\r\n" for line in lines), _relaxed(signature)))
        code = b64encode(self._code(text))
        return signature + b"\r\n ".join(code[n : n + 72] for n in range(0, len(code), 72)) + b"\r\n" + data

    def _code(self, text: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(text, PKCS1v15(), hashes.SHA256())
        return self.key.sign(sha256(text).digest())  # RFC 8463, section 3: the hash is what is signed


def _headers(head: bytes) -> dict[str, bytes]:
    """Give headers in canonical form, by name in lower case; ours stand there once each."""
    lines = _FOLD.sub(b"", head).split(b"\r\n")
    return {line.partition(b":")[0].strip().lower().decode("ascii"): _relaxed(line) for line in lines}


def _relaxed(line: bytes) -> bytes:
    """Section 3.4.2, for one header without the line break at its end."""
    name, _, value = _FOLD.sub(b"", line).partition(b":")
    return name.strip().lower() + b":" + _SPACE.sub(b" ", value).strip(b" \t")


def _simple(body: bytes) -> bytes:
    """Section 3.4.3: one line break at the end, whatever there was."""
    return body.rstrip(b"\r\n") + b"\r\n"


def _listed(names: list[str]) -> str:
    """Give the h= tag, folded."""
    return ":\r\n  ".join(":".join(names[n : n + 6]) for n in range(0, len(names), 6))
