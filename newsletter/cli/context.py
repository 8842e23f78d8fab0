"""What all commands share: the settings file that was named, and the options that are the same everywhere."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

import typer

from newsletter import bootstrap
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from newsletter.config import Settings

# The values of config.SourceKind (a test holds it), whose module takes too long to import for a `--help`.
Format: TypeAlias = Literal[
    "auto", "digest", "huggingface", "feed", "json-feed", "arxiv-oai", "arxiv-mail", "scholar-mail", "bibtex", "ris",
    "endnote", "endnote-xml", "pubmed-xml", "csl-json", "jsonl", "csv", "semantic-scholar", "crossref", "openreview",
    "openalex", "inspire", "dblp", "zotero", "markdown",
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Day = Annotated[str | None, typer.Option("--issue", metavar="DATE", help="The day of the issue; today by default.")]


def settings(context: typer.Context, *, steady: bool = False) -> Settings:
    """Give the settings of the file that `--config` named, read at the first need; logging is set up by them.

    `steady`: the command stays, so that it tells what happens (`newsletter.logs`).
    """
    from newsletter import config, logs  # noqa: PLC0415  lazy: `--help` needs no pydantic

    named: Path | None = context.find_root().obj
    current = config.load(named)
    asked = current.logging
    logs.set_up(asked.format, asked.level, addresses=asked.addresses, steady=steady)
    return current


def day(text: str | None, current: Settings) -> date:
    """Read a day (YYYY-MM-DD, `today`); today in the site's time zone by default."""
    if text is None or text == "today":
        return bootstrap.clock().astimezone(ZoneInfo(current.site.timezone)).date()
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"{text!r} is no day", hint="write it as in 2026-08-20")
