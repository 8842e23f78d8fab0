"""A Maildir as a source: the folder that a mail server, a filter rule or a mail program puts alerts into.

Each mail is a document of its own. Mails that hold no papers may lie there too: of mails only those are read that are
surely alerts or listings, unless the settings name another format.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.config import Fetching, SourceKind
from newsletter.errors import FetchError, NotADigestError, SourceError, in_words
from newsletter.model import Digest
from newsletter.sources import mime
from newsletter.sources.moments import moment
from newsletter.sources.sandbox import SANDBOX
from newsletter.sources.source import file_contents

_PARTS = ("new", "cur")  # what is in "tmp" is still being written
_KINDS = (SourceKind.SCHOLAR_MAIL, SourceKind.ARXIV_MAIL)
_MOST_MAILS = 2000
_HEAD = 64 * 1024

_log = logging.getLogger(__name__)


def is_one(path: Path) -> bool:
    """Tell whether `path` is a Maildir; Thunderbird's have no "new"."""
    return (path / "cur").is_dir()


def mails(path: Path) -> list[Path]:
    """Give the mails of a Maildir, the latest first. Raises FetchError where it cannot be read."""
    found: list[tuple[float, Path]] = []
    try:
        for part in _PARTS:
            folder = path / part
            there = folder.iterdir() if folder.is_dir() else ()
            found += [(time, mail) for mail in there if (time := _changed(mail)) is not None]
    except OSError as error:
        raise FetchError(
            f"the Maildir {path} cannot be read: {in_words(error)}", hint="check its permissions"
        ) from error
    return [mail for _, mail in sorted(found, reverse=True)]


def _changed(mail: Path) -> float | None:
    """Give when a mail was put there; None for what is none, or was moved away in this moment."""
    try:
        return mail.stat().st_mtime if mail.is_file() and not mail.name.startswith(".") else None
    except FileNotFoundError:
        return None


class MailFolderSource:
    """The mails of a Maildir, or those of its last `days`; the others are as old news as their papers."""

    local = True

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        kind: SourceKind = SourceKind.AUTO,
        limits: Fetching | None = None,
        days: int | None = None,
    ) -> None:
        self.name = name
        self._path = path
        self._kind = kind
        self._limits = limits or Fetching()
        self._since = None if days is None else timedelta(days=days)

    def pull(self, now: datetime) -> Digest:
        """Give the papers of all mails that hold some; none where there are no mails.

        Raises FetchError (the folder cannot be read) and NotADigestError (there are mails, and none holds papers).
        """
        read: list[Digest] = []
        wrong: list[SourceError] = []
        for mail in self._recent(now):
            try:
                read += self._read(mail, now)
            except SourceError as error:  # one mail never costs the others
                wrong.append(error)
        if wrong and not read:
            raise NotADigestError(
                f"{self._path}: none of its mails can be read ({wrong[0].message})",
                hint="have a filter put alerts and listings into a folder of their own, and name that",
            )
        if wrong:
            level = logging.INFO if all(isinstance(each, NotADigestError) for each in wrong) else logging.WARNING
            said = "%s: %d of %d mails were left out (%s)"
            _log.log(level, said, self._path, len(wrong), len(wrong) + len(read), wrong[-1].message)
        titles = {one.title for one in read}
        return Digest(
            title=titles.pop() if len(titles) == 1 else self.name,
            records=tuple(record for one in read for record in one.records),
            day=max((one.day for one in read if one.day), default=None),
        )

    def _recent(self, now: datetime) -> Iterator[Path]:
        """Give the mails that were put there lately, the latest first."""
        there = mails(self._path)
        if len(there) > _MOST_MAILS:
            _log.warning("%s holds %d mails; the latest %d are looked at", self._path, len(there), _MOST_MAILS)
        for mail in there[:_MOST_MAILS]:
            if self._since and (_changed(mail) or 0) < (now - self._since).timestamp():
                return
            yield mail

    def _read(self, mail: Path, now: datetime) -> list[Digest]:
        """Give what a mail holds; nothing of one that is old, or was moved away. Raises SourceError."""
        try:
            data = file_contents(mail, self._limits)
        except FetchError:
            if mail.exists():
                raise
            return []
        sent = moment(mime.headers(data[:_HEAD]).get("date", ""))
        if self._since and sent and sent < now - self._since:  # a copy of an old mail is old
            return []
        return [self._parsed(data, str(mail), now)]

    def _parsed(self, data: bytes, where: str, now: datetime) -> Digest:
        kinds = _KINDS if self._kind is SourceKind.AUTO else (self._kind,)
        seconds = self._limits.parse_timeout
        for kind in kinds:
            try:
                return SANDBOX.digest(data, kind=kind, where=where, today=now.date(), timeout=seconds)
            except NotADigestError:
                if len(kinds) == 1:
                    raise
        raise NotADigestError(f"{where} is neither Google Scholar's alert nor arXiv's listing")
