"""Key sentences: where sentences end, which are chosen, how they are cut."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.rendering.openings import without_opening
from newsletter.rendering.sentences import label, split_sentences
from newsletter.rendering.summary import ELLIPSIS, LONGEST, key_sentences, shorten
from tests.rendering.editions import ABSTRACT


@pytest.mark.parametrize(
    "one_sentence",
    [
        "It holds for looms, e.g. Jacquard looms, and mills.",
        "Babbage et al. Sketched an engine.",
        "A mill, i.e. The engine's processor, turns.",
        "As Fig. 3 shows, cards drop.",
        "We compare looms vs. Mills in Sec. II of the paper.",
        "J. A. Smith and A. N. Other wrote it.",
        "It gains 3.5 points over 2.0 before.",
        "Let $f(x) = x. Then$ hold for all of them.",
        "The U.S. Navy uses it.",
        "See https://example.org/a.B.C?d=E.F for more.",
        "It costs $5 per card in Washington D.C. Post offices.",
        "Approx. 40 cards (cf. Table 2, resp. Eq. 7) suffice.",
        "Sie besuchen die 4. Klasse und lesen z. B. Romane.",
        "We show: 1. Looms sort.",
        "Results. Looms sort.",
        "It runs on Mr. X. and so on.",
    ],
)
def test_what_looks_like_an_end_does_not_end_a_sentence(one_sentence: str) -> None:
    assert split_sentences(one_sentence) == [one_sentence]


@pytest.mark.parametrize(
    "first",
    [
        "It gains 3.5.",
        "Does it sort?",
        "It sorts cards, threads, etc.",
        "It is used in the U.S.",
        "This was shown by Babbage et al.",
        "It runs in $O(n)$.",
        'He said "it sorts."',
        "It costs $5.",
        "The code is at https://example.org/loom.",
        "Is it a loom?",
        "Webstühle sortieren.",
        "卡片被分类。",
    ],
)
def test_a_sentence_ends_where_the_next_begins(first: str) -> None:
    assert split_sentences(f"{first} We prove it.") == [first, "We prove it."]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Karten fallen. Ältere Karten nicht.", ["Karten fallen.", "Ältere Karten nicht."]),
        ("Cards fall. mRNA does not.", ["Cards fall.", "mRNA does not."]),
        ("本文提出了织机。结果表明它很快。", ["本文提出了织机。", "结果表明它很快。"]),
        ("कार्ड गिरते हैं। करघा चलता है।", ["कार्ड गिरते हैं।", "करघा चलता है।"]),
        ("It fell.Results: It rose.", ["It fell.", "Results: It rose."]),
        ("Methods. We wove. Results. It rose.", ["Methods. We wove.", "Results. It rose."]),
        ("1. Looms sort. 2. Mills grind.", ["1. Looms sort.", "2. Mills grind."]),
    ],
)
def test_sentences_of_other_scripts_labels_and_lists(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("Results: We weave.", "results"),
        ("RESULTS We weave.", "results"),
        ("ResultsWe weave.", "results"),
        ("Materials and Methods: We weave.", "materials"),
        ("Main outcome measures: Hours.", "measures"),
        ("Conclusion – Looms weave.", "conclusion"),
        ("Results show that looms weave.", ""),
        ("The result is clear: looms weave.", ""),
        ("SARS Looms weave.", ""),
    ],
)
def test_labels_of_structured_abstracts_are_told_from_words(sentence: str, word: str) -> None:
    assert label(sentence) == word


def test_sentences_keep_every_character_but_the_space_between() -> None:
    assert " ".join(split_sentences(ABSTRACT)) == ABSTRACT


def test_what_is_proposed_and_found_is_chosen_and_gaps_are_shown() -> None:
    text = key_sentences(ABSTRACT, "Sorting Punched Cards on a Loom", limit=280)
    assert text.startswith("We propose a loom")
    assert f" {ELLIPSIS} Experiments on 3 mills show" in text
    assert "available" not in text


def test_what_leans_on_a_sentence_left_out_is_left_out_too() -> None:
    padding = "The loom has a frame of oak, and the frame has a beam that takes up what was woven. " * 2
    text = key_sentences(f"We propose a loom. {padding}It is 12% faster. The loom beats 9 clerks by 12%.", limit=90)
    assert text == f"We propose a loom. {ELLIPSIS} The loom beats 9 clerks by 12%."


@pytest.mark.parametrize(
    ("sentence", "alone"),
    [
        ("To address this gap, we weave cards on a loom of oak.", "We weave cards on a loom of oak."),
        ("However, in this paper, we weave cards on a loom of oak.", "We weave cards on a loom of oak."),
        ("Motivated by these findings, k-means sorts the cards that fell.", "k-means sorts the cards that fell."),
        ("In contrast, oak-made looms sort the cards that fell.", "Oak-made looms sort the cards that fell."),
        ("In addition, mRNA is sorted by the loom of oak.", "mRNA is sorted by the loom of oak."),
        ("However, no.", "However, no."),
        ("To sort cards by hand, we recruited forty clerks.", "To sort cards by hand, we recruited forty clerks."),
        ("However we weave them, the cards fall off the loom.", "However we weave them, the cards fall off the loom."),
        ("In this paper we weave cards on a loom.", "In this paper we weave cards on a loom."),
    ],
)
def test_an_opening_that_points_back_is_left_out(sentence: str, alone: str) -> None:
    assert without_opening(sentence) == alone


def test_an_opening_stays_where_the_sentence_that_it_points_to_is_shown() -> None:
    padding = "The loom has a frame of oak, and the frame has a beam that takes up what was woven. " * 2
    both = "We find that 40% of the cards fall. To address this, we propose a loom that holds cards by threads."
    assert key_sentences(f"{padding}{both} {padding}", limit=120) == both
    alone = "Cards fall. To address this, we propose a loom that holds cards by threads."
    assert key_sentences(f"{padding}{alone} {padding}", limit=60) == "We propose a loom that holds cards by threads."


def test_what_did_not_come_out_is_a_result_too() -> None:
    before = "Clerks are often thought to be slower than looms, and 60% of all mills have replaced them. "
    during = "We recruited 40 clerks of three mills, and recorded them over 12 weeks. "
    text = key_sentences(f"{before}{during}We found no difference between clerks and looms.", limit=110)
    assert text == "We found no difference between clerks and looms."


def test_a_chinese_abstract_is_shown_by_half_as_many_characters() -> None:
    abstract = "织机在许多工厂中使用。" * 30 + "结果表明，本文提出的织机快了百分之四十二。"
    text = key_sentences(abstract, limit=200)
    assert "百分之四十二" in text
    assert len(text) <= 100


def test_a_short_abstract_is_given_whole() -> None:
    assert key_sentences("Cards are sorted. Nobody knows why.") == "Cards are sorted. Nobody knows why."


def test_a_long_single_sentence_is_cut_at_a_word() -> None:
    text = key_sentences("We propose " + "sorting and weaving " * 60, limit=200)
    assert text.endswith(("sorting…", "weaving…", "and…"))
    assert len(text) <= 200


def test_an_empty_abstract_has_no_key_sentences() -> None:
    assert key_sentences("", "Title") == ""


@given(st.text(max_size=1500), st.text(max_size=80))
def test_key_sentences_are_never_too_long_and_all_taken_from_the_abstract(abstract: str, title: str) -> None:
    text = key_sentences(abstract, title, limit=300)
    assert len(text) <= 300
    plain = " ".join(abstract.split())
    pieces = text.removesuffix(ELLIPSIS).split(f" {ELLIPSIS} ")
    assert all(piece.strip()[1:] in plain for piece in pieces)  # the first letter may have become a capital


@pytest.mark.parametrize("piece", ["a ", "A. ", "no ", "We show 1.5% $x$. ", "Results: ", "。", "$", "To be ", "1. "])
def test_a_hostile_abstract_takes_no_longer_than_its_length(piece: str) -> None:
    started = time.process_time()
    key_sentences(piece * (60_000 // len(piece)), "Title")
    assert time.process_time() - started < 3


@given(st.text(max_size=200), st.integers(min_value=2, max_value=100))
def test_a_shortened_text_fits(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit


def test_shortening_leaves_no_comma_before_the_ellipsis() -> None:
    assert shorten("Looms, mills, and engines", 14) == "Looms, mills…"


def test_neither_the_midst_of_a_list_nor_what_its_authors_hope_for_is_a_key_sentence() -> None:
    abstract = (
        "Tides are predicted from harmonics, which takes a year of measurements at each place. "
        "Our contributions are these: (i) we present TideNet, which predicts a coast's tides from two weeks of data. "
        "It needs no harmonics; (ii) we introduce a layer that keeps the period of the moon, "
        "and (iii) we show that it improves the prediction of storm surges. "
        "TideNet halves the error of harmonic prediction at 30 of 34 ports, and runs on a small computer. "
        "We hope that it improves, accelerates and gains more than today's best warnings on all coasts of the world."
    )
    assert len(abstract) > LONGEST
    told = key_sentences(abstract, "TideNet: tides from two weeks of data")
    assert "(i) we present TideNet" in told
    assert "halves the error" in told
    assert "(ii)" not in told
    assert "hope" not in told
