"""`keys`: who may use the API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from newsletter import bootstrap
from newsletter.cli.context import Json, settings
from newsletter.cli.output import print_json, say, warn
from newsletter.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Who may use the API (/api/v1).")
SCOPES = (
    "subscribers:read", "subscribers:write", "issues:read", "issues:write", "papers:read", "deliveries:read",
    "webhooks:read", "webhooks:write",
)  # fmt: skip


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, as in `dashboard`.")],
    scope: Annotated[
        list[str],
        typer.Option("--scope", metavar="SCOPE", help="What it may do, as in subscribers:read; may be given often."),
    ],
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    if unknown := [each for each in scope if each not in SCOPES]:
        raise UsageError(f"no such scope: {', '.join(unknown)}", hint=f"there are {', '.join(SCOPES)}")
    if not name.strip() or len(name) > 100:
        raise UsageError("a key needs a name of 1 to 100 characters")
    current = settings(context)
    with bootstrap.open_store(current) as store:
        secret = store.api_keys.add(name.strip(), scope, now=bootstrap.clock())
    warn("keep it now, it is not shown again; requests carry it as `Authorization: Bearer …`")
    say(secret)


@app.command("list")
def show(context: typer.Context, *, json: Json = False) -> None:
    """List the keys, without the secrets."""
    with bootstrap.open_store(settings(context), looking=True) as store:
        keys: list[dict[str, Any]] = [
            {"name": one.name, "scopes": list(one.scopes), "created_at": one.created_at.isoformat()}
            for one in store.api_keys.all()
        ]
    if json:
        print_json(keys)
        return
    for one in keys:
        say(f"{one['name']}  {', '.join(one['scopes'])}  since {one['created_at'][:10]}")


@app.command()
def remove(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")]
) -> None:
    """Take a key back; it works no more from this moment on."""
    with bootstrap.open_store(settings(context)) as store:
        store.api_keys.remove(name)
    say(f"{name} is taken back")
