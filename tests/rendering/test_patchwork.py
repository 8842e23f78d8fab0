"""Text from pieces, and its quoted-printable form."""

from __future__ import annotations

import quopri

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from newsletter.rendering.patchwork import Form, Link, Patch, Patchwork, link, quoted_printable

texts = st.text(st.sampled_from("ab= \n\r\0.é“From "), max_size=200) | st.sampled_from(
    ["From ", "=", "x" * 100, "." * 90, "\n..a", "é" * 60, "<p>" * 40 + "\n", "\n\n", " "]
)
links = st.text(st.sampled_from("ab.:/_-"), max_size=200).map(link)
filled = st.builds(
    lambda parts, values: Form("#".join(parts), "#").filled(values),
    st.lists(texts, min_size=1, max_size=4),
    st.tuples(texts | links),
)
pieces = st.lists(st.one_of(texts, texts.map(Patch), texts.map(Markup), links, filled), max_size=12)


@given(pieces)
def test_what_is_encoded_piece_by_piece_is_the_text(some: list[str]) -> None:
    text = Patchwork(some)
    encoded = text.quoted_printable
    assert text == "".join(map(str, some))
    assert quopri.decodestring(encoded).decode() == _with_crlf(text)
    lines = encoded.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 76 and b"\r" not in line and b"\n" not in line for line in lines)
    assert not any(line.startswith((b"From ", b".")) or line.endswith((b" ", b"\t")) for line in lines)


@given(pieces)
def test_pieces_are_encoded_alike_each_time(some: list[str]) -> None:
    assert Patchwork(some).quoted_printable == Patchwork(some).quoted_printable


def test_a_text_without_pieces_has_no_soft_line_breaks_but_for_long_lines() -> None:
    assert quoted_printable("short\nlines\n") == b"short\r\nlines\r\n"
    assert quoted_printable("") == b"\r\n"


def test_a_patch_stays_what_it_is() -> None:
    patch = Patch("a")
    assert str(patch) is patch
    assert patch.quoted_printable is patch.quoted_printable


@given(st.text(st.sampled_from("ab.:/_-=<é "), max_size=200))
def test_a_link_is_the_address_and_is_plain_or_left_to_be_encoded(text: str) -> None:
    found = link(text)
    assert found == text
    if not isinstance(found, Link):
        return
    assert found.quoted_printable is not None
    assert quopri.decodestring(found.quoted_printable).decode() == text
    assert set(text) <= set("ab.:/_-")


def test_the_links_of_mails_need_no_encoding() -> None:
    assert isinstance(link("https://papers.example.org/feedback/WyJTNmFSIiw3Mzk5NDcsNTEsMV0.y9U-ZEVFPYwhm_Rnl"), Link)
    assert not isinstance(link("https://papers.example.org/papers?a=1"), Link)


def _with_crlf(text: str) -> str:
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    return unix.rstrip("\n").replace("\n", "\r\n") + "\r\n"
