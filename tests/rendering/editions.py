"""Editions for tests: small builders with good defaults, and the one edition that the golden files hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from newsletter.model import (
    Announcement,
    Cadence,
    Edition,
    InterestProfile,
    Issue,
    IssueState,
    Message,
    Paper,
    Pick,
    Reason,
    ReasonKind,
    Section,
    Subscriber,
    SubscriberStatus,
    Window,
)
from newsletter.rendering import ENGLISH, EditionView, Language, Links, Rendered, SiteView, compose, edition_view

DATA = Path(__file__).parents[1] / "data" / "rendering"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SITE = SiteView("Daily Papers", "https://papers.example.org", "1 Analytical Street, London N1")
TOKEN = "eyJkIjo0Mn0.aKxyz1.Jk3pQ9vXw7_2sT-mN4bRt6yUi8o"
ABSTRACT = (
    "Sorting machines are everywhere. However, they are slow. We propose a loom that sorts punched cards while it "
    "weaves, without a second pass over the cards, and that needs no more space than the pattern itself. "
    "The loom is built from parts that every mill has. Experiments on 3 mills show that it sorts 42.5% faster than the "
    "best clerk, and that it never drops a card. Code is available at https://example.org/loom. "
    "We hope that this is of use to other mills, and we thank the weavers for their patience with the noise."
)


def paper(key: int = 1, **changes: Any) -> Paper:
    """One paper; `changes` are fields of Paper."""
    plain = Paper(
        key=key,
        id=f"arxiv:2611.{key:05d}",
        title=f"Sorting Punched Cards on a Loom, Part {key}",
        abstract=ABSTRACT,
        authors=("Ada Lovelace", "Charles Babbage"),
        categories=("cs.DS", "cs.AR"),
        url=f"https://arxiv.org/abs/2611.{key:05d}",
        arxiv_id=f"2611.{key:05d}",
        doi="",
        published_at=NOON,
        first_seen_at=NOON,
        upvotes=None,
        repository="https://github.com/example/loom",
        project_page="",
        thumbnail="",
        announcements=(Announcement("arxiv", "arXiv cs.DS", date(2026, 11, 23), NOON),),
    )
    return replace(plain, **changes)


def pick(key: int, section: Section = Section.FOR_YOU, *reasons: Reason) -> Pick:
    """The pick of paper `key`, at the rank of the same number."""
    return Pick(key, key, section, 1.0, reasons or (Reason(ReasonKind.KEYWORD, "sorting"),))


def edition(
    picks: Iterable[Pick],
    *,
    cadence: Cadence = Cadence.DAILY,
    language: str = "en",
    since: datetime | None = None,
    came: datetime = NOON,
) -> Edition:
    """The issue of 23 November 2026 as Ada gets it, who came when she did; `since` is where hers begins."""
    subscriber = Subscriber(
        key=1,
        public_id="p1",
        email="ada@example.com",
        name="Ada Lovelace",
        status=SubscriberStatus.ACTIVE,
        profile=InterestProfile(),
        cadence=cadence,
        timezone="Europe/London",
        hour=7,
        papers=10,
        language=language,
        created_at=came,
    )
    issue = Issue(1, cadence, date(2026, 11, 23), Window(NOON.replace(day=22), NOON), IssueState.OPEN)
    return Edition(issue, subscriber, tuple(picks), since)


def links(papers: Iterable[int] = ()) -> Links:
    """Ada's own pages."""
    base = SITE.url
    feedback = {key: (f"{base}/feedback/{TOKEN}{key}m", f"{base}/feedback/{TOKEN}{key}l") for key in papers}
    return Links(f"{base}/preferences/{TOKEN}", f"{base}/unsubscribe/{TOKEN}", f"{base}/issues/2026-11-23", feedback)


def view(
    papers: Iterable[Paper],
    *,
    brief: int = 0,
    considered: int = 187,
    site: SiteView = SITE,
    say: Language = ENGLISH,
    pictures: bool = False,
    **changes: Any,
) -> EditionView:
    """The view of an edition with these papers as cards, but for the last `brief`, which stand in "Also today"."""
    papers = list(papers)
    full = len(papers) - brief
    picks = [pick(p.key, Section.FOR_YOU if n < full else Section.ALSO_TODAY) for n, p in enumerate(papers)]
    keyed = {p.key: p for p in papers}
    return edition_view(
        edition(picks, **changes), keyed, site, links(keyed), say=say, considered=considered, pictures=pictures
    )


def message(rendered: Rendered, **changes: Any) -> Message:
    """The message of `rendered` for Ada; `changes` are arguments of `compose`."""
    arguments: dict[str, Any] = {
        "site": SITE,
        "sender": "Daily Papers <papers@papers.example.org>",
        "recipient": "ada@example.com",
        "recipient_name": "Ada Lovelace",
        "envelope_sender": "bounces+1-abc@papers.example.org",
        "message_id": "<1.1.0@papers.example.org>",
        "date": NOON,
        "links": links(),
    }
    return compose(rendered, **{**arguments, **changes})


def golden_view(say: Language = ENGLISH) -> EditionView:
    """The view that `tests/data/rendering/edition.json` describes."""
    stored = json.loads((DATA / "edition.json").read_text(encoding="utf-8"))
    papers = {entry["key"]: _paper(entry) for entry in stored["papers"]}
    picks = [
        Pick(
            paper_key=entry["paper"],
            rank=rank,
            section=Section(entry["section"]),
            score=1.0,
            reasons=tuple(Reason(ReasonKind(kind), matched) for kind, matched in entry["reasons"]),
        )
        for rank, entry in enumerate(stored["picks"], start=1)
    ]
    return edition_view(edition(picks), papers, SITE, links(papers), say=say, considered=stored["considered"])


def _paper(entry: Mapping[str, Any]) -> Paper:
    listed: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    announced = tuple(
        Announcement(source, title, date.fromisoformat(day), NOON) for source, title, day in listed.pop("announcements")
    )
    return paper(**{**listed, "announcements": announced})
