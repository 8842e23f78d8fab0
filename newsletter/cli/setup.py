"""`init` and `migrate`: from nothing to a settings file and a database, and from one version to the next."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from newsletter import assets, bootstrap
from newsletter.cli.context import settings
from newsletter.cli.output import say
from newsletter.errors import ConfigError


def init(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--file", metavar="PATH", help="Where to write the settings.")] = Path(
        "newsletter.toml"
    ),
) -> None:
    """Write a commented settings file with a secret of its own, and create the database."""
    from newsletter import config  # noqa: PLC0415

    file = context.find_root().obj or file
    text = (assets.CONFIG / "newsletter.toml").read_text(encoding="utf-8")
    text = text.replace('# secret = ""', f'secret = "{secrets.token_urlsafe(48)}"', 1)
    try:
        with file.open("x", encoding="utf-8") as handle:
            file.chmod(0o600)  # it holds the secret
            handle.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{file} is there already", hint="move it away, or edit it") from error
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error}") from error
    made = config.load(file)
    bootstrap.open_store(made).close()
    say(f"Wrote {file}, and made the database that it names.")
    say("Next: set site.name, site.url, site.sender and site.postal_address in it, then")
    say("  newsletter ingest --file PATH           papers from a digest file")
    say("  newsletter subscribers add YOU@EXAMPLE --topic large-language-models --confirmed")
    say("  newsletter preview --subscriber YOU@EXAMPLE")


def migrate(context: typer.Context) -> None:
    """Bring the database up to date with this version of the program."""
    from newsletter.store import Store  # noqa: PLC0415

    current = settings(context)
    Store.migrate(current.database.url)
    say("The database is up to date.")
