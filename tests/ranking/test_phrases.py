"""Keywords, found as people write them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter import identity
from newsletter.phrases import is_acronym, pattern, spans
from newsletter.ranking.phrases import PhraseIndex, rarity


def found(phrase: str, text: str) -> bool:
    (hit,) = PhraseIndex([text]).hits(phrase)
    return bool(hit)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("diffusion model", "Diffusion models beat GANs"),
        ("diffusion models", "A diffusion model"),
        ("study", "Two studies"),
        ("theories", "A theory of everything"),
        ("class", "Classes of functions"),
        ("box", "Boxes"),
        ("in-context learning", "In context learning"),
        ("in context learning", "In-Context Learning, explained"),
        ("fine-tuning", "Finetuning language models"),
        ("fine-tuning", "Fine tuning"),
        ("end-to-end", "End–to–end speech recognition"),  # en dashes
        ("end-to-end", "End‑to‑end"),  # non-breaking hyphens
        ("speech  recognition", "speech\n recognition"),
        (" speech recognition ", "Speech recognition."),
        ("CTC", "CTC-based models"),
        ("CTC", "(CTC)"),
        ("KV cache", "A growing key-value (KV) cache"),
        ("GAN", "Conditional GANs"),
        ("3D", "3D-vision"),
        ("GPT4", "GPT4 and others"),
        ("C++", "Templates in C++ and Rust"),
        ("C++", "(C++)"),
        (".NET", "Programs for .NET"),
        ("f(x)", "the value of f(x)."),
        ("a|b", "either a|b"),
        ("Schrödinger", "The Schrodinger equation"),
        ("Schrodinger", "The SCHRÖDINGER equation"),
        ("naïve", "naive Bayes"),
        ("Größe", "GRÖSSE"),
        ("ﬁeld", "Field theory"),
        ("黎曼", "黎曼 ζ"),
        ("β-decay", "Double β decay"),
        ("gamma-ray burst", "Gamma-ray bursts"),
        ("gas", "gases"),
        ("LLMs", "An LLM agent"),
        ("SWE-bench", "SWE-Bench verified"),
    ],
)
def test_a_phrase_is_found_however_it_is_written(phrase: str, text: str) -> None:
    assert found(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("RAG", "a rag doll"),
        ("CTC", "ctc"),
        ("ICE", "ice cores"),
        ("CTC", "CTCX"),
        ("art", "Smart parts"),
        ("model", "remodelling"),
        ("C++", "The C language"),
        ("C", "C3PO"),
        ("speech recognition", "speechrecognition"),
        ("learning in context", "in-context learning"),
        ("species", "specious"),
        ("bus", "bu"),
        ("gas", "ga"),
        ("", "anything"),
        ("   ", "anything"),
        ("--", "a -- b"),
        ("+", "a + b"),
        ("...", "and so on ..."),
    ],
)
def test_a_phrase_is_not_found_where_it_is_not(phrase: str, text: str) -> None:
    assert not found(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "yes"), [("CTC", True), ("3D", True), ("LLMs", False), ("C", False), ("TOOLONG", False), ("", False)]
)
def test_an_acronym_has_two_to_five_capitals_or_digits(phrase: str, yes: bool) -> None:
    assert is_acronym(phrase) is yes


def test_the_abstract_is_searched_too_but_no_phrase_spans_title_and_abstract() -> None:
    index = PhraseIndex(["Speech\nRecognition of speech recognition", "Speech\nrecognition"])
    assert index.hits("speech recognition").tolist() == [True, True]  # a line end is a space
    assert index.hits("recognition of speech").tolist() == [True, False]


def test_a_phrase_of_few_papers_says_more() -> None:
    index = PhraseIndex(["rare common" if key == 0 else "common" for key in range(10)])
    assert index.rarity("absent") == 0
    assert index.rarity("common") == pytest.approx(0.019, abs=0.001)
    assert index.rarity("rare") == pytest.approx(0.831, abs=0.001)
    assert rarity(0, 0) == 0
    assert rarity(1, 1) >= 0


def test_no_papers_hold_nothing() -> None:
    index = PhraseIndex([])
    assert index.hits("speech").shape == (0,)
    assert index.rarity("speech") == 0


PHRASES = st.text(max_size=30)
# Letters whose endings, hyphens and capitals the patterns treat in a special way, so that they meet often.
CRAFTED = st.text(st.sampled_from("aesyiuASCT3 -–+.é"), max_size=14)


@given(PHRASES | CRAFTED, PHRASES | CRAFTED)
@example("\ud800", "\ud800")
@example("ʼn", "x")
def test_nothing_that_people_type_raises(phrase: str, text: str) -> None:
    index = PhraseIndex([f"{text}\n{phrase}"])
    index.hits(phrase)
    assert 0 <= index.rarity(phrase) <= 2


@given(PHRASES | CRAFTED)
def test_a_phrase_finds_itself_as_a_word_of_a_text(phrase: str) -> None:
    if pattern(phrase) is not None:
        assert found(phrase, f"about {phrase.strip()} again")


@given(CRAFTED, CRAFTED)
@example("cities", "a city")
@example("fine-tuning", "finetuning")
def test_the_quick_look_hides_nothing_that_the_pattern_finds(phrase: str, text: str) -> None:
    wanted = pattern(phrase)
    whole = f"{text}\n"
    searched = whole if is_acronym(phrase.strip()) else identity.folded(whole)
    assert found(phrase, text) == (wanted is not None and wanted.search(searched) is not None)


def test_where_a_phrase_stands_is_told_in_the_text_as_it_is_written() -> None:
    text = "Straße, ﬁne-tuning; Fine tuned é and FINETUNING."
    assert [text[start:end] for start, end in spans(text, "fine-tuning")] == ["ﬁne-tuning", "FINETUNING"]
    assert spans("diffusion models, Diffusion Model", "diffusion model") == ((0, 16), (18, 33))
    assert spans("rag and RAG", "RAG") == ((8, 11),)
    assert spans("anything", "…") == ()


@given(st.text(max_size=80), st.text(max_size=12))
def test_what_stands_somewhere_is_a_piece_of_the_text(text: str, phrase: str) -> None:
    for start, end in spans(text, phrase):
        assert 0 <= start < end <= len(text)
