"""Wrapping for terminals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.rendering.plaintext import WIDTH, columns, fill, rule


def test_lines_hang_under_the_first() -> None:
    assert fill("one two three", " 1. ", "    ", width=11) == " 1. one two\n    three"


def test_an_address_is_never_broken() -> None:
    url = "https://example.org/" + "a" * 100
    assert fill(f"see {url} there") == f"see\n{url}\nthere"


def test_an_endless_word_is_cut() -> None:
    assert fill("a" * 100) == "a" * WIDTH + "\n" + "a" * (100 - WIDTH)


def test_wide_characters_take_two_columns_and_marks_none() -> None:
    assert columns("深層学習") == 8
    assert columns("e\u0301") == 1
    assert all(columns(line) <= 20 for line in fill("深層学習による音声認識の研究と応用について", width=20).split("\n"))


@given(st.text(max_size=400).filter(lambda text: "://" not in text))
def test_no_line_is_too_long_and_no_word_is_lost(text: str) -> None:
    filled = fill(text, "  * ", "    ")
    assert all(columns(line) <= WIDTH for line in filled.split("\n"))
    assert "".join(filled.removeprefix("  *").split()) == "".join(text.split())


def test_a_rule_goes_across_the_page() -> None:
    assert rule("=") == "=" * WIDTH
