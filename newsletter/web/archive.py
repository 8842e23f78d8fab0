"""The archive, the same for everybody: issues, their papers and a map of them, papers with their like, a search."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from newsletter import identity
from newsletter.abstracts import usable
from newsletter.model import Cadence, Issue, IssueState, Paper
from newsletter.rendering import ENGLISH, LinkView, key_sentences, paper_links, paper_title
from newsletter.rendering.typeset import typeset
from newsletter.web.map import Drawing
from newsletter.web.parts import Here, Parts

router = APIRouter()

PAGE = 30  # papers, or days
MOST_PAGES = 10_000
_LONGEST_SEARCH = 200  # characters
_MOST_WORDS = 12
_FOUND = 300  # papers, by words and by meaning each
_ALIKE = 6
_MAPPED = 400
# Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): words weigh more, so what was typed comes first.
_RANK_OFFSET, _BY_WORDS, _BY_MEANING = 60, 1.0, 0.6


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper as pages show it. `remark` says what is unusual about its being there."""

    paper: Paper
    title: str
    summary: str
    links: tuple[LinkView, ...]
    remark: str = ""


@router.get("/issues")
def issues(here: Here, page: int = 1) -> Response:
    """List the days on which issues came out."""
    number = min(max(page, 1), MOST_PAGES)
    days = here.store.archive.days(PAGE + 1, skip=(number - 1) * PAGE)
    return here.pages.page("issues", public=True, days=days[:PAGE], number=number, more=len(days) > PAGE)


@router.get("/issues/{day}")
def issue(here: Here, day: str, cadence: str = "", page: int = 1) -> Response:
    """Show all papers of a day's issue, not one reader's choice of them."""
    of_day = came_out(here, _day(day))
    if not of_day:
        raise HTTPException(404)
    wanted = next((one for one in of_day if one.cadence == cadence), of_day[0])
    number = min(max(page, 1), MOST_PAGES)
    papers = here.store.archive.papers(wanted.window, PAGE + 1, skip=(number - 1) * PAGE)
    earlier, later = here.store.archive.beside(wanted.day)
    return here.pages.page(
        "issue",
        public=True,
        issue=wanted,
        others=[one for one in of_day if one is not wanted],
        earlier=earlier,
        later=later,
        count_all=here.store.papers.count(wanted.window),
        papers=[shown(paper) for paper in papers[:PAGE]],
        number=number,
        more=len(papers) > PAGE,
    )


@router.get("/issues/{day}/map")
def mapped(here: Here, day: str, cadence: str = "") -> Response:
    """Draw the papers of a day's issue, those that are about the same near each other."""
    of_day = came_out(here, _day(day))
    if not of_day:
        raise HTTPException(404)
    wanted = next((one for one in of_day if one.cadence == cadence), of_day[0])
    papers = here.store.archive.papers(wanted.window, _MAPPED)
    drawing: Drawing | None = here.maps.draw((wanted.key, len(papers)), papers)
    return here.pages.page("map", public=True, issue=wanted, drawing=drawing)


@router.get("/papers/{name:path}")
def paper(here: Here, name: str) -> Response:
    """Show a paper, by any name that it goes by. What stands only in somebody's library is nobody else's business."""
    found = here.store.papers.by_key(here.store.papers.keys([name]).values())
    [one] = found.values() or [None]
    if one is None or not one.announced:
        raise HTTPException(404)
    alike = [shown(other) for other in in_order(here, here.meanings.like(one.key, _ALIKE))]
    return here.pages.page("paper", public=True, shown=shown(one), has_abstract=usable(one), alike=alike)


@router.get("/search")
def search(here: Here, q: str = "", page: int = 1) -> Response:
    """Find papers by words, and by what they mean; or the one whose arXiv id, DOI or link is given."""
    asked = " ".join("".join(c if c.isprintable() else " " for c in q).split())[:_LONGEST_SEARCH]
    number = min(max(page, 1), MOST_PAGES)
    named = here.store.papers.keys(_ids(asked))
    by_words, by_meaning = ([], []) if named else found(here, asked)
    keys = [*named.values()] or fused(by_words, by_meaning)
    some = keys[(number - 1) * PAGE : number * PAGE]
    near = set(by_meaning) - set(by_words)
    return here.pages.page(
        "search",
        public=True,
        asked=asked,
        papers=[shown(one, "Close in meaning" if one.key in near else "") for one in in_order(here, some)],
        number=number,
        more=len(keys) > number * PAGE,
    )


def _ids(asked: str) -> list[str]:
    """Give the names of the paper that an arXiv id, a DOI or a link to either stands for; none for other questions."""
    if " " in asked:
        return []
    ids = ("arxiv", identity.arxiv_id(asked)), ("doi", identity.doi(asked))
    return [f"{scheme}:{value}" for scheme, value in ids if value]


def found(here: Parts, asked: str) -> tuple[list[int], list[int]]:
    """Give the keys of papers that have all words of a question, and of those that are about it; best first each."""
    words = asked.split()[:_MOST_WORDS]
    return here.store.search.keys(words, _FOUND), here.meanings.about(" ".join(words), _FOUND)


def fused(by_words: list[int], by_meaning: list[int]) -> list[int]:
    """Give one list of two, by the sum of what each list says for a paper."""
    worth: dict[int, float] = {}
    for weight, keys in ((_BY_WORDS, by_words), (_BY_MEANING, by_meaning)):
        for rank, key in enumerate(keys):
            worth[key] = worth.get(key, 0.0) + weight / (_RANK_OFFSET + rank)
    first = dict.fromkeys((*by_words, *by_meaning))
    return sorted(first, key=lambda key: -worth[key])


def in_order(here: Parts, keys: Iterable[int]) -> list[Paper]:
    """Give the papers of some keys in their order, each once, without those that are not there any more."""
    wanted = list(keys)
    there = here.store.papers.by_key(wanted)
    return list({there[key].key: there[key] for key in wanted if key in there and there[key].announced}.values())


def came_out(here: Parts, day: date) -> list[Issue]:
    """Give a day's issues without drafts, the daily one first."""
    there = [one for one in here.store.issues.on(day) if one.state is not IssueState.DRAFT]
    return sorted(there, key=lambda one: list(Cadence).index(one.cadence))


def shown(paper: Paper, remark: str = "") -> Shown:
    """Give a paper as pages show it."""
    title = paper_title(ENGLISH, paper)
    summary = typeset(key_sentences(paper.abstract, paper.title)) if usable(paper) else ""
    return Shown(paper, title, summary, paper_links(ENGLISH, paper, title), remark)


def _day(text: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise HTTPException(404)
