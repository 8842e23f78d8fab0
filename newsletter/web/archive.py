"""The archive, the same for everybody: issues, papers, a search, and a feed of issues."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from newsletter.abstracts import usable
from newsletter.model import Cadence, Issue, IssueState, Paper
from newsletter.rendering import ENGLISH, LinkView, key_sentences, paper_links, paper_title
from newsletter.web.parts import Here, Parts

router = APIRouter()

_PAGE = 30  # papers, or days
_IN_FEED = 20  # issues
_NAMED = 10  # papers of an issue in the feed
_MOST_PAGES = 10_000
_LONGEST_SEARCH = 200  # characters
_MOST_WORDS = 8
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets
_PERSONAL = ("confirm", "feedback", "my-data", "preferences", "unsubscribe")


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper as pages show it."""

    paper: Paper
    title: str
    summary: str
    links: tuple[LinkView, ...]


@router.get("/issues")
def issues(here: Here, page: int = 1) -> Response:
    """List the days on which issues came out."""
    number = min(max(page, 1), _MOST_PAGES)
    days = here.store.archive.days(_PAGE + 1, skip=(number - 1) * _PAGE)
    return here.pages.page("issues", public=True, days=days[:_PAGE], number=number, more=len(days) > _PAGE)


@router.get("/issues/{day}")
def issue(here: Here, day: str, cadence: str = "", page: int = 1) -> Response:
    """Show all papers of a day's issue, not one reader's choice of them."""
    of_day = _came_out(here, _day(day))
    if not of_day:
        raise HTTPException(404)
    wanted = next((one for one in of_day if one.cadence == cadence), of_day[0])
    number = min(max(page, 1), _MOST_PAGES)
    papers = here.store.archive.papers(wanted.window, _PAGE + 1, skip=(number - 1) * _PAGE)
    return here.pages.page(
        "issue",
        public=True,
        issue=wanted,
        others=[one for one in of_day if one is not wanted],
        count_all=here.store.papers.count(wanted.window),
        papers=[_shown(paper) for paper in papers[:_PAGE]],
        number=number,
        more=len(papers) > _PAGE,
    )


@router.get("/papers/{name:path}")
def paper(here: Here, name: str) -> Response:
    """Show a paper, by any name that it goes by. What stands only in somebody's library is nobody else's business."""
    found = here.store.papers.by_key(here.store.papers.keys([name]).values())
    [one] = found.values() or [None]
    if one is None or not one.announced:
        raise HTTPException(404)
    return here.pages.page("paper", public=True, shown=_shown(one), has_abstract=usable(one))


@router.get("/search")
def search(here: Here, q: str = "", page: int = 1) -> Response:
    """Find papers by words."""
    asked = " ".join("".join(c if c.isprintable() else " " for c in q).split())[:_LONGEST_SEARCH]
    words, number = asked.split()[:_MOST_WORDS], min(max(page, 1), _MOST_PAGES)
    papers = here.store.archive.search(words, _PAGE + 1, skip=(number - 1) * _PAGE) if words else []
    return here.pages.page(
        "search",
        public=True,
        asked=asked,
        papers=[_shown(paper) for paper in papers[:_PAGE]],
        number=number,
        more=len(papers) > _PAGE,
    )


@router.get("/feed.xml")
def feed(here: Here) -> Response:
    """Give the latest issues as an Atom feed (RFC 4287), each with the papers at its top."""
    entries: list[tuple[Issue, int, Sequence[Paper]]] = []
    for day in here.store.archive.days(_IN_FEED):
        for one in _came_out(here, day)[:1]:
            top = here.store.archive.papers(one.window, _NAMED)
            entries.append((one, here.store.papers.count(one.window), top))
    updated = max((one.window.end for one, _, _ in entries), default=datetime(1970, 1, 1, tzinfo=here.now().tzinfo))
    xml = here.pages.render("feed.xml", entries=entries, updated=updated)
    return Response(
        _NO_XML.sub("", xml).encode("utf-8"),
        media_type="application/atom+xml",
        headers={"Cache-Control": "public, max-age=600"},
    )


@router.get("/robots.txt")
def robots(here: Here) -> Response:
    """Keep well-behaved programs away from pages that are somebody's own."""
    base = here.pages.base
    lines = ["User-agent: *", *(f"Disallow: {base}/{name}/" for name in _PERSONAL), f"Disallow: {base}/search"]
    return PlainTextResponse("\n".join(lines) + "\n", headers={"Cache-Control": "public, max-age=86400"})


def _day(text: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise HTTPException(404)


def _came_out(here: Parts, day: date) -> list[Issue]:
    """Give a day's issues without drafts, the daily one first."""
    there = [one for one in here.store.issues.on(day) if one.state is not IssueState.DRAFT]
    return sorted(there, key=lambda one: list(Cadence).index(one.cadence))


def _shown(paper: Paper) -> Shown:
    title = paper_title(ENGLISH, paper)
    summary = key_sentences(paper.abstract, paper.title) if usable(paper) else ""
    return Shown(paper, title, summary, paper_links(ENGLISH, paper, title))
