"""Papers by what they mean: the vectors of all that were news, in one matrix that is scanned block by block.

It is in a file that the system may put aside (of 100,000 papers 154 MB; float16 would be half of that, and takes twice
as long to scan), filled in a thread of its own from the vectors that the store keeps. A paper whose vector is not there
yet, as before its first issue, is found by words only.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsletter.errors import NewsletterError
from newsletter.foretaste import Rankers
from newsletter.model import Paper
from newsletter.ranking.candidates import paper_text
from newsletter.ranking.encoder import CachedEncoder, Vectors
from newsletter.store import Store

# Cosines of MiniLM: a query of some words from which a paper is about it, and of two papers that are kindred.
ABOUT, KINDRED = 0.35, 0.5
_BLOCK = 8192
_READ = 1000
_ROOM = 16_384  # rows by which the file grows
_FRESH = 60.0  # seconds for which nobody asks whether papers have come
_LONGEST = 300  # characters of a query

_log = logging.getLogger(__name__)


@dataclass
class _Matrix:
    """Rows of vectors, and whose they are. `seen` counts papers that were looked at; `waiting` have no vector yet."""

    dimensions: int
    file: Any = field(default_factory=tempfile.TemporaryFile)
    rows: NDArray[np.float32] | None = None
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    places: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    last: int = 0
    seen: int = 0

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        """Put vectors (n × d) behind the others."""
        start, stop = len(self.keys), len(self.keys) + len(keys)
        if self.rows is None or stop > len(self.rows):
            room = -(-stop // _ROOM) * _ROOM
            self.file.truncate(room * self.dimensions * 4)
            self.rows = np.memmap(self.file, np.float32, "r+", shape=(room, self.dimensions))
        self.rows[start:stop] = vectors
        self.places.update(zip(keys, range(start, stop), strict=True))
        self.keys = np.concatenate([self.keys, np.array(keys, np.int64)])

    def close(self) -> None:
        """Give the file back; what was read of it stays readable as long as somebody holds it."""
        self.file.close()


class Meanings:
    """Finds papers near to words or to another paper. Usable from several threads; a process should have one."""

    def __init__(self, store: Store, rankers: Callable[[], Rankers]) -> None:
        """Nothing is loaded before the first question."""
        self._store = store
        self._load = rankers
        self._matrix: _Matrix | None = None
        self._looked_at = float("-inf")
        self._filling: threading.Thread | None = None
        self._lock = threading.Lock()

    def about(self, words: str, most: int) -> list[int]:
        """Give the keys of papers that are about some words, the nearest first; [] until the matrix is there."""
        matrix = self._ready()
        if matrix is None or not words.strip():
            return []
        [query] = self._load().encoder.encode([words[:_LONGEST]])
        return [key for key, _ in _nearest(matrix, query, most, ABOUT)]

    def like(self, key: int, most: int) -> list[int]:
        """Give the keys of papers that resemble one, the most alike first."""
        matrix = self._ready()
        place = matrix.places.get(key) if matrix else None
        if matrix is None or matrix.rows is None or place is None:
            return []
        found = _nearest(matrix, matrix.rows[place].astype(np.float32), most + 1, KINDRED)
        return [other for other, _ in found if other != key][:most]

    def vectors(self, keys: Sequence[int]) -> tuple[list[int], Vectors]:
        """Give those of some papers (n of them) that have a vector, and these (n × d)."""
        matrix = self._ready()
        if matrix is None or matrix.rows is None:
            return [], np.zeros((0, 1), np.float32)
        there = [key for key in keys if key in matrix.places]
        return there, matrix.rows[[matrix.places[key] for key in there]].astype(np.float32)

    @property
    def encoder(self) -> CachedEncoder:
        """What the vectors are of."""
        return self._load().encoder

    def finish(self) -> None:
        """Wait until what is being read is there."""
        if self._filling:
            self._filling.join()

    def close(self) -> None:
        """Finish, and give the file back."""
        self.finish()
        if self._matrix:
            self._matrix.close()

    def _ready(self) -> _Matrix | None:
        with self._lock:
            resting = time.monotonic() - self._looked_at < _FRESH
            if not resting and not (self._filling and self._filling.is_alive()):
                self._looked_at = time.monotonic()
                self._filling = threading.Thread(target=self._fill, name="meanings", daemon=True)
                self._filling.start()
        return self._matrix

    def _fill(self) -> None:
        try:
            encoder = self._load().encoder
            news = self._store.papers.count()
            matrix = _read(self._store, encoder, self._matrix or _Matrix(encoder.dimensions))
            if matrix.seen != news:  # some became news late, or are another paper by now
                matrix.close()
                matrix = _read(self._store, encoder, _Matrix(encoder.dimensions))
            self._matrix = matrix
        except NewsletterError as error:
            _log.error("the search by meaning: %s", error)
        except Exception:  # noqa: BLE001  a defect; words are found all the same
            _log.exception("the search by meaning")


def _read(store: Store, encoder: CachedEncoder, matrix: _Matrix) -> _Matrix:
    """Put what came since the last time into a matrix, and those of late whose vectors are there only now."""
    waiting, matrix.waiting = matrix.waiting[-_READ:], []
    _take(encoder, matrix, list(store.papers.by_key(waiting).values()))
    while papers := store.archive.texts(matrix.last, _READ):
        _take(encoder, matrix, papers)
        matrix.last, matrix.seen = papers[-1].key, matrix.seen + len(papers)
    return matrix


def _take(encoder: CachedEncoder, matrix: _Matrix, papers: Sequence[Paper]) -> None:
    places, vectors = encoder.known([paper_text(paper) for paper in papers])
    if places:
        matrix.add([papers[place].key for place in places], vectors)
    there = set(places)
    matrix.waiting += [paper.key for place, paper in enumerate(papers) if place not in there]


def _nearest(matrix: _Matrix, query: Vectors, most: int, floor: float) -> list[tuple[int, float]]:
    """Give the keys of the rows that are nearest to a query, and their cosines, at least `floor`."""
    keys, rows = matrix.keys, matrix.rows
    if rows is None or most < 1:
        return []
    cosines = np.empty(len(keys), np.float32)
    for start in range(0, len(keys), _BLOCK):
        stop = min(start + _BLOCK, len(keys))
        cosines[start:stop] = rows[start:stop] @ query
    some = np.argpartition(-cosines, min(most, len(keys)) - 1)[:most] if len(keys) else np.zeros(0, np.intp)
    best = some[np.argsort(-cosines[some], kind="stable")]
    return [(int(keys[row]), float(cosines[row])) for row in best if cosines[row] >= floor]
