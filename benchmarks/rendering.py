"""How many mails are made in a second on one core, from picks to the bytes that are sent? And in the naive way?

Each mail has 10 papers as cards and 6 in brief, its reader's own reasons and links. The naive way compiles for every
reader what we compile once: Jinja, then MJML, then premailer, and the message by Python's `EmailMessage`.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import jinja2

from benchmarks.summaries import HALVES, marked
from newsletter import assets
from newsletter.model import (
    Announcement,
    Cadence,
    Edition,
    InterestProfile,
    Issue,
    IssueState,
    Paper,
    Pick,
    Reason,
    ReasonKind,
    Section,
    Subscriber,
    SubscriberStatus,
    Window,
)
from newsletter.rendering import EditionView, Links, Renderer, SiteView, compose, edition_view, theme
from newsletter.rendering.compiled import compile_html, join
from newsletter.rendering.templates import HTML, TemplateFolder, html_environment, speaking

SITE = SiteView("Daily Papers", "https://papers.example.org", "1 Analytical Street, London N1")
SENDER = "Daily Papers <papers@papers.example.org>"
DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ISSUE = Issue(1, Cadence.DAILY, DAY, Window(NOON - timedelta(days=1), NOON), IssueState.OPEN)
CARDS, BRIEF = 10, 6


def library() -> dict[int, Paper]:
    """Give papers with real abstracts, by key."""
    found = [one for half in HALVES for one in marked(half)]
    return {key: _paper(key, one.title, one.abstract) for key, one in enumerate(found, start=1)}


def _paper(key: int, title: str, abstract: str) -> Paper:
    number = f"2611.{key:05d}"
    page, code = f"https://arxiv.org/abs/{number}", f"https://github.com/example/{key}"
    seen = (Announcement("arxiv", "arXiv cs.CL", DAY, NOON),)
    authors = ("Ada Lovelace", "Charles Babbage", "Émilie du Châtelet")
    return Paper(
        key, f"arxiv:{number}", title, abstract, authors, ("cs.CL", "cs.LG"), page, number, "", NOON, NOON, key, code,
        "", "", True, seen,
    )  # fmt: skip


def editions(papers: dict[int, Paper], count: int, language: str) -> Iterator[tuple[Edition, Links]]:
    """Give readers' editions: a choice of the papers, in an order and with reasons of their own."""
    dice = random.Random(1)
    for number in range(count):
        reader = Subscriber(
            number, f"p{number}", f"reader{number}@example.com", "", SubscriberStatus.ACTIVE, InterestProfile(),
            Cadence.DAILY, "Europe/London", 7, CARDS, language, NOON,
        )  # fmt: skip
        keys = dice.sample(sorted(papers), CARDS + BRIEF)
        reasons = [Reason(ReasonKind.KEYWORD, "model"), Reason(ReasonKind.TOPIC, f"Topic {dice.randrange(60)}")]
        picks = tuple(
            Pick(key, rank, Section.FOR_YOU if rank <= CARDS else Section.ALSO_TODAY, 1.0, tuple(reasons))
            for rank, key in enumerate(keys, start=1)
        )
        token = f"WyJTNmFSc3MyV2s2cXFLbmF4Iiw3Mzk5NDcsNTEsMV0.y9U-ZEVFPYwhm_Rnl{number:06d}"
        base = SITE.url
        answers = {key: (f"{base}/feedback/{token}{key}m", f"{base}/feedback/{token}{key}l") for key in keys}
        links = Links(f"{base}/preferences/{token}", f"{base}/unsubscribe/{token}", f"{base}/issues/{DAY}", answers)
        yield Edition(ISSUE, reader, picks), links


