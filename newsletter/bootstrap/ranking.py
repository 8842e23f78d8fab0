"""The ranker, and the encoder that is set."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from newsletter import catalogue
from newsletter.errors import EncoderError

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.foretaste import Rankers
    from newsletter.ranking.encoder import CachedEncoder, Encoder, VectorCache
    from newsletter.ranking.minilm import MiniLM
    from newsletter.ranking.ranker import Ranker

_LOADED: WeakValueDictionary[str, MiniLM] = WeakValueDictionary()
_LOADING = threading.Lock()


def ranker(settings: Settings, vectors: VectorCache, progress: Callable[[int], None] | None = None) -> Ranker:
    """Give the ranker with the encoder that is set and the installation's topics."""
    from newsletter.ranking.ranker import Ranker  # noqa: PLC0415

    return Ranker(
        cached(deferred(settings), settings, vectors, progress),
        catalogue.load(settings.topics),
        exploring=settings.ranking.exploration,
    )


def deferred(settings: Settings) -> Encoder:
    """Give the encoder that is set, not loaded yet where that takes long."""
    if settings.ranking.encoder != "minilm":
        return encoder(settings)
    from newsletter.ranking.encoder import Deferred  # noqa: PLC0415
    from newsletter.ranking.minilm import MiniLM, name_of  # noqa: PLC0415

    return Deferred(name_of(), MiniLM.dimensions, _minilm)


def _minilm() -> MiniLM:
    """Give the model of this process: pages and schedule share it for as long as one of them wants it."""
    from newsletter.ranking.minilm import MiniLM, name_of  # noqa: PLC0415

    with _LOADING:
        model = _LOADED.get(name_of())
        if model is None:
            model = _LOADED[name_of()] = MiniLM()
        return model


def rankers(settings: Settings, vectors: VectorCache) -> Rankers:
    """Give what previews are made with: one model, and two rankers of which only one keeps vectors."""
    from newsletter.foretaste import Rankers  # noqa: PLC0415
    from newsletter.ranking.encoder import ReadOnly  # noqa: PLC0415
    from newsletter.ranking.ranker import Ranker  # noqa: PLC0415

    model, topics = deferred(settings), catalogue.load(settings.topics)
    looking = cached(model, settings, ReadOnly(vectors))
    exploring = settings.ranking.exploration
    return Rankers(
        keeping=Ranker(cached(model, settings, vectors), topics, exploring=exploring),
        picking=Ranker(looking, topics, exploring=exploring),
        encoder=looking,
        topics=topics,
    )


def cached(
    encoder: Encoder, settings: Settings, vectors: VectorCache, progress: Callable[[int], None] | None = None
) -> CachedEncoder:
    """Give the encoder that is set with its cache. `progress` is told how many texts have their vectors."""
    from newsletter.ranking.encoder import CachedEncoder  # noqa: PLC0415

    if settings.ranking.encoder == "endpoint":  # each request's vectors are kept at once
        return CachedEncoder(encoder, vectors, progress, batch=settings.embedding.batch, touchstone=True)
    return CachedEncoder(encoder, vectors, progress)


def encoder(settings: Settings) -> Encoder:
    """Give the encoder that is set."""
    if settings.ranking.encoder == "endpoint":
        from newsletter.ranking.endpoint import Endpoint  # noqa: PLC0415

        return Endpoint(settings.embedding)
    if settings.ranking.encoder == "wordllama":
        from newsletter.ranking.wordllama import WordLlama  # noqa: PLC0415

        try:
            return WordLlama()
        except ImportError as error:
            raise EncoderError(
                'the packages of ranking.encoder = "wordllama" are not installed',
                hint="pip install 'newsletter[wordllama]', or choose \"minilm\"",
            ) from error
    return _minilm()
