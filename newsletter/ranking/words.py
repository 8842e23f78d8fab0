"""TF-IDF over words and pairs of words, its frequencies learned from background texts (never from candidates).

As scikit-learn's TfidfVectorizer weighs them (Salton and Buckley 1988, doi:10.1016/0306-4573(88)90021-0), to which a
test compares it. Its import alone takes a second and 55 MB, which every preview and every server would pay.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w\w+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of every English text, which tell nothing of what it is about.
STOP_WORDS = _words(
    "about above after again against all almost along already also although always am among an and any are around as "
    "at back be became because been before being below between both but by can cannot could did do does done down due "
    "during each either else ever every few for from further get give go had has have having he hence her here hers "
    "herself him himself his how however if in indeed instead into is it its itself just last least less made many "
    "may me might mine more moreover most mostly much must my myself neither never nevertheless next no nobody none "
    "nor not nothing now of off often on once one only onto or other others otherwise our ours ourselves out over own "
    "per perhaps please put rather same see seem seems several she should since so some such than that the their "
    "theirs them themselves then there therefore these they this those through throughout thus to together too toward "
    "towards under until up upon us very via was we well were what whatever when where whereas whether which while "
    "who whole whom whose why will with within without would yet you your yours yourself"
)
_UNKNOWN = -1  # the number of a word that none, or only one, of the background's texts has
_RARE = 20  # texts; among fewer a word that only one of them has counts, too


class Words:
    """What words and pairs of words are worth, and the rows of texts over them."""

    def __init__(self, background: Sequence[str]) -> None:
        numbers: dict[str, int] = {}
        numbered = _numbered(background, lambda word: numbers.setdefault(word, len(numbers)))
        self._size = len(numbers)
        counted = self._counted(*numbered)
        terms, held = np.unique(counted.terms, return_counts=True)
        kept = held >= (2 if len(background) >= _RARE else 1)
        self._terms = terms[kept]  # by their numbers: the place of a term is its column
        self._worth = (np.log((1 + len(background)) / (1 + held[kept])) + 1).astype(np.float32)
        words = set(self._terms[self._terms < self._size].tolist())
        self._numbers = {word: number for word, number in numbers.items() if number in words}
        self._known = self._weighed(counted, len(background))
        self._rows = {text: row for row, text in enumerate(background)}

    def matrix(self, texts: Sequence[str]) -> Any:
        """Give the sparse matrix (len(texts) × words) with rows of length 1, or 0 where no word is known."""
        places = [self._rows.get(text, -1) for text in texts]
        if texts and min(places) >= 0:
            return self._known[places]
        unknown = [text for text, place in zip(texts, places, strict=True) if place < 0]
        counted = self._counted(*_numbered(unknown, lambda word: self._numbers.get(word, _UNKNOWN)))
        fresh = self._weighed(counted, len(unknown))
        if len(unknown) == len(texts):
            return fresh
        from scipy.sparse import vstack  # noqa: PLC0415  lazy: a tenth of a second

        order, height = np.array(places), self._known.shape[0]
        order[order < 0] = np.arange(height, height + fresh.shape[0])
        return vstack([self._known, fresh], format="csr")[order]

    def _counted(self, words: NDArray[np.int64], rows: NDArray[np.int64]) -> _Counted:
        """Count the terms of texts. A word has a number below `size`, a pair of neighbours one made of both's."""
        pair = (rows[1:] == rows[:-1]) & (words[1:] >= 0) & (words[:-1] >= 0)  # one that is worth something has two
        pairs = (words[:-1] + 1)[pair] * self._size + words[1:][pair]
        terms = np.concatenate([words, pairs])
        of = np.concatenate([rows, rows[1:][pair]])
        span = self._size * (self._size + 1)
        both, counts = np.unique((of * span + terms)[terms >= 0], return_counts=True)
        return _Counted(both // max(1, span), both % max(1, span), counts)

    def _weighed(self, counted: _Counted, height: int) -> Any:
        from scipy.sparse import csr_matrix  # noqa: PLC0415  lazy: a tenth of a second

        columns = np.searchsorted(self._terms, counted.terms)
        known = np.flatnonzero(columns < len(self._terms))
        known = known[self._terms[columns[known]] == counted.terms[known]]
        rows, columns = counted.rows[known], columns[known]
        weights = (1 + np.log(counted.counts[known].astype(np.float32))) * self._worth[columns]
        ends = np.searchsorted(rows, np.arange(height + 1))
        lengths = np.sqrt(_sums(weights**2, ends))
        weights /= np.repeat(lengths, np.diff(ends))
        shape = height, len(self._terms)
        return csr_matrix((weights, columns.astype(np.int32), ends), shape=shape, dtype=np.float32)


class _Counted(NamedTuple):
    """How often texts hold terms: by row and, in a row, by the terms' numbers."""

    rows: NDArray[np.int64]
    terms: NDArray[np.int64]
    counts: NDArray[np.int64]


def _numbered(texts: Iterable[str], number: Callable[[str], int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the numbers of the words of texts, one after the other, and the row of the text that each stands in."""
    numbers, lengths = array("q"), array("q")
    for text in texts:
        before = len(numbers)
        numbers.extend(map(number, words_of(text)))
        lengths.append(len(numbers) - before)
    return np.array(numbers, np.int64), np.repeat(np.arange(len(lengths)), lengths)


def words_of(text: str) -> list[str]:
    """Give the words of a text that tell something, without accents and capitals."""
    return [word for word in _WORD.findall(_plain(text.lower())) if word not in STOP_WORDS]


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _sums(values: NDArray[np.float32], ends: Iterable[int]) -> NDArray[np.float64]:
    """Give the sums of the stretches between two of some places each."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.diff(total[np.asarray(ends)])
