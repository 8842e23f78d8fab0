"""Thresholds of MiniLM, moved to other encoders."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter.ranking.encoder import CachedEncoder
from newsletter.ranking.interests import kindred_each
from newsletter.ranking.scale import MINILM, WORDLLAMA, Pair, Scale, measured, sample_texts, scale_of
from newsletter.ranking.wordllama import WordLlama


def test_the_levels_that_stand_in_the_code_are_those_of_minilm(cached_minilm: CachedEncoder) -> None:
    found = measured(cached_minilm)
    assert {pair: pytest.approx(level, abs=0.003) for pair, level in found.items()} == MINILM


def test_the_levels_of_wordllama_are_its_own() -> None:
    found = measured(WordLlama())
    assert {pair: pytest.approx(level, abs=0.001) for pair, level in found.items()} == WORDLLAMA
    assert scale_of(WordLlama()).levels == WORDLLAMA


@pytest.mark.parametrize("pair", Pair)
def test_what_was_read_off_minilm_stays_as_it_was(pair: Pair, cached_minilm: CachedEncoder) -> None:
    scale = scale_of(cached_minilm)
    assert [scale.cosine(cosine, pair) for cosine in (0.08, 0.2, 0.35)] == [0.08, 0.2, 0.35]
    assert scale.spread(pair) == 1


def test_a_threshold_lies_as_many_deviations_from_the_mean_with_another_model() -> None:
    levels = measured(WordLlama())
    for pair, level in levels.items():
        one = Scale(levels).cosine(MINILM[pair].mean + 2 * MINILM[pair].deviation, pair)
        assert one == pytest.approx(level.mean + 2 * level.deviation)


def test_with_another_model_about_as_many_unrelated_papers_pass_for_alike(cached_minilm: CachedEncoder) -> None:
    """Its cosines are higher throughout: by MiniLM's threshold twice as many would pass."""
    texts = sample_texts().papers
    passing = []
    for encoder in (cached_minilm, WordLlama()):
        vectors = encoder.encode(texts)
        cosines = (vectors @ vectors.T)[np.triu_indices(len(texts), 1)]
        passing.append(float((cosines >= scale_of(encoder).cosine(0.35, Pair.PAPERS)).mean()))
        unscaled = float((cosines >= 0.35).mean())
    assert passing[1] == pytest.approx(passing[0], abs=0.02)
    assert unscaled > 2 * passing[0]


def test_keywords_of_one_subject_are_kindred_with_another_model_too() -> None:
    words, encoder = ["3D vision", "Gaussian splatting", "labour market", "minimum wage"], WordLlama()
    [groups] = kindred_each([(words, encoder.encode(words))], encoder)
    assert sorted(map(sorted, groups)) == [["3D vision", "Gaussian splatting"], ["labour market", "minimum wage"]]
