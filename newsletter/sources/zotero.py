"""Libraries and collections of Zotero, by its Web API (https://www.zotero.org/support/dev/web_api/v3/basics).

The API knows libraries by the numbers of users and groups. Addresses of groups on zotero.org have theirs, those of
users have a name instead, which leads to no number.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from newsletter.config import Fetching, SourceKind
from newsletter.errors import FetchError, NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources.fetch import Fetched
from newsletter.sources.paging import LONGEST_VISIT, PageReader
from newsletter.sources.politeness import HostPacer
from newsletter.sources.sandbox import SANDBOX

URL = "https://api.zotero.org"
TITLE = "Zotero"

_HOST = "api.zotero.org"
_ADDRESS = re.compile(r"https?://(?:api\.|www\.)?zotero\.org(?=[/?#]|$)", re.IGNORECASE)
_OWNER = r"/(?P<owner>(?:users|groups)/[0-9]{1,12})"
_COLLECTION = r"/collections/(?P<collection>[A-Za-z0-9]{8})"
# What the API answers with items. The site's own pages go on with what is selected in them, which does not matter.
_OF_API = re.compile(rf"{_OWNER}(?:{_COLLECTION})?(?:/items(?:/top)?)?/?")
_OF_SITE = re.compile(rf"{_OWNER}(?:(?:/[^/]*)?{_COLLECTION})?(?:/.*)?")
# Of what the API can be asked for, what narrows; the form of the answer is our business.
_NARROWING = ("tag", "itemType", "q", "qmode")
_PAGE = 100  # items in one answer, the most that there are
_READINGS = 3
_KEYS = "https://www.zotero.org/settings/keys"
_NUMBER = (
    f"{_KEYS} tells the number of your library: give https://{_HOST}/users/NUMBER, or …/users/NUMBER/collections/KEY "
    "for a collection; of a group copy the address from the browser, https://www.zotero.org/groups/NUMBER/…"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Library:
    """What an address means: the library of `owner` ("users/475425"), or one collection; `narrowed` is a query."""

    owner: str
    collection: str = ""
    narrowed: tuple[tuple[str, str], ...] = ()

    @property
    def user(self) -> str:
        """The number of the user whose own it is; '' for a group's."""
        kind, _, number = self.owner.partition("/")
        return number if kind == "users" else ""


def is_address(text: str) -> bool:
    """Tell whether an address is one of Zotero's own."""
    return bool(_ADDRESS.match(text))


def library(address: str) -> Library:
    """Give the library or collection that an address of the API, or a page of zotero.org, stands for.

    Raises FetchError, permanent: it stands for none, or holds a key.
    """
    parts = urlsplit(address)
    asked = parse_qsl(parts.query)
    if any(name == "key" for name, _ in asked):
        raise FetchError(
            f"{address.partition('?')[0]} is given with a key", hint="take it out, and set zotero.key or zotero.keys"
        )
    found = (_OF_API if parts.hostname == _HOST else _OF_SITE).fullmatch(parts.path)
    if not found:
        raise FetchError(f"{address} is no library or collection of a number", hint=_NUMBER)
    narrowed = tuple((name, value) for name, value in asked if name in _NARROWING)
    return Library(found["owner"], (found["collection"] or "").upper(), narrowed)


class ZoteroSource:
    """The papers of a library or collection, without its attachments, notes and bin, newest first.

    `url` is where the API is; `key` goes there and nowhere else. `most` bounds the items that are read; `pacer` is
    shared by all sources of a run.
    """

    local = False

    def __init__(
        self,
        name: str,
        of: Library,
        *,
        most: int,
        limits: Fetching,
        url: str = URL,
        key: str = "",
        pacer: HostPacer | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._of = of
        self._most = most
        self._limits = limits
        self._url = url
        self._key = key
        self._pacer = pacer
        self._sleep = sleep
        self._clock = clock

    def pull(self, now: datetime) -> Digest:
        """Give all its papers, or nothing. Where there are more than are read, the log says so.

        Raises FetchError (network, status, time), which for 403 and 404 says what to do, and NotADigestError.
        """
        pages = PageReader(
            self._limits, now=now, sleep=self._sleep, clock=self._clock, pacer=self._pacer, longest=LONGEST_VISIT
        )
        for _ in range(_READINGS):
            records, whole = self._read(pages, now)
            if whole:
                break
            _log.info("%s changed while it was read", self.name)
        return Digest(title=TITLE, records=tuple(dict.fromkeys(records)))

    def _read(self, pages: PageReader, now: datetime) -> tuple[list[PaperRecord], bool]:
        """Read all pages once; False where the library changed meanwhile.

        What is deleted then moves up what comes behind it, of which a paper may be missed between two pages.
        """
        records: list[PaperRecord] = []
        versions: set[str] = set()
        start, total = 0, 1
        while start < min(total, self._most):
            page = self._page(pages, start)
            seconds = self._limits.parse_timeout
            digest = SANDBOX.digest(
                page.data, kind=SourceKind.ZOTERO, where=self.name, today=now.date(), timeout=seconds
            )
            records += digest.records
            versions.add(page.headers.get("last-modified-version", ""))
            total = self._total(page)
            start += _PAGE
        if total > self._most:
            _log.warning("%s: only the newest %d items were read, of %d", self.name, self._most, total)
        return records, len(versions) < 2

    def _page(self, pages: PageReader, start: int) -> Fetched:
        address = self._address(start)
        headers = {"Zotero-API-Version": "3", **({"Zotero-API-Key": self._key} if self._key else {})}
        try:
            return pages.page(address, headers)
        except FetchError as error:
            raise FetchError(
                error.message.replace(address, self.name),
                hint=self._hint(error),
                permanent=error.permanent,
                retry_at=error.retry_at,
                retry_after=error.retry_after,
                status=error.status,
            ) from error

    def _hint(self, error: FetchError) -> str:
        if error.status == 403:
            if self._key:
                return f"the key may not read it, or is none any more: {_KEYS} tells what a key may"
            return f"it is not public: make a key that may read it at {_KEYS}, and set zotero.key or zotero.keys"
        if error.status == 404:
            return "there is no such library or collection (any more); give its present address"
        return error.hint

    def _total(self, page: Fetched) -> int:
        told = page.headers.get("total-results", "").strip()
        if not re.fullmatch(r"[0-9]{1,12}", told, re.ASCII):
            raise NotADigestError(
                f"{self.name}: {urlsplit(self._url).hostname} does not say how many items there are",
                hint="check zotero.url: Zotero's API says it in Total-Results",
            )
        return int(told)

    def _address(self, start: int) -> str:
        within = f"/collections/{self._of.collection}" if self._of.collection else ""
        asked = {"format": "json", "sort": "dateAdded", "direction": "desc", "limit": _PAGE, "start": start}
        return f"{self._url}/{self._of.owner}{within}/items/top?{urlencode([*self._of.narrowed, *asked.items()])}"
