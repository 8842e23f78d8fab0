"""arXiv's search API: Atom in pages, newest first (https://info.arxiv.org/help/api/user-manual.html)."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from newsletter.config import Fetching, SourceKind
from newsletter.errors import ConfigError, SourceError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import sniff
from newsletter.sources.paging import LONGEST_VISIT, Clock, PageReader, Sleep
from newsletter.sources.politeness import HostPacer
from newsletter.sources.sandbox import SANDBOX

URL = "https://export.arxiv.org/api/query"
TITLE = "arXiv"

# arXiv gives up to 2,000 entries at a time, but answers large slices slowly, and now and then with nothing.
_PAGE = 200
_MOST_PAGES = 25
_DAYS = 7  # over a weekend with a holiday four days pass between submission and announcement
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.(?:[A-Za-z-]{2,}|\*))?")
# Read here and not where the page is parsed; so no match looks beyond the next "<", and the search is linear.
_TOTAL = re.compile(rb"<(?:\w{1,20}:)?totalResults\b[^<>]*>\s*(\d{1,12})\s*<")
_ENTRY = re.compile(rb"<(?:atom:)?entry[\s>]")

_log = logging.getLogger(__name__)


class ArxivApiSource:
    """The newest papers that match a query, by day of submission.

    `query` is in arXiv's own language (`ti:dunes AND au:marsh`), `categories` are its categories (`cs.CL`, `cs.*`), of
    which a paper must have one; both narrow. `days` is how far back to look; `page` the entries of one call;
    `most_pages` and `longest` (seconds) bound one visit; `pacer` is shared by all sources of a run. Raises ConfigError:
    neither query nor categories, or a category of another form.
    """

    local = False

    def __init__(
        self,
        name: str,
        *,
        query: str = "",
        categories: Iterable[str] = (),
        limits: Fetching | None = None,
        sleep: Sleep = time.sleep,
        url: str = URL,
        days: int = _DAYS,
        page: int = _PAGE,
        most_pages: int = _MOST_PAGES,
        pacer: HostPacer | None = None,
        longest: float = LONGEST_VISIT,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self._url = url
        self._search = _search(name, query, tuple(categories))
        self._limits = limits or Fetching()
        self._days = timedelta(days=days)
        self._page = page
        self._most_pages = most_pages
        self._pacer = pacer
        self._longest = longest
        self._sleep = sleep
        self._clock = clock

    def pull(self, now: datetime) -> Digest:
        """Give the matching papers that were submitted in the `days` before `now`, or nothing: no half listing is kept.

        Where there are more pages than are read, the newest papers are given and the log says so. Raises FetchError
        (network, status, time), NotADigestError (a page that is no feed), and SourceError: arXiv reports an error, or
        gives an empty page where there are more entries, twice.
        """
        pages = PageReader(
            self._limits, now=now, sleep=self._sleep, clock=self._clock, pacer=self._pacer, longest=self._longest
        )
        oldest = now - self._days
        found: dict[str, PaperRecord] = {}
        start = total = 0
        for _ in range(self._most_pages):
            data = self._filled(pages, start, total)
            records = self._parsed(data, now).records
            recent = [each for each in records if each.published_at is None or each.published_at >= oldest]
            for each in recent:  # entries move to the next page when a paper is added in between
                found.setdefault(each.arxiv_id or each.url, each)
            start, total = start + _entries(data), max(total, _total(data))
            if start >= total or len(recent) < len(records):
                break
        else:
            _log.warning("%s: only the newest %d entries were read, of %d", self.name, start, total)
        return Digest(title=TITLE, records=tuple(found.values()))

    def _filled(self, pages: PageReader, start: int, total: int) -> bytes:
        """Give the page that begins with entry `start` of `total`; one that is empty without need is asked for again.

        What is no feed is given, too: the parser says what it is.
        """
        for _ in range(2):
            data = pages.get(self._address(start))
            if _entries(data) or start >= max(total, _total(data)) or not sniff.is_feed(data):
                return data
            _log.info("%s: the page from entry %d came empty", self.name, start)
        raise SourceError(
            f"{self._url} gave no entries from number {start:,} on, though there are {max(total, _total(data)):,}",
            hint="arXiv does so at times; it will be tried again",
            permanent=False,
        )

    def _parsed(self, data: bytes, now: datetime) -> Digest:
        return SANDBOX.digest(
            data, kind=SourceKind.FEED, where=self._url, today=now.date(), timeout=self._limits.parse_timeout
        )

    def _address(self, start: int) -> str:
        query = {
            "search_query": self._search,
            "start": start,
            "max_results": self._page,
            "sortBy": "submittedDate",
            "sortOrder": "descending",
        }
        return f"{self._url}?{urlencode(query)}"


def _search(name: str, query: str, categories: tuple[str, ...]) -> str:
    query = " ".join(query.split())
    if not query and not categories:
        raise ConfigError(f"the source {name} needs a query or categories", hint='such as categories = ["cs.CL"]')
    if wrong := [each for each in categories if not _CATEGORY.fullmatch(each)]:
        raise ConfigError(
            f"the source {name}: {wrong[0]!r} is no arXiv category",
            hint="https://arxiv.org/category_taxonomy lists them",
        )
    either = " OR ".join(f"cat:{each}" for each in categories)
    return " AND ".join(f"({part})" for part in (query, either) if part)


def _total(data: bytes) -> int:
    found = _TOTAL.search(data)
    return int(found[1]) if found else 0


def _entries(data: bytes) -> int:
    return len(_ENTRY.findall(data))
