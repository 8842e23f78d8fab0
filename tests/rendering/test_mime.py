"""Messages, byte by byte: what servers and mail clients read, not what a parser makes of it."""

from __future__ import annotations

import email
import re
from binascii import b2a_qp
from datetime import datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import MessageError
from newsletter.rendering import Links, Rendered, SiteView
from newsletter.rendering.headers import ascii_address
from newsletter.rendering.patchwork import quoted_printable
from tests.rendering.editions import SITE, links, message

PLAIN = Rendered("Looms, and 9 more papers for you", "<p>Grüße aus dem Webstuhl</p>", "Grüße aus dem Webstuhl\n")
printable = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=300).map(str.strip)


def single_spaced(text: str) -> str:
    return " ".join(text.split())


def head(**changes: Any) -> bytes:
    return message(changes.pop("rendered", PLAIN), **changes).data.split(b"\r\n\r\n", 1)[0]


def read(data: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(data, policy=default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    assert not [defect for part in parsed.walk() for defect in part.defects]
    return parsed


def display_name(data: bytes) -> str:
    """The name in To. `policy.default` of Python 3.11 leaves the space between two encoded words in a phrase."""
    raw = email.message_from_bytes(data, policy=compat32)["To"]
    name, address = parseaddr(" ".join(raw.split("\r\n ")))
    assert address == "ada@example.com"
    return str(make_header(decode_header(name)))


def test_the_headers_are_these_and_no_others() -> None:
    assert head() == (
        b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
        b"From: Daily Papers <papers@papers.example.org>\r\n"
        b"To: Ada Lovelace <ada@example.com>\r\n"
        b"Subject: Looms, and 9 more papers for you\r\n"
        b"Message-ID: <1.1.0@papers.example.org>\r\n"
        b"List-Id: Daily Papers <papers.papers.example.org>\r\n"
        b"List-Unsubscribe: <https://papers.example.org/unsubscribe/eyJkIjo0Mn0.aKxyz1.Jk3pQ9vXw7_2sT-mN4bRt6yUi8o>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"List-Help: <https://papers.example.org>\r\n"
        b"List-Post: NO\r\n"
        b"Archived-At: <https://papers.example.org/issues/2026-11-23>\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"Precedence: bulk\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative;\r\n boundary="=_e5c899592b1f442bbd06a6248a5ae8a5"'
    )


def test_a_long_unsubscribe_address_stands_on_one_line_as_it_is() -> None:
    url = "https://papers.example.org/unsubscribe/" + "aB3-_" * 100
    data = head(links=Links("https://p.example/", url, "https://p.example/a", {}))
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in data
    assert b"=?" not in data


def test_one_click_is_offered_only_where_the_address_is_https() -> None:
    plain = Links("http://localhost/p", "http://localhost/u", "http://localhost/a", {})
    assert b"List-Unsubscribe-Post" not in head(links=plain)
    assert b"List-Unsubscribe: <http://localhost/u>" in head(links=plain)


def test_the_text_comes_before_the_html_and_both_in_quoted_printable() -> None:
    parts = re.findall(
        rb"\r\nContent-Type: ([a-z/]+); charset=utf-8\r\nContent-Transfer-Encoding: ([a-z-]+)\r\n", message(PLAIN).data
    )
    assert parts == [(b"text/plain", b"quoted-printable"), (b"text/html", b"quoted-printable")]
    assert message(PLAIN).data.endswith(b"--\r\n")


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert message(PLAIN).data == message(PLAIN).data
    assert message(PLAIN).data != message(PLAIN, message_id="<2.1.0@papers.example.org>").data


def test_the_message_carries_what_a_transport_needs() -> None:
    made = message(PLAIN)
    assert (made.recipient, made.envelope_sender) == ("ada@example.com", "bounces+1-abc@papers.example.org")
    assert (made.message_id, made.subject) == ("<1.1.0@papers.example.org>", PLAIN.subject)


@given(printable, printable, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=500))
def test_any_message_is_read_back_as_it_was_written(subject: str, name: str, body: str) -> None:
    made = message(Rendered(subject, f"<p>{body}</p>", body), recipient_name=name)
    lines = made.data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert b"\n" not in made.data.replace(b"\r\n", b"")
    assert b"\r" not in made.data.replace(b"\r\n", b"")
    assert made.data.isascii()
    assert made.sound
    assert not any(line.startswith(b".") for line in lines)
    assert lines[-1] == b""
    parsed = read(made.data)
    assert parsed["Subject"] == single_spaced(subject)
    assert display_name(made.data) == single_spaced(name)
    text, html = parsed.iter_parts()
    assert text.get_payload(decode=True) == body.rstrip("\n").replace("\n", "\r\n").encode() + b"\r\n"
    assert html.get_content_type() == "text/html"


@given(printable.filter(lambda text: not text.isascii()))
def test_encoded_words_are_short_and_split_no_character(subject: str) -> None:
    data = head(rendered=Rendered(subject, "", "")).decode("ascii")
    found = re.findall(r"=\?utf-8\?q\?([^?]*)\?=", data.split("List-Id")[0])
    assert found
    assert max(map(len, data.split("Message-ID")[0].split("\r\n"))) <= 76
    for word in found:
        bytes.fromhex("".join(word[i + 1 : i + 3] if c == "=" else "" for i, c in enumerate(word))).decode("utf-8")


def test_a_long_plain_subject_is_folded_at_spaces() -> None:
    subject = "Sorting punched cards on a loom without a second pass over the cards, and 12 more papers for you"
    data = head(rendered=Rendered(subject, "", ""))
    assert b"=?" not in data
    assert b"Subject: Sorting punched cards on a loom without a second pass over the\r\n cards, and 12 more" in data


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Ada Lovelace", b"To: Ada Lovelace <ada@example.com>"),
        ("Lovelace, Ada", b'To: "Lovelace, Ada" <ada@example.com>'),
        ('Ada "Al" L.', b'To: "Ada \\"Al\\" L." <ada@example.com>'),
        ("Émilie", b"To: =?utf-8?q?=C3=89milie?= <ada@example.com>"),
        ("=?utf-8?q?x?=", b"To: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <ada@example.com>"),
        ("", b"To: <ada@example.com>"),
    ],
)
def test_names_are_written_as_rfc_5322_and_2047_ask(name: str, written: bytes) -> None:
    assert b"\r\n" + written + b"\r\n" in head(recipient_name=name)


