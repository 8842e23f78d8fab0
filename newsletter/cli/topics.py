"""`topics`: what there is to choose from."""

from __future__ import annotations

import dataclasses

import typer

from newsletter import catalogue
from newsletter.cli.context import Json, settings
from newsletter.cli.output import print_json, print_table


def topics(context: typer.Context, *, as_json: Json = False) -> None:
    """List the topics that subscribers can choose from."""
    known = catalogue.load(settings(context).topics)
    if as_json:
        print_json([dataclasses.asdict(topic) for topic in known.values()])
    else:
        print_table(("slug", "title", "field"), [(one.slug, one.title, one.field) for one in known.values()])
