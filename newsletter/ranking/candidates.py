"""A day's papers, prepared once for all subscribers: vectors, words, phrases, authors, categories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from newsletter import identity
from newsletter.abstracts import usable
from newsletter.model import Paper
from newsletter.ranking.background import Background
from newsletter.ranking.columns import Scores, standard
from newsletter.ranking.encoder import Encoder, Vectors
from newsletter.ranking.kernel import KernelRidge
from newsletter.ranking.phrases import PhraseIndex, rarity
from newsletter.ranking.remembered import Found, Remembered
from newsletter.ranking.scale import Pair, Scale, scale_of
from newsletter.ranking.words import Words

Rows: TypeAlias = NDArray[np.intp]

# Where a day holds nothing on a subject, its cosines differ by noise alone; without a floor the noise would be blown up
# to the size of a signal. For MiniLM, as all cosines in the code (`scale`).
COSINE_FLOOR = 0.08
_ATTENTION_FLOOR, _TREND = 0.5, 0.1
_ANOTHER_SOURCE = 0.7  # of attention: as much as a first vote
_MOST_INITIALS = 3
_TEXTS = 20_000  # a popular paper's text is asked for once by each of its readers


def paper_text(paper: Paper) -> str:
    """Give what of a paper is encoded: its title alone, where nothing that could be called an abstract is there."""
    return _text(_Parts(paper.title, paper.abstract))


def text_of_many(paper: Paper) -> str:
    """Give the same, and remember nothing: for who goes through all papers there are."""
    return _text.__wrapped__(_Parts(paper.title, paper.abstract))


class _Parts(NamedTuple):
    title: str
    abstract: str


@lru_cache(_TEXTS)
def _text(paper: _Parts) -> str:
    return f"{paper.title}. {paper.abstract}" if usable(paper) else paper.title


class Closeness(NamedTuple):
    """How near papers are to texts (m × k): cosines, and how many of the background's standard deviations above."""

    cosine: Scores
    standard: Scores


