from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

import pytest

from newsletter import assets, catalogue
from newsletter.model import Topic
from newsletter.ranking.encoder import CachedEncoder
from newsletter.ranking.minilm import MiniLM
from newsletter.ranking.ranker import Ranker
from newsletter.ranking.wordllama import WordLlama
from newsletter.store import Store


@pytest.fixture(scope="session")
def topics() -> Mapping[str, Topic]:
    """The catalogue that ships."""
    return catalogue.load(assets.CONFIG / "topics.toml")


@pytest.fixture(scope="session")
def minilm() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="session")
def wordllama() -> WordLlama:
    return WordLlama()


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of vectors that pytest-xdist's workers share, so that no text is encoded twice in a test run."""
    folder = tmp_path_factory.getbasetemp()
    shared = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "vectors.db"
    Store(f"sqlite:///{folder / 'empty.db'}").close()
    with suppress(FileExistsError):  # made by one worker only, and whole from the first moment
        os.link(folder / "empty.db", shared)
    with Store(f"sqlite:///{shared}") as store:
        yield store


@pytest.fixture(scope="session")
def cached_minilm(minilm: MiniLM, vectors: Store) -> CachedEncoder:
    return CachedEncoder(minilm, vectors.vectors)


@pytest.fixture(scope="session")
def ranker(cached_minilm: CachedEncoder, topics: Mapping[str, Topic]) -> Ranker:
    """The ranker that `send` uses."""
    return Ranker(cached_minilm, topics)


@pytest.fixture(scope="session")
def quick_ranker(wordllama: WordLlama, topics: Mapping[str, Topic]) -> Ranker:
    """The same with the fast encoder, for what does not depend on how good the vectors are."""
    return Ranker(wordllama, topics)
