"""Quotes and dashes of TeX, as readers see them."""

from __future__ import annotations

import pytest

from newsletter.rendering import ENGLISH, paper_title
from newsletter.rendering.typeset import typeset
from tests.rendering.editions import paper, view


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("``so'', ``so\" and a `teacher's choice' of words", "“so”, “so” and a ‘teacher's choice’ of words"),
        ("a first -- a second---a third --- pages 1--20, k--means", "a first – a second—a third — pages 1–20, k–means"),
        ("`ls -l`, ```code``` '', --help, Hawai`i and O`ahu's", "`ls -l`, ```code``` '', --help, Hawai`i and O`ahu's"),
        ("------- a", "------- a"),
        ("", ""),
    ],
)
def test_quotes_and_dashes_are_set_as_tex_prints_them(text: str, expected: str) -> None:
    assert typeset(text) == expected


def test_titles_and_key_sentences_are_set_so() -> None:
    one = paper(title="Foundations -- of ``looms''", abstract="We show that a `loom' sorts cards 1--20.")
    assert paper_title(ENGLISH, one) == "Foundations – of “looms”"
    [card] = view([one]).cards
    assert card.paper.title == "Foundations – of “looms”"
    assert [part.text for part in card.paper.key_sentences] == ["We show that a ‘loom’ sorts cards 1–20."]
