"""The port `Encoder`: texts to unit vectors. And the cache in front of it.

Adapters: `minilm` (all-MiniLM-L6-v2, the default), `wordllama` (a static table) and `endpoint` (a service).
docs/ranking.md has a recipe for adding another.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from newsletter.errors import EncoderError

Vectors: TypeAlias = NDArray[np.float32]
Progress: TypeAlias = Callable[[int], None]

_BATCH = 256
_MOST_REMEMBERED = 20_000_000  # octets of vectors: what one issue's subscribers have in common
_TEXTS = 20_000
_OCTETS = 2  # of a number as it is kept
_TOUCHSTONE = "Attention is not explanation: a title by which to tell whether a model is still the same."
# The cosine of one text's vectors by one model on two days; other kinds of processor and other batches move the third
# decimal, another model leaves nothing of it.
_SAME = 0.98


class Encoder(Protocol):
    """Turns texts into vectors. `name` says which vectors these are; equal names mean comparable vectors."""

    @property
    def name(self) -> str:
        """The model, its weights and its token limit in one word."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give a matrix of shape (len(texts), dimensions); rows have length 1 (0 for a text without any token)."""
        ...


class VectorCache(Protocol):
    """Where vectors are kept between runs: `store.Vectors`, or nothing."""

    def load(self, encoder: str, text_hashes: Iterable[str]) -> dict[str, bytes]:
        """Give the vectors that are known, by text hash."""
        ...

    def save(self, encoder: str, by_hash: Mapping[str, bytes]) -> None:
        """Keep vectors."""
        ...


class Deferred:
    """An encoder that is loaded when a text is first to be encoded: where all vectors are kept, none is needed."""

    def __init__(self, name: str, dimensions: int, load: Callable[[], Encoder]) -> None:
        self.name = name
        self.dimensions = dimensions
        self._load = load
        self._encoder: Encoder | None = None
        self._lock = threading.Lock()

    def load(self) -> Encoder:
        """Give the encoder, loaded. Raises EncoderError."""
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load()
            return self._encoder

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of texts. Raises EncoderError."""
        return self.load().encode(texts)


class ReadOnly:
    """A cache in which nothing is kept: what strangers type into a page is nobody's to store."""

    def __init__(self, cache: VectorCache) -> None:
        self._cache = cache

    def load(self, encoder: str, text_hashes: Iterable[str]) -> dict[str, bytes]:
        """Give the vectors that are known, by text hash."""
        return self._cache.load(encoder, text_hashes)

    def save(self, encoder: str, by_hash: Mapping[str, bytes]) -> None:
        """Keep nothing."""


