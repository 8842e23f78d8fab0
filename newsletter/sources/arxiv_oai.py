"""A repository that speaks OAI-PMH (openarchives.org/OAI/2.0), as arXiv does: asked for what changed lately."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from newsletter.config import Fetching
from newsletter.errors import SourceError
from newsletter.model import Digest
from newsletter.sources.oai_pages import Page, together
from newsletter.sources.paging import LONGEST_VISIT, Clock, PageReader, Sleep
from newsletter.sources.politeness import HostPacer
from newsletter.sources.sandbox import SANDBOX

URL = "https://oaipmh.arxiv.org/oai"
_MOST_PAGES = 200


class OaiSource:
    """A repository that speaks OAI-PMH, asked for what changed in the last days.

    `prefix` names the format; `set_spec` the repository's set ("cs", "physics:hep-th"; '' for all), `categories` those
    to keep (none for all); `days` is how far back to look; `most_pages` and `longest` (seconds) bound one visit;
    `pacer` is shared by all sources of a run.
    """

    local = False

    def __init__(
        self,
        name: str,
        url: str = URL,
        *,
        limits: Fetching | None = None,
        sleep: Sleep = time.sleep,
        prefix: str = "arXiv",
        set_spec: str = "",
        categories: Iterable[str] = (),
        days: int = 3,
        most_pages: int = _MOST_PAGES,
        longest: float = LONGEST_VISIT,
        clock: Clock = time.monotonic,
        pacer: HostPacer | None = None,
    ) -> None:
        self.name = name
        self._url = url
        self._limits = limits or Fetching()
        self._sleep = sleep
        self._clock = clock
        self._pacer = pacer
        self._query = {"verb": "ListRecords", "metadataPrefix": prefix} | ({"set": set_spec} if set_spec else {})
        self._categories = frozenset(categories)
        self._days = timedelta(days=days)
        self._most_pages = most_pages
        self._longest = longest

    def pull(self, now: datetime) -> Digest:
        """Give all that changed since `days` before `now`, or nothing: a visit that fails leaves no half listing.

        Raises FetchError (network, status, time), NotADigestError (a page that is no OAI-PMH), and SourceError: the
        repository reports an error, repeats itself, or has more pages than are read.
        """
        reader = PageReader(
            self._limits, now=now, sleep=self._sleep, clock=self._clock, pacer=self._pacer, longest=self._longest
        )
        address = self._address(self._query | {"from": (now - self._days).date().isoformat()})
        pages: list[Page] = []
        seen: set[str] = set()
        while len(pages) < self._most_pages:
            data = reader.get(address)
            pages.append(SANDBOX.oai_page(data, where=self._url, timeout=self._limits.parse_timeout))
            token = pages[-1].token
            if not token:
                return together(pages, self._categories)
            if token in seen:
                raise SourceError(
                    f"{self._url} leads back to a page that it gave before", hint="tell its operator", permanent=False
                )
            seen.add(token)
            address = self._address({"verb": "ListRecords", "resumptionToken": token})
        raise SourceError(
            f"{self._url} has more than {self._most_pages} pages for the last {self._days.days} days",
            hint="name a set, or ask for fewer days",
        )

    def _address(self, query: dict[str, str]) -> str:
        return f"{self._url}{'&' if '?' in self._url else '?'}{urlencode(query)}"
