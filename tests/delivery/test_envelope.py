"""Bounce addresses and Message-IDs: found again by us, made by nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter.delivery.envelope import delivery_of, envelope_sender, message_id
from newsletter.errors import ConfigError

SECRET = b"a secret of some length"
KEYS = st.integers(0, 2**64 - 1)


@given(KEYS, st.from_regex(r"[a-z][a-z0-9.+-]{0,31}", fullmatch=True))
def test_a_bounce_address_leads_back_to_its_delivery(key: int, local: str) -> None:
    address = envelope_sender(f"{local}@newsletter.test", key, SECRET)
    assert re.fullmatch(rf"{re.escape(local)}\+b-[a-z2-7]+@newsletter\.test", address)
    assert len(address.partition("@")[0]) <= 64
    assert not re.search(r"[0-9a-f]{32}", address)
    assert delivery_of(address, SECRET) == key


@given(KEYS)
def test_a_server_may_change_the_case_of_the_address(key: int) -> None:
    address = envelope_sender("papers@newsletter.test", key, SECRET)
    assert delivery_of(address.upper(), SECRET) == key
    assert delivery_of(address.title(), SECRET) == key


@given(KEYS, st.data())
def test_an_address_with_any_other_token_is_not_ours(key: int, data: st.DataObject) -> None:
    address = envelope_sender("papers@newsletter.test", key, SECRET)
    start, end = address.index("+b-") + 3, address.index("@")
    place = data.draw(st.integers(start, end - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
    assume(letter != address[place])
    assert delivery_of(address[:place] + letter + address[place + 1 :], SECRET) is None
    assert delivery_of(address[: end - 1] + address[end:], SECRET) is None
    assert delivery_of(address[:end] + letter + address[end:], SECRET) is None


@given(st.text())
def test_other_addresses_belong_to_no_delivery(text: str) -> None:
    assert delivery_of(text, SECRET) is None
    assert delivery_of(f"papers+b-{text}@newsletter.test", SECRET) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda address: f"<{address}",
        lambda address: f" {address}",
        lambda address: f"{address}\n",
        lambda address: f"{address},",
        lambda address: f"{address}>",
        lambda address: f"ada@example.test,{address}",
        lambda address: address.replace("+b-", "+c-"),
        lambda address: address.replace("+b-", "-b-"),
        lambda address: address.replace("@", "@@"),
        lambda address: address.partition("@")[0],
        lambda address: address.replace("k", "\u212a"),
    ],
)
def test_what_only_contains_a_bounce_address_is_none(change: Callable[[str], str]) -> None:
    keys = (key for key in range(1000) if "k" in envelope_sender("x@y.test", key, SECRET))
    address = envelope_sender("papers@newsletter.test", next(keys), SECRET)
    assert delivery_of(change(address), SECRET) is None


def test_another_secret_makes_other_tokens() -> None:
    address = envelope_sender("papers@newsletter.test", 7, SECRET)
    assert delivery_of(address, b"another secret") is None


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(ConfigError, match=r"site\.secret"):
        envelope_sender("papers@newsletter.test", 7, b"")


def test_an_address_too_long_for_a_token_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        envelope_sender("x" * 50 + "@newsletter.test", 7, SECRET)
    assert "delivery.bounce_address" in caught.value.hint


@pytest.mark.parametrize("key", [-1, 2**64])
def test_what_is_no_key_of_a_delivery_is_a_defect(key: int) -> None:
    with pytest.raises(ValueError, match="not the key"):
        envelope_sender("papers@newsletter.test", key, SECRET)


@given(st.integers(0, 10**9), st.text("abc-_0", max_size=8), st.integers(0, 9))
def test_a_message_id_is_the_same_for_the_same_edition_only(issue: int, subscriber: str, revision: int) -> None:
    name = message_id(issue, subscriber, revision, SECRET, "newsletter.test")
    assert re.fullmatch(r"<[A-Za-z0-9_-]{24}@newsletter\.test>", name)
    assert name == message_id(issue, subscriber, revision, SECRET, "newsletter.test")
    others = [(issue + 1, subscriber, revision), (issue, subscriber + "a", revision), (issue, subscriber, revision + 1)]
    assert name not in {message_id(*other, SECRET, "newsletter.test") for other in others}
    assert name != message_id(issue, subscriber, revision, b"another secret", "newsletter.test")


def test_a_message_id_on_an_international_domain_is_ascii() -> None:
    assert message_id(1, "a", 0, SECRET, "bücher.test").endswith("@xn--bcher-kva.test>")
