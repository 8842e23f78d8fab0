"""All commands under one name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newsletter import __version__
from newsletter.cli import (
    backup,
    bounces,
    check,
    demo,
    embed,
    evaluate,
    ingest,
    issues,
    keys,
    password,
    preview,
    run,
    send,
    serve,
    setup,
    stats,
    subscribers,
    sync,
    topics,
    worker,
)

app = typer.Typer(
    name="newsletter",
    help="Personalised daily research papers by email. `newsletter demo` shows all of it in a minute.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"newsletter {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="The settings file; else NEWSLETTER_CONFIG, else ./newsletter.toml."
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remember which settings file was named; it is read when a command needs it."""
    context.obj = config


app.command()(demo.demo)
app.command()(setup.init)
app.command()(setup.migrate)
app.command()(ingest.ingest)
app.command()(topics.topics)
subscribers.app.command()(sync.sync)
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(issues.app, name="issue")
app.command()(preview.preview)
app.command()(send.send)
app.command()(bounces.bounces)
app.command()(run.run)
app.command()(stats.stats)
app.command()(serve.serve)
app.command()(worker.worker)
app.add_typer(keys.app, name="keys")
app.command()(password.password)
app.command()(embed.embed)
app.command()(evaluate.evaluate)
app.command()(check.check)
app.command()(backup.backup)
app.command()(backup.restore)
