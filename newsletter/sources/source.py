"""The port `Source`, and its two adapters: a file and an address."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol

from newsletter.config import Fetching, SourceKind
from newsletter.errors import FetchError
from newsletter.model import Digest
from newsletter.sources.formats import parse


class Source(Protocol):
    """Where papers come from."""

    @property
    def name(self) -> str:
        """What the operator calls it."""
        ...

    def pull(self, now: datetime) -> Digest:
        """Give what the source holds. Raises SourceError and its subclasses, nothing else.

        `now` (aware) settles the year of a digest that names only month and day.
        """
        ...


class FileSource:
    """A file on this machine."""

    def __init__(
        self, name: str, path: Path, *, kind: SourceKind = SourceKind.AUTO, limits: Fetching | None = None
    ) -> None:
        self.name = name
        self._path = path
        self._kind = kind
        self._limits = limits or Fetching()

    def pull(self, now: datetime) -> Digest:
        """Read and parse the file. Raises FetchError (missing, unreadable, too large) and NotADigestError."""
        data = _contents(self._path, self._limits.max_bytes)
        return parse(
            data, kind=self._kind, where=str(self._path), today=now.date(), parse_timeout=self._limits.parse_timeout
        )


class UrlSource:
    """An http or https address."""

    def __init__(
        self, name: str, url: str, *, kind: SourceKind = SourceKind.AUTO, limits: Fetching | None = None
    ) -> None:
        self.name = name
        self._url = url
        self._kind = kind
        self._limits = limits or Fetching()

    def pull(self, now: datetime) -> Digest:
        """Fetch and parse what is there. Raises FetchError (network, status, size, time) and NotADigestError."""
        from newsletter.sources.fetch import fetch  # noqa: PLC0415  httpx is slow to import

        fetched = fetch(self._url, limits=self._limits)
        return parse(
            fetched.data, kind=self._kind, where=self._url, today=now.date(), parse_timeout=self._limits.parse_timeout
        )


def _contents(path: Path, most: int) -> bytes:
    try:
        if path.is_dir():
            raise FetchError(f"{path} is a folder, not a file", hint="name a file in it")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError as error:
        raise FetchError(f"there is no file {path}", hint="check the path") from error
    except PermissionError as error:
        raise FetchError(f"{path} may not be read by this user", hint="check the file's permissions") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise FetchError(f"cannot read {path}: {error}") from error
    if len(data) > most:
        raise FetchError(f"{path} is larger than {most:,} bytes", hint="raise fetching.max_bytes if that is right")
    if not data.strip():
        raise FetchError(f"{path} is empty", hint="copy the page's text into it, or name another file")
    return data
