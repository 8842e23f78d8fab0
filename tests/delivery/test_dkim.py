"""Signatures, verified by another's program (dkimpy)."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.dkim import Key, Signer, read_key, record
from newsletter.errors import ConfigError
from tests.delivery.messages import message

NOW = datetime(2026, 3, 1, 7, tzinfo=UTC)
KEYS: dict[str, Key] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
KIND = pytest.mark.parametrize("kind", KEYS)
EXTRA = (
    b"From: =?utf-8?q?=C3=9Cberraschende?=\r\n Papers  <papers@newsletter.test>\r\nTo: <ada@example.test>\r\n"
    b"Subject: two   papers\r\n\tand more\r\nDate: Sun, 01 Mar 2026 07:00:00 +0000\r\n"
    b"Message-ID: <1@newsletter.test>\r\n"
    b"List-Unsubscribe: <https://newsletter.test/unsubscribe/" + b"x" * 200 + b">\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nX-Other: not signed\r\n\r\n"
)


def signer(kind: str) -> Signer:
    return Signer("newsletter.test", "one", KEYS[kind])


def verified(data: bytes, key: Key) -> bool:
    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        return record(key).encode() if name == b"one._domainkey.newsletter.test." else None

    return bool(dkim.verify(data, dnsfunc=look_up))


@KIND
def test_another_program_verifies_the_signature(kind: str) -> None:
    signed = signer(kind).sign(message(), now=NOW)
    assert dataclasses.replace(signed, data=b"") == dataclasses.replace(message(), data=b"")
    assert signed.data.endswith(message().data)
    assert verified(signed.data, KEYS[kind])
    assert not verified(signed.data, rsa.generate_private_key(65537, 2048))


@KIND
@given(body=st.text("ab .=\t\n", max_size=80).map(lambda text: text.replace("\n", "\r\n").encode()))
def test_whatever_the_body_is(kind: str, body: bytes) -> None:
    assert verified(signer(kind).signed(EXTRA + body, now=NOW), KEYS[kind])


@KIND
def test_the_unsubscribe_headers_are_signed_and_nothing_can_be_changed_or_added(kind: str) -> None:
    data, key = signer(kind).signed(EXTRA + b"Read this.\r\n", now=NOW), KEYS[kind]
    assert verified(data, key)
    for old, new in (
        (b"/unsubscribe/", b"/elsewhere/"),
        (b"One-Click", b"Two-Click"),
        (b"two   papers", b"two hundred papers"),
        (b"Read this", b"Read that"),
        (b"\r\nTo: ", b"\r\nFrom: evil@example.test\r\nTo: "),
        (b"\r\nTo: ", b"\r\nReply-To: evil@example.test\r\nTo: "),
        (b"\r\nTo: ", b"\r\nSubject: another\r\nTo: "),
    ):
        assert data.count(old) >= 1
        assert not verified(data.replace(old, new, 1), key), (old, new)


@KIND
def test_a_server_may_fold_headers_and_add_its_own(kind: str) -> None:
    data = signer(kind).signed(EXTRA + b"Read this.\r\n", now=NOW)
    refolded = data.replace(b"two   papers\r\n\tand more", b"two papers and\r\n more")
    assert verified(b"Received: from here\r\n" + refolded + b"\r\n\r\n", KEYS[kind])


@KIND
def test_the_same_message_gets_the_same_signature_in_short_ascii_lines(kind: str) -> None:
    data = signer(kind).signed(EXTRA, now=NOW)
    assert data == signer(kind).signed(EXTRA, now=NOW)
    header = data.partition(b"\r\nFrom")[0]
    assert header.isascii()
    assert max(map(len, header.split(b"\r\n"))) <= 100


@KIND
def test_keys_are_read_from_files(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(_pem(KEYS[kind]))
    again = read_key(file)
    assert record(again) == record(KEYS[kind])
    assert verified(Signer("newsletter.test", "one", again).sign(message(), now=NOW).data, KEYS[kind])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read dkim.key_file"),
        (b"", "holds no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no private key"),
        ("encrypted", "is encrypted"),
        ("elliptic", "neither an RSA nor an Ed25519"),
        ("public", "holds no private key"),
    ],
)
def test_a_key_that_cannot_be_used_is_told(content: bytes | str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    made = {
        "encrypted": lambda: _pem(KEYS["ed25519"], b"a password"),
        "elliptic": lambda: _pem(ec.generate_private_key(ec.SECP256R1())),
        "public": lambda: (
            KEYS["rsa"]
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        ),
    }
    if content is not None:
        file.write_bytes(made[content]() if isinstance(content, str) else content)
    with pytest.raises(ConfigError, match=said) as caught:
        read_key(file)
    assert str(file) in caught.value.message
    assert caught.value.hint


def _pem(key: Key | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
