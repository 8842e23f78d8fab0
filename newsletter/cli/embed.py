"""`embed`: the vectors of everything that will be compared, ahead of the next issue."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap, catalogue
from newsletter.cli.context import Json, settings
from newsletter.cli.output import print_json, print_table, progress, say

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.ranking.embedding import Embedded
    from newsletter.ranking.encoder import Encoder
    from newsletter.store import Store


def embed(
    context: typer.Context,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="First drop this encoder's own vectors, as when its model was replaced.")
    ] = False,
    drop_others: Annotated[
        bool, typer.Option("--drop-others", help="When all is there, drop the vectors of other encoders.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Encode all papers, topics and profiles with the encoder that is set, as after a change of `ranking.encoder`.

    What has been encoded is kept, so an interrupted run goes on where it stopped. Issues need no run of it: `send`
    encodes what is missing.
    """
    started = time.perf_counter()
    current = settings(context)
    encoder = bootstrap.encoder(current)
    with bootstrap.open_store(current) as store:
        replaced = store.vectors.drop(encoder.name) if again else 0
        parts = _embed(current, store, encoder)
        dropped = store.vectors.drop_others(encoder.name) if drop_others else {}
        others = {name: count for name, count in store.vectors.counts().items() if name != encoder.name}
    if as_json:
        document: dict[str, Any] = {"encoder": encoder.name, "replaced": replaced}
        document |= {name: {"total": part.total, "there": part.there, "encoded": part.encoded} for name, part in parts}
        print_json(
            {**document, "others": others, "dropped": dropped, "seconds": round(time.perf_counter() - started, 3)}
        )
        return
    print_table(
        ("of", "number", "there already", "encoded now"),
        [(name, part.total, part.there, part.encoded) for name, part in parts],
    )
    say(f"All vectors of {encoder.name} are there.")
    for name, count in dropped.items():
        say(f"Dropped {count} vectors of {name}.")
    for name, count in others.items():
        say(f"There are {count} vectors of {name} too; `newsletter embed --drop-others` drops them.")


def _embed(current: Settings, store: Store, encoder: Encoder) -> list[tuple[str, Embedded]]:
    from newsletter.ranking import embedding  # noqa: PLC0415  lazy: numpy

    topics = catalogue.load(current.topics)
    total = store.papers.count_every() + len(topics) + store.subscribers.count_active()
    with progress(f"Encoding by {encoder.name}", total) as advance:
        telling = bootstrap.cached(encoder, current, store.vectors, advance)
        silent = bootstrap.cached(encoder, current, store.vectors)  # a profile is told when all of it is there
        profiles = store.subscribers.profiles()
        return [
            ("topics", embedding.embed_topics(topics, telling)),
            ("profiles", embedding.embed_profiles(profiles, topics, silent, store.vectors, advance)),
            ("papers", embedding.embed_papers(store.papers.every(), telling)),
        ]
