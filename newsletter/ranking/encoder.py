"""The port `Encoder`: texts to unit vectors. And the cache in front of it.

Adapters: `minilm` (all-MiniLM-L6-v2, the default) and `wordllama` (a static table). A recipe for adding another: give
it a `name` that changes whenever its vectors would (model, weights, token limit), check its files by SHA-256, hold its
vectors against known ones in a test, and name it in `bootstrap.encoder`.
"""

from __future__ import annotations

import hashlib
import importlib.util
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from newsletter.errors import EncoderError

Vectors: TypeAlias = NDArray[np.float32]
Progress: TypeAlias = Callable[[int], None]

_BATCH = 256
_MOST_REMEMBERED = 20_000  # 20 MB: what one issue's subscribers have in common


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


class CachedEncoder:
    """An encoder that encodes a text once ever. Vectors are kept as float16, whose error (1e-3) is below the int8
    weights' own; also fresh vectors go through float16, so that a first and a second run rank alike.

    The latest are remembered here too, because one issue's subscribers ask for the same texts again and again.
    """

    def __init__(self, encoder: Encoder, cache: VectorCache, progress: Progress | None = None) -> None:
        self._encoder = encoder
        self._cache = cache
        self._progress = progress or (lambda _count: None)
        self._remembered: dict[str, bytes] = {}
        self.name = encoder.name
        self.dimensions = encoder.dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of texts, from the cache where they are known."""
        hashes = [_text_hash(text) for text in texts]
        known = self._known(hashes)
        missing = {name: text for name, text in zip(hashes, texts, strict=True) if name not in known}
        self._progress(len(texts) - len(missing))
        # Texts of like length go together: a batch costs what its longest text costs.
        for some in _batches(sorted(missing.items(), key=lambda item: len(item[1])), _BATCH):
            rows = self._encoder.encode([text for _, text in some]).astype(np.float16)
            fresh = {name: row.tobytes() for (name, _), row in zip(some, rows, strict=True)}
            self._cache.save(self.name, fresh)  # batch by batch: an interrupted run loses one batch
            known.update(fresh)
            self._progress(len(some))
        self._remember(known)
        joined = b"".join(known[name] for name in hashes)
        return np.frombuffer(joined, np.float16).reshape(len(texts), self.dimensions).astype(np.float32)

    def _known(self, hashes: Sequence[str]) -> dict[str, bytes]:
        known = {name: vector for name in hashes if (vector := self._remembered.get(name)) is not None}
        if rest := {name for name in hashes if name not in known}:
            known.update(self._cache.load(self.name, rest))
        return known

    def _remember(self, known: Mapping[str, bytes]) -> None:
        if len(self._remembered) + len(known) > _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered.update(islice(known.items(), _MOST_REMEMBERED))


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


def _text_hash(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()).decode().rstrip("=")


def _batches(items: Iterable[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