class Ways:
    """The two ways, over the same papers."""

    def __init__(self, papers: dict[int, Paper]) -> None:
        self.renderer = Renderer()
        self._papers = papers
        folder = TemplateFolder("daily")
        joined = join(folder.read(HTML), folder.include)
        look = self.renderer.theme
        self._source = replace(joined, text=theme.put_in(joined.text, look.values, joined.at_offset))
        say = self.renderer.language("en")
        self._naive: jinja2.Environment = speaking(html_environment(), say, look)

    def view(self, edition: Edition, links: Links) -> EditionView:
        """Give what a template sees."""
        say = self.renderer.language(edition.subscriber.language)
        return edition_view(edition, self._papers, SITE, links, say=say, considered=187)

    def ours(self, edition: Edition, links: Links) -> bytes:
        """Give the bytes of a mail as the product makes it."""
        number = edition.subscriber.key
        return compose(
            self.renderer.render(self.view(edition, links)),
            site=SITE,
            sender=SENDER,
            recipient=edition.subscriber.email,
            recipient_name="",
            envelope_sender=f"bounces+{number}@papers.example.org",
            message_id=f"<{number}@papers.example.org>",
            date=NOON,
            links=links,
        ).data

    def naive(self, edition: Edition, links: Links) -> bytes:
        """Give the bytes of the same mail, compiled for this reader."""
        view = self.view(edition, links)
        html = compile_html(replace(self._source, text=self._naive.from_string(self._source.text).render(view=view)))
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = SENDER, edition.subscriber.email, view.subject
        mail["List-Unsubscribe"] = f"<{links.unsubscribe}>"
        mail.set_content(self.renderer.render(view).text)
        mail.add_alternative(html, subtype="html")
        return mail.as_bytes()


def measured(count: int, naive: int, language: str) -> dict[str, Any]:
    """Make mails both ways, and give how many in a second of the processor."""
    papers = library()
    ways = Ways(papers)
    made = list(editions(papers, count, language))
    for edition, links in made[:20]:  # the first ones compile, and fill what is remembered
        ways.ours(edition, links)
    ours, sizes = _timed(ways.ours, made)
    slow, _ = _timed(ways.naive, list(editions(papers, naive, "en")))
    return {
        "emails": count,
        "papers": CARDS,
        "bytes": round(sum(sizes) / len(sizes)),
        "emails_per_second": round(count / ours),
        "naive_emails_per_second": round(naive / slow),
        "times_as_fast": round((count / ours) / (naive / slow), 1),
        "milliseconds_after_a_change": round(1000 * after_a_change(ways, made[0])),
    }


def _timed(make: Callable[[Edition, Links], bytes], made: list[tuple[Edition, Links]]) -> tuple[float, list[int]]:
    started = time.process_time()
    sizes = [len(make(*one)) for one in made]
    return time.process_time() - started, sizes


def after_a_change(ways: Ways, one: tuple[Edition, Links]) -> float:
    """Give how many seconds of the processor it takes to show a mail once a template has changed."""
    view = ways.view(*one)
    with tempfile.TemporaryDirectory() as name:
        own = Path(name)
        shutil.copytree(assets.TEMPLATES / "email", own / "email")
        renderer = Renderer(override=own)
        renderer.render(view)
        file = own / "email" / "_parts" / "card.mjml"
        file.write_text(file.read_text().replace('class="item"', f'class="item" title="{time.time_ns()}"'))
        started = time.process_time()
        renderer.refresh()
        renderer.render(view)
        return time.process_time() - started


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emails", type=int, default=2000)
    parser.add_argument("--naive", type=int, default=40, help="how many are made in the naive way")
    parser.add_argument("--language", default="en")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measured(asked.emails, asked.naive, asked.language)
    if asked.json:
        print(json.dumps(found))
        return
    print(f"{found['emails']} mails with {found['papers']} papers, {found['bytes']:,} bytes each")
    print(f"ours       {found['emails_per_second']:>6,} a second of the processor")
    print(f"naive      {found['naive_emails_per_second']:>6,}")
    print(f"           {found['times_as_fast']:g} times as fast")
    print(f"a changed template is compiled and shown in {found['milliseconds_after_a_change']} ms")


if __name__ == "__main__":
    main()