@dataclass(frozen=True)
class Candidates:
    """The papers that an issue chooses from (n), with their vectors (n × d) and words (n × words).

    What many subscribers ask of them is worked out once: phrases, what liked papers say, and the scores for topics and
    words, which `queries` keeps here.
    """

    papers: tuple[Paper, ...]
    vectors: Vectors
    scale: Scale
    background: Background
    ridge: KernelRidge
    words: Words
    lexical: Any
    phrases: PhraseIndex
    background_phrases: PhraseIndex
    topic_columns: Remembered = field(default_factory=Remembered)
    word_columns: Remembered = field(default_factory=Remembered)
    _overlaps: Remembered = field(default_factory=Remembered)
    _cosines: Remembered = field(default_factory=lambda: Remembered(in_blocks=True))
    _likeness: Remembered = field(default_factory=lambda: Remembered(in_blocks=True))
    _usual: Remembered = field(default_factory=lambda: Remembered(in_blocks=True))

    @classmethod
    def of(cls, papers: Sequence[Paper], encoder: Encoder, background: Sequence[str]) -> Candidates:
        """Prepare papers. `background` are texts of papers in general, newest first, that tell what is special."""
        texts = [paper_text(paper) for paper in papers]
        vectors, known = encoder.encode(texts), encoder.encode(background)
        words = Words(background)  # after encoding, which takes most memory while it goes on
        # To the ridge an unmarked paper is one that was passed over; a paper of the day nobody could mark yet.
        new = set(texts)
        before = [row for row, text in enumerate(background) if text not in new]
        passed_over = [background[row] for row in before]
        return cls(
            papers=tuple(papers),
            vectors=vectors,
            scale=scale_of(encoder),
            background=Background.of(known),
            ridge=KernelRidge.of(vectors, known[before], passed_over),
            words=words,
            lexical=words.matrix(texts),
            phrases=PhraseIndex([f"{paper.title}\n{paper.abstract}" for paper in papers]),
            background_phrases=PhraseIndex(passed_over),
        )

    def __len__(self) -> int:
        return len(self.papers)

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {paper.key: row for row, paper in enumerate(self.papers)}

    def without(self, keys: Iterable[int]) -> NDArray[np.bool_]:
        """Tell for each paper whether its key is not among `keys`."""
        allowed = np.ones(len(self), bool)
        allowed[[row for key in keys if (row := self._rows.get(key)) is not None]] = False
        return allowed

    def cosine_floor(self, pair: Pair) -> float:
        """Give the least standard deviation that cosines are measured by."""
        return COSINE_FLOOR * self.scale.spread(pair)

    def closeness(
        self, texts: Sequence[str], vectors: Sequence[Vectors] | Vectors, pair: Pair, rows: Rows | None = None
    ) -> Closeness:
        """Tell how near the papers, or those in some rows, are to texts with these vectors (m of d)."""
        rows = np.arange(len(self)) if rows is None else rows
        if not texts:
            return Closeness(*np.zeros((2, 0, len(rows)), np.float32))
        matrix, places = self.cosines(texts, vectors)
        cosine = matrix[places[:, None], rows]
        usual = self._usual(texts, lambda some: self._levels(np.stack([vectors[place] for place in some])))
        standing = cosine - usual[:, :1]
        standing /= np.maximum(usual[:, 1:], np.float32(self.cosine_floor(pair)))
        return Closeness(cosine, standing)

    def _levels(self, vectors: Vectors) -> Scores:
        """Give what papers in general have of cosine to vectors (m × d): mean and deviation, m × 2."""
        return np.stack([vectors @ self.background.mean, self.background.spreads(vectors)], axis=1)

    def cosines(self, texts: Sequence[str], vectors: Sequence[Vectors] | Vectors) -> Found:
        """Find the cosines (m × n) of the papers to texts with these vectors (m of d)."""
        return self._cosines.find(texts, lambda some: np.stack([vectors[place] for place in some]) @ self.vectors.T)

    def likeness(self, rows: Sequence[int]) -> Found:
        """Find the cosines (m × n) of the papers to some of them."""
        return self._likeness.find(rows, lambda some: self.vectors[[rows[place] for place in some]] @ self.vectors.T)

    def overlap(self, texts: Sequence[str]) -> Found:
        """Find the TF-IDF cosines (m × n) of the papers to texts."""
        return self._overlaps.find(texts, lambda some: self._overlap([texts[place] for place in some]))

    def _overlap(self, texts: Sequence[str]) -> Scores:
        found: Scores = (self.words.matrix(texts) @ self._by_word).toarray()
        return found

    @cached_property
    def _by_word(self) -> Any:
        """The words' papers (words × n): turned round once, which takes longer than a query does."""
        return self.lexical.T.tocsr()

    @cached_property
    def attention(self) -> Scores:
        """The attention that papers get (n), on a log scale: readers' votes, and how many sources announced it."""
        votes = np.array([max(0, paper.upvotes or 0) for paper in self.papers], np.float32)
        sources = np.array([max(1, len(paper.announcements)) for paper in self.papers], np.float32)
        attention: Scores = (np.log1p(votes) + _ANOTHER_SOURCE * (sources - 1)).astype(np.float32)
        return attention

    @cached_property
    def minded(self) -> NDArray[np.bool_]:
        """Which papers get any attention."""
        return self.attention > 0

    @cached_property
    def noticed(self) -> Scores:
        """The attention that papers get, as a column (n) of scores."""
        return standard(self.attention, _ATTENTION_FLOOR)

    @cached_property
    def trend(self) -> Scores:
        """What attention adds to papers (n) for a reader of whom nothing is known: enough to go before as near ones."""
        return np.float32(_TREND) * np.clip(self.noticed, 0, 2) * self.minded

    @cached_property
    def _by_surname(self) -> dict[str, list[tuple[int, str]]]:
        found: dict[str, list[tuple[int, str]]] = {}
        for row, paper in enumerate(self.papers):
            for author in paper.authors:
                found.setdefault(identity.surname(author), []).append((row, author))
        return found

    def by_author(self, name: str) -> dict[int, str]:
        """Give the rows whose author lists hold a person, and how the name stands there."""
        family = identity.surname(name)
        return {row: author for row, author in self._by_surname.get(family, ()) if family and same_name(name, author)}

    @cached_property
    def _category_holders(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for paper in self.papers:
            for category in paper.categories:
                found[category] = found.get(category, 0) + 1
        return found

    def category_evidence(self, categories: Sequence[str]) -> Scores:
        """Tell for each paper how much its categories speak for a topic: 0–1 by rarity, half where cross-listed."""
        found = np.zeros(len(self), np.float32)
        for row, paper in enumerate(self.papers):
            for place, category in enumerate(paper.categories):
                if category in categories:
                    weight = rarity(self._category_holders[category], len(self)) * (1.0 if place == 0 else 0.5)
                    found[row] = max(found[row], weight)
        return found


def best(scores: Scores, allowed: NDArray[np.bool_], count: int) -> Rows:
    """Give the rows of the `count` highest scores that are allowed, best first.

    Stable: of papers that score alike the one announced first comes first, today and at every repetition.
    """
    rows = np.flatnonzero(allowed)
    falling = -scores[rows]
    if 0 < count < len(rows):  # of many only those at the top need an order
        top = np.flatnonzero(falling <= np.partition(falling, count - 1)[count - 1])
        rows, falling = rows[top], falling[top]
    return rows[falling.argsort(kind="stable")[:count]]


def same_name(wanted: str, author: str) -> bool:
    """Tell whether two names may be one person's: same family name, and given names that do not contradict.

    "Bengio" is every Bengio; "Y. Bengio" and "Yoshua Bengio" are one, "Samy Bengio" another. "DA Wood", as PubMed and
    Google Scholar write, is "D. A. Wood".
    """
    if identity.surname(wanted) != identity.surname(author):
        return False
    pairs = zip(_given(wanted), _given(author), strict=False)  # a middle name that one of them lacks says nothing
    return all(one.startswith(other) or other.startswith(one) for one, other in pairs)


def _given(name: str) -> list[str]:
    given = name.split(",", 1)[1] if "," in name else " ".join(name.split()[:-1])
    words = given.replace(".", " ").replace("-", " ").split()
    if not name.isupper():
        words = [
            part for word in words for part in (word if word.isupper() and len(word) <= _MOST_INITIALS else [word])
        ]
    return [identity.folded(word) for word in words]
