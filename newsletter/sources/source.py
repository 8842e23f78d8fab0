"""The port `Source`, and its two adapters: a file and an address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from newsletter.config import Fetching, SourceKind
from newsletter.errors import FetchError, SourceError, in_words
from newsletter.model import Digest
from newsletter.sources.opml import Feed
from newsletter.sources.politeness import NO_VALIDATORS, HostPacer, Validators
from newsletter.sources.sandbox import SANDBOX


@dataclass(frozen=True, slots=True)
class Visit:
    """What a source gave, the validators to ask with next time, and the clock of its server where that is known.

    Keep the validators only after the papers are kept, or they are lost: the next answer will be "unchanged".
    """

    digest: Digest
    validators: Validators = NO_VALIDATORS
    server_time: datetime | None = None


class Source(Protocol):
    """Where papers come from."""

    @property
    def name(self) -> str:
        """What the operator calls it."""
        ...

    @property
    def local(self) -> bool:
        """Whether it is on this machine: then trying it again costs nobody anything."""
        ...

    def pull(self, now: datetime) -> Digest:
        """Give what the source holds. Raises SourceError and its subclasses, nothing else.

        `now` (aware) settles the year of a digest that names only month and day.
        """
        ...


class FileSource:
    """A file on this machine."""

    local = True

    def __init__(
        self, name: str, path: Path, *, kind: SourceKind = SourceKind.AUTO, limits: Fetching | None = None
    ) -> None:
        self.name = name
        self._path = path
        self._kind = kind
        self._limits = limits or Fetching()

    def pull(self, now: datetime) -> Digest:
        """Read and parse the file. Raises FetchError (missing, unreadable, too large) and NotADigestError."""
        data = file_contents(self._path, self._limits)
        return SANDBOX.digest(
            data, kind=self._kind, where=str(self._path), today=now.date(), timeout=self._limits.parse_timeout
        )


class BytesSource:
    """Bytes that were read already, from `where`: a file or an address."""

    local = True

    def __init__(self, name: str, data: bytes, *, where: str, kind: SourceKind, limits: Fetching) -> None:
        self.name = name
        self._data = data
        self._where = where
        self._kind = kind
        self._limits = limits

    def pull(self, now: datetime) -> Digest:
        """Parse the bytes. Raises NotADigestError."""
        return SANDBOX.digest(
            self._data, kind=self._kind, where=self._where, today=now.date(), timeout=self._limits.parse_timeout
        )


class UrlSource:
    """An http or https address, in which `{date}` stands for the day of the visit.

    `known` are the validators of the last visit whose papers were kept; `pacer` is shared by all sources of a run.
    """

    local = False

    def __init__(
        self,
        name: str,
        url: str,
        *,
        kind: SourceKind = SourceKind.AUTO,
        limits: Fetching | None = None,
        known: Validators | None = None,
        pacer: HostPacer | None = None,
    ) -> None:
        self.name = name
        self._url = url
        self._kind = kind
        self._limits = limits or Fetching()
        self._known = known
        self._pacer = pacer

    def pull(self, now: datetime) -> Digest:
        """Fetch and parse what is there. Raises FetchError (network, status, size, time) and NotADigestError."""
        return self.visit(now).digest

    def visit(self, now: datetime) -> Visit:
        """Do what `pull` does, and give the validators as well. Raises what `pull` raises."""
        from newsletter.sources.fetch import fetch  # noqa: PLC0415  httpx is slow to import

        address = self._url.replace("{date}", now.date().isoformat())
        fetched = fetch(address, limits=self._limits, known=self._known, pacer=self._pacer, now=now)
        if fetched.not_modified:
            return Visit(Digest("", (), unchanged=True), fetched.validators, fetched.server_time)
        digest = SANDBOX.digest(
            fetched.data, kind=self._kind, where=address, today=now.date(), timeout=self._limits.parse_timeout
        )
        return Visit(digest, fetched.validators, fetched.server_time)


class Tagged:
    """Another source, with tags of the operator's beside the categories of its papers."""

    def __init__(self, source: Source, tags: tuple[str, ...]) -> None:
        self.name = source.name
        self.local = source.local
        self._source = source
        self._tags = tags

    def pull(self, now: datetime) -> Digest:
        """Pull the other source. Raises what its `pull` raises."""
        return self.visit(now).digest

    def visit(self, now: datetime) -> Visit:
        """Visit the other source. Raises what its `pull` raises."""
        seen = visit(self._source, now)
        tagged = tuple(
            replace(one, categories=tuple(dict.fromkeys((*one.categories, *self._tags)))) for one in seen.digest.records
        )
        return replace(seen, digest=replace(seen.digest, records=tagged))


class Unreadable:
    """A list of sources that could not be read itself: pulling it says why."""

    local = False

    def __init__(self, name: str, error: SourceError) -> None:
        self.name = name
        self.error = error

    def pull(self, now: datetime) -> Digest:
        """Raise what went wrong."""
        raise self.error


def visit(source: Source, now: datetime) -> Visit:
    """Pull any source; one that knows no validators gives none. Raises what its `pull` raises.

    What was published at no time, or after `now`, was published when we first saw it.
    """
    seen = source.visit(now) if isinstance(source, UrlSource | Tagged) else Visit(source.pull(now))
    return replace(seen, digest=_dated(seen.digest, now))


def _dated(digest: Digest, now: datetime) -> Digest:
    records = tuple(
        one if one.published_at and one.published_at <= now else replace(one, published_at=now)
        for one in digest.records
    )
    tomorrow = now.date() + timedelta(days=1)  # where it is tomorrow already
    return replace(digest, records=records, day=digest.day if digest.day and digest.day <= tomorrow else None)


def listed_feeds(place: Path | str, limits: Fetching, pacer: HostPacer | None = None) -> tuple[Feed, ...]:
    """Give the feeds that an OPML file (a Path) or address lists. Raises FetchError and NotADigestError."""
    return SANDBOX.feeds(contents(place, limits, pacer), where=str(place), timeout=limits.parse_timeout)


def contents(place: Path | str, limits: Fetching, pacer: HostPacer | None = None) -> bytes:
    """Give the bytes of a file (a Path) or of what is at an address. Raises FetchError."""
    if isinstance(place, Path):
        return file_contents(place, limits)
    from newsletter.sources.fetch import fetch  # noqa: PLC0415  httpx is slow to import

    return fetch(place, limits=limits, pacer=pacer).data


def file_contents(path: Path, limits: Fetching) -> bytes:
    """Give the bytes of a file. Raises FetchError: it is missing, unreadable, empty or too large."""
    most = limits.max_bytes
    try:
        if path.is_dir():
            raise FetchError(f"{path} is a folder, not a file", hint=f"name a file in it, or all: {path / '*'}")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError as error:
        raise FetchError(f"there is no file {path}", hint="check the path") from error
    except PermissionError as error:
        raise FetchError(f"{path} may not be read by this user", hint="check the file's permissions") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise FetchError(f"cannot read {path}: {in_words(error)}") from error
    if len(data) > most:
        raise FetchError(f"{path} is larger than {most:,} bytes", hint="raise fetching.max_bytes if that is right")
    if not data.strip():
        raise FetchError(f"{path} is empty", hint="copy the page's text into it, or name another file")
    return data
