"""Which work is it? Ids, DOIs, titles, and what contradicts what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import identity
from newsletter.model import PaperRecord

NEW_STYLE = st.builds(
    "{:02}{:02}.{:0{}}".format, st.integers(7, 99), st.integers(1, 12), st.integers(0, 9999), st.integers(4, 5)
)
WORDS = st.lists(st.text("abcdefgxyz", min_size=1, max_size=8), min_size=1, max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2508.10433", "2508.10433"),
        ("2508.10433v2", "2508.10433"),
        (" 0704.0001 \n", "0704.0001"),
        ("arXiv:2508.10433", "2508.10433"),
        ("arxiv: 2508.10433v12 [cs.CL]", "2508.10433"),
        ("math/0309136", "math/0309136"),
        ("math.GT/0309136v2", "math/0309136"),
        ("cond-mat.stat-mech/0309136", "cond-mat/0309136"),
        ("arXiv:hep-th/9901001v3", "hep-th/9901001"),
        ("https://arxiv.org/abs/2508.10433", "2508.10433"),
        ("http://arxiv.org/pdf/2508.10433v1.pdf", "2508.10433"),
        ("https://arxiv.org/html/2508.10433v1#S3", "2508.10433"),
        ("https://export.arxiv.org/abs/math.GT/0309136", "math/0309136"),
        ("https://huggingface.co/papers/2508.10433", "2508.10433"),
        ("https://hf.co/papers/2508.10433?ref=mail", "2508.10433"),
        ("https://www.alphaxiv.org/abs/2508.10433v1", "2508.10433"),
        ("https://doi.org/10.48550/arXiv.2508.10433", "2508.10433"),
        ("10.48550/arxiv.2508.10433", "2508.10433"),
        ("oai:arXiv.org:2508.10433v1", "2508.10433"),
        ("oai:arXiv.org:math/0309136", "math/0309136"),
    ],
)
def test_an_arxiv_id_is_found_in_all_its_forms(text: str, expected: str) -> None:
    assert identity.arxiv_id(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2508.104331",
        "12508.10433",
        "2508.104",
        "2513.10433",
        "2500.10433",
        "arXiv:2508.104331",
        "arXiv:12508.10433",
        "arXiv:hep-th/99010011",
        "https://arxiv.org/abs/2508.104331",
        "https://example.org/2508.10433",
        "it costs 2508.10433 in all",
        "２５０８.１０４３３",
        "10.1000/2508.10433",
        "https://arxiv.org/list/cs.CL/recent",
    ],
)
def test_a_number_that_is_no_arxiv_id_is_none(text: str) -> None:
    assert identity.arxiv_id(text) == ""


@given(NEW_STYLE, st.integers(1, 99))
def test_versions_and_links_of_one_arxiv_id_are_one_id(number: str, version: int) -> None:
    for text in (number, f"{number}v{version}", f"arXiv:{number}v{version}", f"https://arxiv.org/abs/{number}"):
        assert identity.arxiv_id(text) == number


@given(NEW_STYLE, st.text("0123456789", min_size=1, max_size=4))
def test_an_arxiv_id_is_never_read_out_of_a_longer_number(number: str, more: str) -> None:
    for text in (f"arXiv:{number[:10]:0<10}{more}", f"https://arxiv.org/abs/{number[:10]:0<10}{more}"):
        assert identity.arxiv_id(text) == ""


@given(st.text(max_size=60))
def test_any_text_at_all_has_an_id_a_doi_and_a_fingerprint_or_none(text: str) -> None:
    for once in (identity.arxiv_id(text), identity.doi(text)):
        assert once == "" or identity.arxiv_id(once) == once or identity.doi(once) == once
    assert len(identity.title_fingerprint(text)) in {0, 20}
    assert identity.folded(identity.folded(text)) == identity.folded(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1038/S41586-021-03819-2", "10.1038/s41586-021-03819-2"),
        ("https://doi.org/10.1000/xyz123.", "10.1000/xyz123"),
        ("doi:10.1016/S0140-6736(20)30183-5", "10.1016/s0140-6736(20)30183-5"),
        ("(doi:10.1016/S0140-6736(20)30183-5).", "10.1016/s0140-6736(20)30183-5"),
        ("see (10.1000/a(b)c), and more", "10.1000/a(b)c"),
        ("[10.1000/abc]", "10.1000/abc"),
        ("[text](https://doi.org/10.1000/abc)", "10.1000/abc"),
        ("10.1000/a[1]", "10.1000/a[1]"),
        ("“10.1000/abc.”", "10.1000/abc"),
        ('<a href="https://doi.org/10.1000/abc">', "10.1000/abc"),
        ("10.1000.10/123", "10.1000.10/123"),
        ("110.1000/abc", ""),
        ("10.10/abc", ""),
        ("10.1000/", ""),
        ("(10.1000/.)", ""),
        ("version 10.1000", ""),
    ],
)
def test_a_doi_is_found_without_what_a_sentence_puts_behind_it(text: str, expected: str) -> None:
    assert identity.doi(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Attention Is All You Need", "ATTENTION IS ALL  YOU\nNEED"),
        ("Attention Is All You Need", "Attention is all you need."),
        ("Self-Supervised Learning", "Self‐supervised learning"),
        ("Über Größe", "uber grosse"),
        ("The Poincaré Conjecture", r"The Poincar\'e Conjecture"),
        ("The Poincaré Conjecture", r"The {Poincar\'{e}} Conjecture"),
        ("Schrödinger Operators", r"Schr\"odinger Operators"),
        ("Fast Sampling", r"\emph{Fast} Sampling"),
        ("Sorting in O(n log n)", r"Sorting in $\mathcal{O}(n \log n)$".replace(r"\log", "log")),
        ("Sorting in O(n)", "Sorting in 𝒪(n)"),
        ("L2 Regularisation", "$L_2$ Regularisation"),
        ("L2 Regularisation", "L² Regularisation"),
        ("Diffusion models", "Diﬀusion models"),
    ],
)
def test_a_title_has_one_fingerprint_whatever_its_case_accents_markup_and_spaces(one: str, other: str) -> None:
    assert identity.title_fingerprint(one) == identity.title_fingerprint(other) != ""


@given(WORDS, WORDS)
def test_titles_of_other_letters_have_other_fingerprints(one: str, other: str) -> None:
    same = one.replace(" ", "") == other.replace(" ", "")
    assert (identity.title_fingerprint(one) == identity.title_fingerprint(other)) is same


def test_a_title_without_a_letter_has_no_fingerprint() -> None:
    assert [identity.title_fingerprint(title) for title in ("", "…", r"$\alpha$", "\\{}")] == [""] * 4


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Ada B. Lovelace", "lovelace"),
        ("Lovelace, A. B.", "lovelace"),
        ("J. D. van der Waals", "waals"),
        ("van der Waals, J. D.", "waals"),
        ("Kurt Gödel", "godel"),
        ("Plato", "plato"),
        ("", ""),
        (" , ", ""),
    ],
)
def test_a_family_name_is_the_same_in_both_orders(author: str, expected: str) -> None:
    assert identity.surname(author) == expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://dunes.example/article/10.5555/dune.7?TRACK=RSS", "10.5555/dune.7"),
        ("https://dunes.example/articles/10.5555/dune.7/full", "10.5555/dune.7"),
        ("https://dunes.example/doi/pdf/10.5555%2FDune.7#page=2", "10.5555/dune.7"),
        ("https://www.biorxiv.org/content/10.1101/2025.08.01.671234v2.full.pdf", "10.1101/2025.08.01.671234"),
        ("https://doi.org/10.5555/full", "10.5555/full"),
        ("https://dunes.example/10.5555/dune.v1", "10.5555/dune.v1"),
    ],
)
def test_of_an_address_only_what_is_the_doi_counts(link: str, expected: str) -> None:
    assert identity.doi(link) == expected


def test_a_record_goes_by_its_arxiv_id_its_doi_and_its_title() -> None:
    record = PaperRecord("On Ripples", arxiv_id="2508.10433", doi="10.1000/ripples")
    assert identity.names(record) == (
        "arxiv:2508.10433",
        "doi:10.1000/ripples",
        f"title:{identity.title_fingerprint('On Ripples')}",
    )


def test_the_doi_that_arxiv_gives_is_no_name_of_its_own() -> None:
    record = PaperRecord("", arxiv_id="2508.10433", doi="10.48550/arxiv.2508.10433")
    assert identity.names(record) == ("arxiv:2508.10433",)


LONG = "A study of ripples on the dunes of Mars"
ONE_ABSTRACT = "Sand ripples move with the wind and against it during forty windy days"
OTHER_ABSTRACT = "We introduce graph transformers for molecules together with sparse attention heads"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (PaperRecord(LONG), PaperRecord(LONG), True),
        (PaperRecord(LONG, arxiv_id="2508.00001"), PaperRecord(LONG, arxiv_id="2508.00002"), False),
        (PaperRecord(LONG, arxiv_id="2508.00001"), PaperRecord(LONG, doi="10.1000/x"), True),
        (PaperRecord(LONG, doi="10.1000/x"), PaperRecord(LONG, doi="10.1000/y"), False),
        (PaperRecord(LONG, doi="10.48550/arxiv.2508.00001"), PaperRecord(LONG, doi="10.1000/y"), True),
        (PaperRecord(LONG, authors=("Ada Lovelace",)), PaperRecord(LONG, authors=("Lovelace, A.",)), True),
        (PaperRecord(LONG, authors=("J. van der Waals",)), PaperRecord(LONG, authors=("van der Waals, J.",)), True),
        (PaperRecord(LONG, authors=("Ada Lovelace",)), PaperRecord(LONG, authors=("Kurt Gödel",)), False),
        (PaperRecord(LONG, authors=("Ada Lovelace",)), PaperRecord(LONG), True),
        (PaperRecord(LONG, authors=("Ada Lovelace",)), PaperRecord(LONG, authors=("—",)), True),
        (PaperRecord(LONG, ONE_ABSTRACT), PaperRecord(LONG, OTHER_ABSTRACT), True),
        (PaperRecord("Introduction", ONE_ABSTRACT), PaperRecord("Introduction", OTHER_ABSTRACT), False),
        (PaperRecord("Introduction", ONE_ABSTRACT), PaperRecord("Introduction", ONE_ABSTRACT.upper()), True),
        (PaperRecord("Introduction", ONE_ABSTRACT), PaperRecord("Introduction"), True),
    ],
)
def test_records_of_one_title_are_one_work_unless_something_contradicts(
    one: PaperRecord, other: PaperRecord, expected: bool
) -> None:
    assert identity.same_work(one, other) is expected
    assert identity.same_work(other, one) is expected
