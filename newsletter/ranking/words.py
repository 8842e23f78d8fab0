"""TF-IDF over words and pairs of words, its frequencies learned from background texts (never from candidates).

As scikit-learn's TfidfVectorizer weighs them (Salton and Buckley 1988, doi:10.1016/0306-4573(88)90021-0), to which a
test compares it. Its import alone takes a second and 55 MB, which every preview and every server would pay.
"""

from __future__ import annotations

import math
import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

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
_RARE = 20  # texts; among fewer a word that only one of them has counts, too


class Words:
    """What words and pairs of words are worth, and the rows of texts over them."""

    def __init__(self, background: Sequence[str]) -> None:
        counted = [Counter(terms(text)) for text in background]
        held = Counter(term for counts in counted for term in counts)
        least = 2 if len(background) >= _RARE else 1
        self._places = {term: place for place, term in enumerate(sorted(t for t, n in held.items() if n >= least))}
        worth = (math.log((1 + len(background)) / (1 + held[term])) + 1 for term in self._places)
        self._worth = np.fromiter(worth, np.float32, len(self._places))
        self._known = self._matrix(counted)
        self._rows = {text: row for row, text in enumerate(background)}

    def matrix(self, texts: Sequence[str]) -> Any:
        """Give the sparse matrix (len(texts) × words) with rows of length 1, or 0 where no word is known."""
        places = [self._rows.get(text, -1) for text in texts]
        if texts and min(places) >= 0:
            return self._known[places]
        fresh = self._matrix([Counter(terms(text)) for text, place in zip(texts, places, strict=True) if place < 0])
        if fresh.shape[0] == len(texts):
            return fresh
        from scipy.sparse import vstack  # noqa: PLC0415  lazy: a tenth of a second

        order, height = np.array(places), self._known.shape[0]
        order[order < 0] = np.arange(height, height + fresh.shape[0])
        return vstack([self._known, fresh], format="csr")[order]

    def _matrix(self, counted: Sequence[Counter[str]]) -> Any:
        from scipy.sparse import csr_matrix  # noqa: PLC0415  lazy: a tenth of a second

        places, counts, ends = array("i"), array("f"), array("q", [0])
        for one in counted:
            for term, count in one.items():
                if (place := self._places.get(term)) is not None:
                    places.append(place)
                    counts.append(count)
            ends.append(len(places))
        columns, rows = np.array(places, np.int32), np.array(ends, np.int64)
        weights = (1 + np.log(np.array(counts, np.float32))) * self._worth[columns]
        matrix = csr_matrix((weights, columns, rows), shape=(len(counted), len(self._places)), dtype=np.float32)
        matrix.sort_indices()
        lengths = np.sqrt(_sums(matrix.data**2, matrix.indptr))
        matrix.data /= np.repeat(lengths, np.diff(matrix.indptr))
        return matrix


def terms(text: str) -> Iterator[str]:
    """Give the words of a text that tell something, without accents and capitals, then the pairs of neighbours."""
    words = [word for word in _WORD.findall(_plain(text.lower())) if word not in STOP_WORDS]
    yield from words
    yield from (f"{one} {other}" for one, other in pairwise(words))


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _sums(values: NDArray[np.float32], ends: Iterable[int]) -> NDArray[np.float64]:
    """Give the sums of the stretches between two of some places each."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.diff(total[np.asarray(ends)])
