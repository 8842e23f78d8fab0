"""`password`: the operator's password for /admin."""

from __future__ import annotations

import sys

import typer

from newsletter.cli.output import say, warn
from newsletter.errors import UsageError

_SHORTEST = 10


def password() -> None:
    """Ask for a password for the pages below /admin (or read it from a pipe), and print its hash for the settings."""
    from argon2 import PasswordHasher  # noqa: PLC0415  lazy: only this and the pages need it

    if sys.stdin.isatty():
        typed = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    if len(typed) < _SHORTEST:
        raise UsageError(f"a password of {len(typed)} characters is soon guessed", hint=f"take {_SHORTEST} or more")
    warn("set admin.password_hash to this; in a shell or a TOML file put it between single quotes")
    say(PasswordHasher().hash(typed))
