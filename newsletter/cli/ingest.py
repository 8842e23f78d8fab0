"""`ingest`: papers from sources and files into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter import bootstrap, identity
from newsletter.abstracts import usable
from newsletter.cli import FAILED, outcome
from newsletter.cli.context import Format, Json, settings
from newsletter.cli.output import print_json, progress, say, warn
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.model import PaperRecord
    from newsletter.pipeline import Newsletter, Pulled
    from newsletter.summaries import Summarised


def ingest(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Sources; all that are set by default.")
    ] = None,
    *,
    file: Annotated[
        list[Path] | None, typer.Option("--file", metavar="PATH", help="Read this file instead. May be repeated.")
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="What the files hold; auto looks.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the papers, keep nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Pull papers from the configured sources, or from files."""
    from newsletter.config import SourceKind  # noqa: PLC0415  lazy: `--help` needs none of it

    current = settings(context)
    if file and names:
        raise UsageError("both sources and files are named", hint="give either NAME… or --file PATH")
    pulled: list[Pulled] = []
    with bootstrap.open_store(current, looking=dry_run) as store:
        if file:
            chosen = bootstrap.files(current, file, SourceKind(kind))
        else:
            chosen = bootstrap.sources(current, store, names or ())
        newsletter = bootstrap.newsletter(current, store)
        remember = not (file or dry_run)
        with progress("Reading", len(chosen)) as advance:
            for one in newsletter.ingest(
                chosen, now=bootstrap.clock(), keep=not dry_run, remember=remember, insist=bool(names)
            ):
                pulled.append(one)
                advance(1)
        summarised = None if dry_run else _summarise(newsletter)
        _tell_operator(current, newsletter, pulled)
    if as_json:
        print_json(_document(pulled, summarised, dry_run=dry_run))
    else:
        _tell(pulled, dry_run=dry_run, named=not file)
    if any(one.error for one in pulled):
        raise typer.Exit(FAILED)


def _summarise(newsletter: Newsletter) -> Summarised | None:
    """Have summaries written, if that is wanted. What is missing is told, and fails nothing."""
    from newsletter.summaries import summarise  # noqa: PLC0415

    with progress("Summarising", None) as advance:
        summarised = summarise(newsletter.store, newsletter.letterhead.writer, now=bootstrap.clock(), progress=advance)
    for problem in summarised.problems if summarised else ():
        warn(f"summaries: {problem}")
    return summarised


def _tell_operator(current: Settings, newsletter: Newsletter, pulled: list[Pulled]) -> None:
    """Mail the operator about sources that have now failed often enough, once for each row of failures."""
    failing = [one for one in pulled if one.failures == current.fetching.tell_after]
    if failing and current.site.operator:
        from newsletter.notices import failing_sources  # noqa: PLC0415  lazy: seldom needed

        outcome.tell_operator(current, newsletter, failing_sources(failing, newsletter.letterhead))


def _document(pulled: list[Pulled], summarised: Summarised | None, *, dry_run: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "sources": [
            {
                "source": one.source,
                "status": "resting" if one.resting else "failed" if one.error else "ok",
                "error": one.error or None,
                "title": one.digest.title if one.digest else None,
                "day": one.digest.day.isoformat() if one.digest and one.digest.day else None,
                "papers": len(one.digest.records) if one.digest else 0,
                "new": one.new,
                "without_abstract": _without_abstract(one),
                "replaced": one.replaced,
            }
            for one in pulled
        ]
    }
    if summarised:
        document["summaries"] = {"made": summarised.made, "problems": list(summarised.problems)}
    if dry_run:
        document["papers"] = [_paper(record) for one in pulled if one.digest for record in one.digest.records]
    return document


def _without_abstract(one: Pulled) -> int:
    return sum(not usable(record) for record in one.digest.records) if one.digest else 0


def _paper(record: PaperRecord) -> dict[str, Any]:
    names = identity.names(record)
    return {
        "id": names[0] if names else "",
        "title": record.title,
        "abstract": record.abstract,
        "authors": list(record.authors),
        "categories": list(record.categories),
        "url": record.url,
        "published_at": record.published_at.isoformat() if record.published_at else None,
        "upvotes": record.upvotes,
    }


def _tell(pulled: list[Pulled], *, dry_run: bool, named: bool) -> None:
    for one in pulled:
        if one.digest is None:
            warn(f"{one.source}: {one.error}" if named else one.error)  # a file's error names the file
            continue
        if one.digest.unchanged:
            say(f"{one.source}: nothing new since the last time")
            continue
        day = f" of {one.digest.day:%d %B %Y}" if one.digest.day else ""
        kept = "nothing kept (--dry-run)" if dry_run else f"{one.new} new"
        if bare := _without_abstract(one):
            kept += f"; {bare} without an abstract, to be ranked by title"
        kept += f"; {one.replaced} more only have a new version" if one.replaced else ""
        say(f"{one.source}: {len(one.digest.records)} papers{day}, {kept}")
        for record in one.digest.records if dry_run else ():
            say(f"  {record.title}")
