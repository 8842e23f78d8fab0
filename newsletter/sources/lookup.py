"""Papers of which only the ids are known: lists of arXiv ids and DOIs, and the services that say the rest.

arXiv's API takes a list of ids (https://info.arxiv.org/help/api/user-manual.html#311), Crossref's a filter of DOIs
(https://api.crossref.org/swagger-ui/index.html).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlencode

from newsletter import identity
from newsletter.config import Fetching, Lookup, SourceKind
from newsletter.errors import FetchError
from newsletter.model import Digest, PaperRecord
from newsletter.sources.paging import LONGEST_VISIT, PageReader
from newsletter.sources.politeness import HostPacer
from newsletter.sources.sandbox import SANDBOX
from newsletter.sources.text import decode

_PAGE = 50  # ids in one request: an address of some 2,000 characters, which every server takes
_LONGEST_LINE = 300
_LISTED = 1_000_000  # bytes; what is larger is no list that somebody wrote

_log = logging.getLogger(__name__)


def listed(data: bytes) -> tuple[str, ...]:
    """Give the papers that a text lists by arXiv id, DOI or a link with either, one a line; () for any other text.

    They come as `arxiv:…` and `doi:…`, each once. Empty lines and lines that begin with # are passed over.
    """
    if len(data) > _LISTED:
        return ()
    lines = (line.strip() for line in decode(data).splitlines())
    names = [_name(line) for line in lines if line and not line.startswith("#")]
    return tuple(dict.fromkeys(names)) if names and all(names) else ()


def _name(line: str) -> str:
    words = line.rstrip(",;").split()
    if len(line) > _LONGEST_LINE or len(words) > 2 or (len(words) == 2 and not words[0].endswith(":")):
        return ""
    if number := identity.arxiv_id(line.rstrip(",;")):
        return f"arxiv:{number}"
    digital = identity.doi(line)
    return f"doi:{digital}" if digital else ""


class LookupSource:
    """The papers of given ids (`arxiv:…`, `doi:…`), asked for where their metadata is kept."""

    local = False

    def __init__(
        self,
        name: str,
        ids: Sequence[str],
        *,
        at: Lookup,
        limits: Fetching,
        pacer: HostPacer | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._ids = tuple(ids)
        self._at = at
        self._limits = limits
        self._pacer = pacer
        self._sleep = sleep
        self._clock = clock

    def pull(self, now: datetime) -> Digest:
        """Give the papers that are found, in no order; the log names the others.

        Raises FetchError: the network, or not one of the ids is known there.
        """
        pages = PageReader(
            self._limits, now=now, sleep=self._sleep, clock=self._clock, pacer=self._pacer, longest=LONGEST_VISIT
        )
        records: list[PaperRecord] = []
        for kind, address in self._addresses():
            data = pages.get(address)
            seconds = self._limits.parse_timeout
            read = SANDBOX.digest(data, kind=kind, where=address, today=now.date(), timeout=seconds)
            records += read.records
        found = {name for record in records for name in identity.names(record)}
        if missing := [name for name in self._ids if name not in found]:
            some = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            said = f"{self.name}: {len(missing)} of {len(self._ids)} papers were not found ({some})"
            if len(missing) == len(self._ids):
                raise FetchError(said, hint="check the ids; a .bib or .ris file with titles needs no looking up")
            _log.warning("%s", said)
        return Digest(title=self.name, records=tuple(records))

    def _addresses(self) -> Iterator[tuple[SourceKind, str]]:
        for some in _pages(self._of("arxiv:")):
            query = urlencode({"id_list": ",".join(some), "max_results": _PAGE})
            yield SourceKind.FEED, f"{self._at.arxiv}?{query}"
        for some in _pages(self._of("doi:")):
            query = urlencode({"filter": ",".join(f"doi:{each}" for each in some), "rows": _PAGE})
            yield SourceKind.CROSSREF, f"{self._at.crossref}?{query}"

    def _of(self, scheme: str) -> list[str]:
        return [name.removeprefix(scheme) for name in self._ids if name.startswith(scheme)]


def _pages(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _PAGE):
        yield ids[start : start + _PAGE]