class CachedEncoder:
    """An encoder that encodes a text once ever. Vectors are kept as float16, whose error (1e-3) is below the int8
    weights' own; also fresh vectors go through float16, so that a first and a second run rank alike.

    The latest are remembered here too, because one issue's subscribers ask for the same texts again and again.
    """

    def __init__(
        self,
        encoder: Encoder,
        cache: VectorCache,
        progress: Progress | None = None,
        *,
        batch: int = _BATCH,
        touchstone: bool = False,
    ) -> None:
        """Put a cache before `encoder`. `batch` texts are encoded, and their vectors kept, at a time; `progress` is
        told their number.

        `touchstone`: before it encodes anything, see that the encoder still gives the vector of a certain text that is
        kept. Behind an address there may be another model from one day to the next, whose vectors mean nothing beside
        the old ones.
        """
        self._encoder = encoder
        self._cache = cache
        self._progress = progress or (lambda _count: None)
        self._batch = batch
        self._unproved = touchstone
        self._remembered: dict[str, bytes] = {}
        self._dimensions = 0
        self.name = encoder.name
        self.encoded = 0  # texts that were not known

    def load(self) -> None:
        """Load what is loaded late, so that the first text takes no longer than the next. Raises EncoderError."""
        if isinstance(self._encoder, Deferred):
            self._encoder.load()

    @property
    def dimensions(self) -> int:
        """The length of a vector: of those that are known, else as the encoder says."""
        return self._dimensions or self._encoder.dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of texts, from the cache where they are known. Raises EncoderError."""
        hashes = [text_hash(text) for text in texts]
        known = self._known(hashes)
        missing = {name: text for name, text in zip(hashes, texts, strict=True) if name not in known}
        self._progress(len(texts) - len(missing))
        if missing and self._unproved:
            self._prove()
        # Texts of like length go together: threads, and a service's batch, wait for the longest.
        for some in _batches(sorted(missing.items(), key=lambda item: len(item[1])), self._batch):
            fresh = self._fresh(dict(some))
            self._cache.save(self.name, fresh)  # batch by batch: an interrupted run loses one batch
            known.update(fresh)
            self.encoded += len(some)
            self._progress(len(some))
        self._remember(known)
        joined = b"".join(known[name] for name in hashes)
        return np.frombuffer(joined, np.float16).reshape(len(texts), self.dimensions).astype(np.float32)

    def known(self, texts: Sequence[str]) -> tuple[list[int], Vectors]:
        """Give the places of the texts (n of them) that need not be encoded, and their vectors (n × d)."""
        hashes = [text_hash(text) for text in texts]
        known = self._known(hashes)
        places = [place for place, name in enumerate(hashes) if name in known]
        joined = b"".join(known[hashes[place]] for place in places)
        return places, np.frombuffer(joined, np.float16).reshape(len(places), self.dimensions).astype(np.float32)

    def _fresh(self, texts: Mapping[str, str]) -> dict[str, bytes]:
        rows = self._encoder.encode(list(texts.values())).astype(np.float16)
        fresh = {name: row.tobytes() for name, row in zip(texts, rows, strict=True)}
        self._measure(fresh)
        return fresh

    def _known(self, hashes: Sequence[str]) -> dict[str, bytes]:
        known = {name: vector for name in hashes if (vector := self._remembered.get(name)) is not None}
        if rest := {name for name in hashes if name not in known}:
            known.update(self._cache.load(self.name, rest))
            self._measure(known)
        return known

    def _measure(self, vectors: Mapping[str, bytes]) -> None:
        """Hold the first vectors' number of dimensions, and refuse all that have another."""
        for vector in vectors.values():
            dimensions = len(vector) // _OCTETS
            if dimensions != (self._dimensions or dimensions):
                raise self._changed(
                    f"gives vectors of {dimensions} numbers, those that are kept have {self._dimensions}"
                )
            self._dimensions = dimensions

    def _prove(self) -> None:
        name = text_hash(_TOUCHSTONE)
        kept = self._cache.load(self.name, [name])
        self._measure(kept)
        fresh = self._fresh({name: _TOUCHSTONE})
        if kept and float(_unpacked(kept[name]) @ _unpacked(fresh[name])) < _SAME:
            raise self._changed("no longer gives the vectors that are kept of it")
        self._cache.save(self.name, fresh)
        self._unproved = False

    def _changed(self, how: str) -> EncoderError:
        return EncoderError(
            f"the encoder {self.name} {how}: there is another model behind the same name",
            hint="`newsletter embed --again` encodes everything anew; or give the new model a name of its own",
        )

    def _remember(self, known: Mapping[str, bytes]) -> None:
        most = _MOST_REMEMBERED // max(1, self._dimensions * _OCTETS)
        if len(self._remembered) + len(known) > most:
            self._remembered.clear()
        self._remembered.update(islice(known.items(), most))


def checked_file(package: str, path: str, sha256: str) -> Path:
    """Give the path of a data file inside an installed package, without importing it; raise EncoderError where it is
    missing or not, byte for byte, the file that this version was tested with.
    """
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    file = Path(folders[0], path) if folders else None
    if file is None or not file.is_file():
        raise EncoderError(
            f"the encoder's file {path} of the package {package} is not installed",
            hint="install newsletter with its dependencies again (`make setup`)",
        )
    with file.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if digest != sha256:
        raise EncoderError(
            f"{file} is not the file that this version was tested with (its SHA-256 is {digest})",
            hint=f"install the pinned version of {package} again",
        )
    return file


def _unpacked(vector: bytes) -> Vectors:
    return np.frombuffer(vector, np.float16).astype(np.float32)


@lru_cache(_TEXTS)  # a paper's text is asked for once by each of its readers
def text_hash(text: str) -> str:
    """Give the name by which a text's vector is kept."""
    return urlsafe_b64encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()).decode().rstrip("=")


def _batches(items: Iterable[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
