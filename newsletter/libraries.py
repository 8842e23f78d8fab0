"""Readers' own bibliographies: the papers that somebody has collected say best what they want to read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path

from newsletter import identity
from newsletter.model import Paper, PaperRecord
from newsletter.sources.source import Source
from newsletter.store import Store


def read(sources: Iterable[Source], *, now: datetime) -> list[PaperRecord]:
    """Give the papers of bibliographies. Raises SourceError: they are all read, or nothing is given."""
    return [record for source in sources for record in source.pull(now).records]


class Shelves:
    """Reads readers' libraries, each address once: a group's is that of many, and an editor looks again and again.

    `open_` gives what is known of a place (a Path, or an address) and the sources of the rest.
    """

    def __init__(self, open_: Callable[[Path | str], tuple[list[str], list[Source]]]) -> None:
        self._open = open_
        self._read: dict[str, tuple[list[str], list[PaperRecord]]] = {}

    def read(self, places: Iterable[Path | str], *, now: datetime) -> tuple[list[str], list[PaperRecord]]:
        """Give the names of papers that are known already, and the others. Raises SourceError."""
        names: list[str] = []
        records: list[PaperRecord] = []
        for place in places:
            known, found = self._of(place, now)
            names += known
            records += found
        return names, records

    def _of(self, place: Path | str, now: datetime) -> tuple[list[str], list[PaperRecord]]:
        if isinstance(place, str) and place in self._read:
            return self._read[place]
        known, sources = self._open(place)
        found = known, read(sources, now=now)
        if isinstance(place, str):
            self._read[place] = found
        return found


def keep(store: Store, known: Iterable[str], sources: Iterable[Source], *, now: datetime) -> list[str]:
    """Keep the papers of bibliographies, and give their names after those that are `known`. Raises SourceError.

    All of them are read before anything is kept.
    """
    records = read(sources, now=now)
    return [*known, *store.papers.keep(records, now=now)]


def unkept(store: Store, records: Sequence[PaperRecord], *, now: datetime) -> dict[str, Paper]:
    """Give a bibliography's papers by name and keep none, for a preview; what is known is as it is known.

    The others have keys below 0, which no stored paper has.
    """
    keys = store.papers.keys(name for record in records for name in identity.names(record))
    known = store.papers.by_key(keys.values())
    found: dict[str, Paper] = {}
    for number, record in enumerate(records, 1):
        names = identity.names(record)
        stored = next((known[keys[name]] for name in names if name in keys), None)
        if names:
            found[names[0]] = stored or _paper(record, names[0], -number, now)
    return found


def _paper(record: PaperRecord, name: str, key: int, now: datetime) -> Paper:
    values = {each.name: getattr(record, each.name) for each in fields(PaperRecord) if each.name != "announce"}
    return Paper(key=key, id=name, first_seen_at=now, announced=False, **values)
