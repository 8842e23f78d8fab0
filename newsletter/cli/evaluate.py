"""`evaluate`: how good is the ranking, on libraries of real readers?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from newsletter import bootstrap
from newsletter.cli.context import Json, settings
from newsletter.cli.output import print_json, print_table, progress


class Use(StrEnum):
    """What of a profile is used."""

    LIKED = "liked"
    KEYWORDS = "keywords"
    BOTH = "both"


def evaluate(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds papers.jsonl, profiles.jsonl, candidates.txt.")],
    *,
    use: Annotated[Use, typer.Option(help="What of the profiles is used.")] = Use.LIKED,
    shots: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Use the first N liked papers; skip users with fewer.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the ranker that `send` uses: recall@100, nDCG@10, MAP, P@10."""
    from newsletter.ranking import evaluate as evaluation  # noqa: PLC0415  lazy: half a second

    current = settings(context)
    trial = evaluation.read(folder)
    with bootstrap.open_store(current) as store, progress("Encoding", len(trial.papers)) as encoded:
        ranker = bootstrap.ranker(current, store.vectors, encoded)
        found = evaluation.evaluate(trial, ranker, use=use.value, shots=shots)
    measures = {
        "users": found.users,
        "recall@100": found.recall_at_100,
        "ndcg@10": found.ndcg_at_10,
        "map": found.mean_average_precision,
        "p@10": found.precision_at_10,
        "seconds": found.seconds,
    }
    if as_json:
        print_json(measures)
    else:
        print_table(("measure", "value"), [(name, f"{value:.4g}") for name, value in measures.items()])
