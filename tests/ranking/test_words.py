"""Words of texts, weighed as scikit-learn does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from newsletter.ranking.words import STOP_WORDS, Words, words_of

SUBJECTS = ("dunes", "wind", "sand ripples", "Märchen", "naïve Bayes", "ﬁelds", "x", "E. coli", "café")


def theirs(background: Sequence[str], texts: Sequence[str]) -> Any:
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2),
        min_df=2 if len(background) >= 20 else 1,
        sublinear_tf=True,
        stop_words=sorted(STOP_WORDS),
        strip_accents="unicode",
        dtype=np.float32,
    )
    return vectorizer.fit(background).transform(texts)


@pytest.mark.parametrize("count", [3, 40])
def test_texts_are_as_alike_as_scikit_learn_has_them(count: int) -> None:
    dice = np.random.default_rng(7)
    background = [" of the ".join(dice.choice(SUBJECTS, 6)) for _ in range(count)]
    texts = [*background[:2], "Sand and the wind, the WIND", "nothing that anybody knows", ""]
    ours, other = Words(background).matrix(texts), theirs(background, texts)
    assert np.allclose((ours @ ours.T).toarray(), (other @ other.T).toarray(), atol=1e-5)


@given(st.lists(st.text(max_size=60), max_size=25), st.lists(st.text(max_size=60), max_size=5))
def test_rows_have_the_length_one_or_none(background: list[str], texts: list[str]) -> None:
    matrix = Words(background).matrix([*texts, *background[:2]])
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1))).ravel()
    assert matrix.shape[0] == len(texts) + len(background[:2])
    assert all(abs(length - 1) < 1e-4 or length == 0 for length in lengths)


def test_words_are_plain_and_without_the_common_ones() -> None:
    assert words_of("The naïve dunes of Mars") == ["naive", "dunes", "mars"]


def test_pairs_are_of_neighbours_in_one_text() -> None:
    words = Words(["dunes wander", "mars dust"])
    assert words.matrix(["dunes of mars", "dunes wander", "wander mars"]).getnnz(axis=1).tolist() == [2, 3, 2]
