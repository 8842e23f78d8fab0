"""Google Scholar's alerts, as mails with their headers (also many in one mbox), or as their HTML alone.

Each paper is an `<h3>` with the title, which links to the paper by way of scholar.google.com; below it stand a green
line ("A Lovelace, C Babbage… - Journal of Engines, 2026") and a piece of text. Google cuts both lists and texts, and
its pieces may come from the midst of a paper: an abstract made of one says by "…" that it is not the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from html import unescape
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

from newsletter.errors import NotADigestError
from newsletter.model import Digest, PaperRecord
from newsletter.sources import entries, mime, sniff
from newsletter.sources.moments import moment
from newsletter.sources.text import decode, from_html

NEEDS = "Google Scholar's alert mail, in whose HTML each title is a link by way of scholar.google.com/scholar_url"
_HINT = "save the whole mail as .eml, or name an mbox or Maildir that holds such mails"

_TITLE = "gse_alrt_title"
_TEXT = "gse_alrt_sni"
_GREEN = "006621"
# No part reaches over the next "<": the search is linear, whatever the text.
_HEADING = re.compile(r"<h3\b[^<>]{0,2000}>", re.IGNORECASE)
_HEADING_END = re.compile(r"</h3\s*>", re.IGNORECASE)
_ANCHOR = re.compile(r"<a\s(?P<attributes>[^<>]{1,8000})>", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s{0,5}=\s{0,5}(?:\"([^\"]{1,6000})\"|'([^']{1,6000})')", re.IGNORECASE)
_DIVISION = re.compile(r"<div\b(?P<attributes>[^<>]{0,2000})>", re.IGNORECASE)
_LONGEST = 20_000  # characters of one paper's HTML
_MOST_DIVISIONS = 5

_SCHOLAR = re.compile(r"scholar\.google\.[a-z]{2,3}(?:\.[a-z]{2})?")
_SAFE_LINKS = ".safelinks.protection.outlook.com"  # Microsoft's, which wraps the links in a university's mail
_WRAPPERS = 3
_MOST_PARAMETERS = 50

_YEAR = re.compile(r"\b((?:19|20)\d\d)$")
_PATENT = re.compile(r"[A-Z]{2} Patent\b")
_CUT = re.compile(r"(?:\s|…|\.{3})+$")
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class _Paper:
    """One paper's HTML, as it stands: title, green line, piece of text; and when the mail was sent."""

    title: str
    link: str
    line: str
    text: str
    sent: datetime | None


def recognises(data: bytes) -> bool:
    """Tell whether a mail, a mail in an mbox or an HTML page names a paper as Google Scholar's alerts do."""
    return not sniff.binary(data) and any(True for _ in _papers(data))


def parse(data: bytes, *, where: str) -> Digest:
    """Read the papers of all alerts; patents are left out. The day is that of the latest mail.

    Raises NotADigestError: no paper is named as Google Scholar does, or none of them can be read.
    """
    found = [] if sniff.binary(data) else list(_papers(data))
    if not found:
        what = sniff.looks_like(data) or ("another mail" if mime.headers(data) else "other text")
        raise NotADigestError(f"{where} is not Google Scholar's alert but {what}", hint=f"needed is {NEEDS}: {_HINT}")
    digest = entries.digest(found, _record, where=where, title="Google Scholar", needs=NEEDS)
    return replace(digest, day=_day(found))


def _day(found: list[_Paper]) -> date | None:
    return max((each.sent.date() for each in found if each.sent), default=None)


# HTML to papers ------------------------------------------------------------------------------------------------------


def _papers(data: bytes) -> Iterator[_Paper]:
    for mail in mime.mails(data):
        headers = mime.headers(mail)
        sent = moment(headers.get("date", ""))
        for page in mime.pages(mail) if headers else _saved(mail):
            yield from _on_page(page, sent)


def _saved(page: bytes) -> Iterator[str]:
    """Give the HTML of a mail that was saved without its headers."""
    if sniff.html_page(page):
        yield decode(page)


def _on_page(page: str, sent: datetime | None) -> Iterator[_Paper]:
    starts = [found.end() for found in _HEADING.finditer(page)]
    for start, end in pairwise([*starts, len(page)]):
        piece = page[start : min(end, start + _LONGEST)]
        heading_end = _HEADING_END.search(piece)
        if heading_end and (titled := _titled(piece[: heading_end.start()])):
            line, text = _below(piece[heading_end.end() :])
            yield _Paper(*titled, line, text, sent)


def _titled(heading: str) -> tuple[str, str] | None:
    """Give a heading's title and where it leads; None for a heading that is no paper's."""
    anchor = _ANCHOR.search(heading)
    href = _HREF.search(anchor["attributes"]) if anchor else None
    if not anchor or not href:
        return None
    link = unescape(href[1] or href[2])
    target = _target(link)
    if target == link and _TITLE not in anchor["attributes"]:
        return None
    title = heading[anchor.end() :].partition("</a")[0]
    return title, target


def _target(link: str) -> str:
    """Give the address behind Google Scholar's own, and behind the wrapper that a mail server put around that."""
    for _ in range(_WRAPPERS):
        try:
            parts = urlsplit(link)
            host = parts.hostname or ""
            given = parse_qs(parts.query, max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            return link
        wrapped = host.endswith(_SAFE_LINKS) or (parts.path == "/scholar_url" and _SCHOLAR.fullmatch(host))
        inner = next(iter(given.get("url", given.get("q", []))), "")
        if not wrapped or not inner:
            return link
        link = inner
    return link


def _below(piece: str) -> tuple[str, str]:
    """Give the green line and the text that stand below a heading; '' for what is not there."""
    line = text = ""
    for number, found in enumerate(_DIVISION.finditer(piece)):
        if number == _MOST_DIVISIONS:
            break
        inside = piece[found.end() :].partition("</div")[0]
        if _TEXT in found["attributes"]:
            text = text or inside
        elif _GREEN in found["attributes"]:
            line = line or inside
    return line, text


# Papers to records ---------------------------------------------------------------------------------------------------


def _record(found: _Paper) -> PaperRecord:
    names, _, venue = from_html(found.line).partition(" - ")
    if _PATENT.match(venue):
        raise entries.NoPaperError("no paper but a patent")
    year = _YEAR.search(venue)
    return entries.news(
        entries.paper(
            title=found.title,
            abstract=_excerpt(from_html(found.text)),
            authors=[name.strip(f"{_ELLIPSIS} ") for name in names.split(",")] if venue else [],
            links=[found.link],
            arxiv=entries.of_arxiv([venue]),
            published_at=_when(int(year[1]) if year else None, found.sent),
        )
    )


def _excerpt(text: str) -> str:
    """Give a piece of text with "…" where it was cut."""
    text = _CUT.sub("", text)
    if not text:
        return ""
    before = f"{_ELLIPSIS} " if text[0].islower() else ""
    return f"{before}{text} {_ELLIPSIS}"


def _when(year: int | None, sent: datetime | None) -> datetime | None:
    """Give when a paper appeared: a year that was over when the alert was sent, else as good as that day."""
    return entries.on(year) if year and (sent is None or year < sent.year) else sent
