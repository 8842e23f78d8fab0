"""What stands where an abstract should, and what is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.abstracts import usable
from newsletter.model import PaperRecord

TITLE = "Ripples on the dunes of Mars move"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TAXON, EarlyView.",
        "Journal of Dunes, Volume 12, Issue 3, Page 1-20, March 2025.",
        "Transactions of the Royal Society of Dunes and Deserts, Ahead of Print.",
        "Publication date: November 2025 Source: Acta Arenaria, Volume 301 Author(s): A. One, B. Two, C. Three",
        "Publication date: Available online 3 March 2025 Source: Dunes Author(s): " + ", ".join(["A. Name"] * 90),
        "Acta, Published online: 20 August 2025; doi:10.1000/s1-025-0001-2",
        "No abstract available.",
        "There is no abstract for this article.",
        "This article has no abstract",
        "Abstract not available",
        "[Abstract]",
        "N/A",
        "—",
        "null",
        "Click here to read the full text",
        f"  {TITLE.upper()}. ",
        "https://dunes.example/articles/10",
    ],
)
def test_a_stand_in_is_no_abstract(text: str) -> None:
    assert not usable(PaperRecord(TITLE, text))


@pytest.mark.parametrize(
    "text",
    [
        "We give a short proof.",
        "We show that sand moves against the wind.",
        "Nature, Published online: 20 August 2025; doi:10.1000/s1. Sand that sings has round grains.",
        "We analyse letters about sand from March 2020.",
        "Data: https://sand.example. We release ten million pictures of single grains.",
        "No abstract interpretation of sand is sound and complete, and yet we give one that is both.",
        "我们证明了火星上的沙丘会逆风移动，并给出了一个模型。",
        "Sand moves. " * 40,
    ],
)
def test_a_sentence_that_says_something_is_one(text: str) -> None:
    assert usable(PaperRecord(TITLE, text))


@given(st.text(max_size=600))
def test_any_text_is_one_or_is_not(text: str) -> None:
    assert usable(PaperRecord(TITLE, text)) in {True, False}
    assert not usable(PaperRecord(text, text))
