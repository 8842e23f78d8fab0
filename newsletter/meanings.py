"""Papers by what they mean: the vectors of all that were news, searched in two passes.

A sketch of every vector (its 96 most telling directions) is scanned in memory, 38 MB for 100,000 papers; the vectors
of the nearest 3,000 are then compared whole. Of MiniLM's vectors of 13,584 abstracts, the nearest 3 % by their sketches
held all of the nearest 0.3 %. These are in a file that the system may put aside, filled in a thread of its own
from the vectors that the store keeps. A paper whose vector is not there yet, as before its first issue, is found by
words only.
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
from newsletter.ranking.candidates import text_of_many
from newsletter.ranking.encoder import CachedEncoder, Vectors
from newsletter.store import Store

# Cosines of MiniLM: a query of some words from which a paper is about it, and of two papers that are kindred.
ABOUT, KINDRED = 0.35, 0.5
_READ = 1000
_SKETCHED = 20_000  # papers from which there is something to be gained by sketches
_DIRECTIONS = 96
_LEARNED_FROM = 8192  # vectors
_LOOKED_AT = 3000  # whole, of the nearest by their sketches
_ROOM = 16_384  # rows by which the file grows
_FRESH = 60.0  # seconds for which nobody asks whether papers have come
_LONGEST = 300  # characters of a query

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sketch:
    """Rows (n × k) by which nearness can be guessed, and the directions (d × k) that they are of; None: all, as is."""

    rows: NDArray[np.float32]
    directions: NDArray[np.float32] | None = None
    learned_from: int = 0


@dataclass
class _Matrix:
    """Rows of vectors, and whose they are. `seen` counts papers that were looked at; `waiting` have no vector yet."""

    dimensions: int
    file: Any = field(default_factory=tempfile.TemporaryFile)
    rows: NDArray[np.float16] | None = None
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    places: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    last: int = 0
    seen: int = 0
    sketch: _Sketch | None = None

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        """Put vectors (n × d) behind the others."""
        start, stop = len(self.keys), len(self.keys) + len(keys)
        if self.rows is None or stop > len(self.rows):
            room = -(-stop // _ROOM) * _ROOM
            self.file.truncate(room * self.dimensions * 2)
            self.rows = np.memmap(self.file, np.float16, "r+", shape=(room, self.dimensions))
        self.rows[start:stop] = vectors
        self.places.update(zip(keys, range(start, stop), strict=True))
        self.keys = np.concatenate([self.keys, np.array(keys, np.int64)])

    def make_sketch(self) -> None:
        """Bring the sketch up to the rows; its directions are learned anew when there are twice as many."""
        if self.rows is None:
            return
        count, directions, learned_from = len(self.keys), None, 0
        if count >= _SKETCHED:
            old = self.sketch
            directions = old.directions if old and count < 2 * old.learned_from else None
            learned_from = old.learned_from if old and directions is not None else count
            if directions is None:
                directions = _telling(self.rows[: count : -(-count // _LEARNED_FROM)].astype(np.float32))
        made = np.empty((count, self.dimensions if directions is None else directions.shape[1]), np.float32)
        for start in range(0, count, _ROOM):
            some = self.rows[start : min(start + _ROOM, count)].astype(np.float32)
            made[start : start + len(some)] = some if directions is None else some @ directions
        self.sketch = _Sketch(made, directions, learned_from)
        self.rows = np.memmap(self.file, np.float16, "r+", shape=self.rows.shape)  # what was just read can be put aside

    def nearest(self, query: Vectors, most: int, floor: float) -> list[tuple[int, float]]:
        """Give the keys of the rows that are nearest to a query, and their cosines, at least `floor`."""
        keys, sketch, rows = self.keys, self.sketch, self.rows
        if sketch is None or rows is None or most < 1:
            return []
        exact = sketch.directions is None
        aim = query if sketch.directions is None else query @ sketch.directions
        cosines: NDArray[np.float32] = sketch.rows @ aim.astype(np.float32)
        some = _highest(cosines, most if exact else max(_LOOKED_AT, most))
        if not exact:
            some = np.sort(some)  # the file is read in its own order
            cosines = np.asarray(rows[some].astype(np.float32) @ query, np.float32)
            found = _highest(cosines, most)
            some, cosines = some[found], cosines[found]
        else:
            cosines = cosines[some]
        order = np.argsort(-cosines, kind="stable")
        return [(int(keys[some[each]]), float(cosines[each])) for each in order if cosines[each] >= floor]

    def close(self) -> None:
        """Give the file back; what was read of it stays readable as long as somebody holds it."""
        self.file.close()


def _telling(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the directions (d × k) in which vectors (n × d) say most: the first principal ones."""
    _, directions = np.linalg.eigh(sample.T @ sample)
    return np.ascontiguousarray(directions[:, -_DIRECTIONS:], np.float32)


def _highest(values: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """Give the places of the highest values, in no order."""
    return np.argpartition(-values, most - 1)[:most] if len(values) > most else np.arange(len(values))


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
        return [key for key, _ in matrix.nearest(query, most, ABOUT)]

    def like(self, key: int, most: int) -> list[int]:
        """Give the keys of papers that resemble one, the most alike first."""
        matrix = self._ready()
        place = matrix.places.get(key) if matrix else None
        if matrix is None or matrix.rows is None or place is None:
            return []
        found = matrix.nearest(matrix.rows[place].astype(np.float32), most + 1, KINDRED)
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
    if matrix.sketch is None or len(matrix.sketch.rows) < len(matrix.keys):
        matrix.make_sketch()
    return matrix


def _take(encoder: CachedEncoder, matrix: _Matrix, papers: Sequence[Paper]) -> None:
    places, vectors = encoder.known([text_of_many(paper) for paper in papers])
    if places:
        matrix.add([papers[place].key for place in places], vectors)
    there = set(places)
    matrix.waiting += [paper.key for place, paper in enumerate(papers) if place not in there]
