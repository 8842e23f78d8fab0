"""Text from pieces, and its quoted-printable form."""

from __future__ import annotations

import quopri

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from newsletter.rendering.patchwork import Patch, Patchwork, quoted_printable

texts = st.text(st.sampled_from("ab= \n\r\0.é“From "), max_size=200) | st.sampled_from(
    ["From ", "=", "x" * 100, "." * 90, "\n..a", "é" * 60, "<p>" * 40 + "\n", "\n\n", " "]
)
pieces = st.lists(st.one_of(texts, texts.map(Patch), texts.map(Markup)), max_size=12)


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


def _with_crlf(text: str) -> str:
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    return unix.rstrip("\n").replace("\n", "\r\n") + "\r\n"
