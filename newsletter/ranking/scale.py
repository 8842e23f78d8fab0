"""What a cosine means with one encoder, told in cosines of MiniLM.

The thresholds of the ranking ("is about", "is like", "is the same narrow subject") were read off MiniLM. Another model
spreads the same texts otherwise: two papers on AI have a cosine of .34 ± .12 with MiniLM, of .43 ± .10 with WordLlama.
So every threshold stands in the code as MiniLM's, and is moved to where it lies among the cosines of the other encoder:
as many standard deviations from the mean, over pairs of fixed texts that ship with the program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import numpy as np

from newsletter import assets, catalogue
from newsletter.ranking.encoder import Encoder, Vectors
from newsletter.ranking.minilm import name_of

_ITEM = re.compile(r"<item>\s*<title>(.*?)</title>.*?Abstract: (.*?)</description>", re.DOTALL)
_LEAST_DEVIATION = 0.01


class Pair(StrEnum):
    """Between which kinds of text a cosine is: levels differ, for a longer text has more in common with others."""

    PAPERS = "two papers"
    TOPIC_AND_PAPER = "a topic's whole text and a paper"
    WORDS_AND_PAPER = "a few words and a paper"
    WORDS_AND_TOPIC = "a few words and a topic's whole text"
    WORDS = "a few words and a few others"


class Level(NamedTuple):
    """Mean and standard deviation of the cosines of pairs that have little to do with each other."""

    mean: float
    deviation: float


MINILM: Mapping[Pair, Level] = {
    Pair.PAPERS: Level(0.0724, 0.1086),
    Pair.TOPIC_AND_PAPER: Level(0.0587, 0.1031),
    Pair.WORDS_AND_PAPER: Level(0.0706, 0.1003),
    Pair.WORDS_AND_TOPIC: Level(0.0968, 0.0926),
    Pair.WORDS: Level(0.1576, 0.1091),
}

WORDLLAMA: Mapping[Pair, Level] = {
    Pair.PAPERS: Level(0.1766, 0.1000),
    Pair.TOPIC_AND_PAPER: Level(0.1619, 0.1109),
    Pair.WORDS_AND_PAPER: Level(0.0904, 0.0916),
    Pair.WORDS_AND_TOPIC: Level(0.0907, 0.0994),
    Pair.WORDS: Level(0.0580, 0.0964),
}
_KNOWN = {name_of(): MINILM, "wordllama-l2-supercat-256/512": WORDLLAMA}


@dataclass(frozen=True)
class Scale:
    """The levels of one encoder."""

    levels: Mapping[Pair, Level]

    def cosine(self, minilm: float, pair: Pair) -> float:
        """Give the cosine that says what one of MiniLM says."""
        if self.levels is MINILM:
            return minilm
        return self.levels[pair].mean + (minilm - MINILM[pair].mean) * self.spread(pair)

    def spread(self, pair: Pair) -> float:
        """Tell how wide differences of cosines are, MiniLM's being 1."""
        return self.levels[pair].deviation / MINILM[pair].deviation


def scale_of(encoder: Encoder) -> Scale:
    """Give the scale of an encoder; one that was never measured is taken to be like MiniLM."""
    return Scale(_KNOWN.get(encoder.name, MINILM))


def measured(encoder: Encoder) -> dict[Pair, Level]:
    """Give the levels of an encoder, measured. Raises EncoderError."""
    some = sample_texts()
    vectors = encoder.encode([*some.papers, *some.topics, *some.words])
    split = len(some.papers), len(some.papers) + len(some.topics)
    papers, topics, words = vectors[: split[0]], vectors[split[0] : split[1]], vectors[split[1] :]
    return {
        Pair.PAPERS: _level(_among(papers)),
        Pair.TOPIC_AND_PAPER: _level(topics @ papers.T),
        Pair.WORDS_AND_PAPER: _level(words @ papers.T),
        Pair.WORDS_AND_TOPIC: _level((words @ topics.T)[~np.eye(len(words), dtype=bool)]),
        Pair.WORDS: _level(_among(words)),
    }


class _Texts(NamedTuple):
    papers: Sequence[str]
    topics: Sequence[str]
    words: Sequence[str]


@cache
def sample_texts() -> _Texts:
    """Give the samples' papers, of many fields, and the topics that ship, whatever those of this installation are."""
    from newsletter.ranking.interests import topic_text  # noqa: PLC0415  it needs the scale itself

    sample = json.loads((assets.SEEDS / "hf-daily-2025-08-20.json").read_text("utf-8"))
    feed = (assets.SEEDS / "arxiv-physics-biology-mathematics.xml").read_text("utf-8")
    papers = [f"{one['paper']['title']}. {one['paper']['summary']}" for one in sample]
    papers += [f"{title}. {abstract}" for title, abstract in _ITEM.findall(feed)]
    topics = catalogue.load(assets.CONFIG / "topics.toml").values()
    return _Texts(papers, [topic_text(topic) for topic in topics], [topic.title for topic in topics])


def _among(vectors: Vectors) -> Vectors:
    cosines: Vectors = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return cosines


def _level(cosines: Vectors) -> Level:
    return Level(float(cosines.mean()), max(float(cosines.std()), _LEAST_DEVIATION))