@pytest.mark.parametrize("bad", ["a\r\nBcc: all@example.com", "a\nb", "a\rb", "a\0b", "a\u2028b", "a\x85b"])
@pytest.mark.parametrize(
    "place", ["subject", "recipient_name", "recipient", "sender", "envelope_sender", "message_id", "url", "site"]
)
def test_a_control_character_in_any_header_is_an_error(bad: str, place: str) -> None:
    changes: dict[str, Any] = {place: bad}
    if place == "subject":
        changes = {"rendered": Rendered(bad, "", "")}
    elif place == "url":
        changes = {"links": Links("https://a.example", f"https://a.example/{bad}", "https://a.example", {})}
    elif place == "site":
        changes = {"site": SiteView(bad, SITE.url, "")}
    elif place != "recipient_name":
        changes = {place: f"{bad}@example.com"}
    with pytest.raises(MessageError):
        head(**changes)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ada@example.com", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("o'hara+papers@example.com", "o'hara+papers@example.com"),
        ("a..b@example.com", '"a..b"@example.com'),
        ('"ada l"@example.com', '"ada l"@example.com'),
    ],
)
def test_addresses_are_written_in_ascii(address: str, written: str) -> None:
    assert ascii_address(address) == written


@pytest.mark.parametrize(
    "address",
    ["", "ada", "@example.com", "ada@", "ada@ex ample.com", "ada@-a.com", "ada@a..b", "adä@example.com", "a@b>c"],
)
def test_what_is_no_address_or_needs_smtputf8_is_an_error(address: str) -> None:
    with pytest.raises(MessageError):
        message(PLAIN, recipient=address)


@pytest.mark.parametrize(
    "url", ["mailto:a@example.com", "https://a.example/ b", "https://a.example/>b", "/unsubscribe"]
)
def test_what_is_no_web_address_is_an_error(url: str) -> None:
    with pytest.raises(MessageError, match="List-Unsubscribe"):
        message(PLAIN, links=Links("https://a.example", url, "https://a.example", {}))


def test_an_international_web_address_is_written_in_ascii() -> None:
    data = head(links=Links("https://a.example", "https://bücher.example:8443/löschen?t=ü", "https://a.example", {}))
    assert b"List-Unsubscribe: <https://xn--bcher-kva.example:8443/l%C3%B6schen?t=%C3%BC>\r\n" in data


@pytest.mark.parametrize("message_id", ["", "1@example.org", "<1>", "<1@a b>", "<1@ä.example>"])
def test_what_is_no_message_id_is_an_error(message_id: str) -> None:
    with pytest.raises(MessageError, match="is no Message-ID"):
        message(PLAIN, message_id=message_id)


def test_a_date_without_zone_is_an_error() -> None:
    with pytest.raises(MessageError, match="time zone"):
        message(PLAIN, date=datetime(2026, 11, 23))  # noqa: DTZ001 (that is the mistake)


def test_a_header_line_that_no_server_takes_is_an_error() -> None:
    url = "https://a.example/" + "x" * 1000
    with pytest.raises(MessageError, match="more than 998 bytes"):
        message(PLAIN, links=Links("https://a.example", url, "https://a.example", {}))


def test_a_lone_surrogate_is_an_error() -> None:
    with pytest.raises(MessageError, match="cannot be encoded"):
        message(Rendered("a", "\ud800", ""))


def test_lines_of_a_part_are_short_and_none_begins_with_from() -> None:
    text = "From here on\n" + "From there " * 40 + "\n.\n" + "é" * 200 + "  \n"
    data = message(Rendered("a", text, text)).data.split(b"\r\n\r\n", 1)[1]
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not any(line.startswith(b"From ") for line in lines)
    parts = list(read(message(Rendered("a", text, text)).data).iter_parts())
    assert parts[0].get_content().replace("\r\n", "\n") == text


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="."), max_size=200), max_size=20).map(
        "\n".join
    )
)
def test_lines_encoded_one_by_one_are_the_text_encoded_at_once(text: str) -> None:
    unix = re.sub("\r\n?", "\n", text).rstrip("\n")
    at_once = b2a_qp((unix.replace("\n", "\r\n") + "\r\n").encode(), istext=True)
    wanted = re.sub(rb"^From ", b"=46rom=\r\n ", at_once, flags=re.MULTILINE)
    data = message(Rendered("a", text, "")).data
    assert wanted in data
    assert len(quoted_printable(text)) == len(wanted)


def test_links_are_those_of_the_subscriber() -> None:
    assert links().unsubscribe.encode() in head()
