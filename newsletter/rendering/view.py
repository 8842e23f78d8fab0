"""What a template sees of an edition: strings and plain values, ready to be set, nothing to be worked out.

`edition_view` is pure. All text is plain (the HTML template escapes it) and bounded, so that no paper, however hostile
its title, can make a mail of any size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from operator import attrgetter
from urllib.parse import quote
from zoneinfo import ZoneInfo

from newsletter.abstracts import usable
from newsletter.model import Cadence, Edition, Paper, Reason, ReasonKind, Section
from newsletter.phrases import spans
from newsletter.rendering import words
from newsletter.rendering.language import Language
from newsletter.rendering.mails import SiteView
from newsletter.rendering.patchwork import link
from newsletter.rendering.summary import key_sentences, shorten
from newsletter.rendering.typeset import typeset

_LONGEST_TITLE = 300
_LONGEST_LABEL = 80
_LONGEST_URL = 1500
_LONGEST_SUMMARY = 240
_MOST_REASONS = 3
_MOST_CATEGORIES = 4
_NO_ANSWERS = "", ""
_rank = attrgetter("rank")


@dataclass(frozen=True, slots=True)
class Links:
    """One subscriber's own pages. `feedback` maps paper keys to (more like this, not for me); it may lack papers.

    `browser` shows this very mail; where there is no such page, `archive` has the day's papers.
    """

    preferences: str
    unsubscribe: str
    archive: str
    feedback: Mapping[int, tuple[str, str]]
    browser: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """Lines that a model wrote, by paper key; it may lack papers."""

    model: str = ""
    summaries: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link of a card. `label` is short and seen; `name` makes sense alone, and begins with the label."""

    label: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text; `marked` where it is a keyword that the reader asked for."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True, eq=False)  # one object for all mails that say the same, told by being the same
class PaperView:
    """What a card says of its paper to all who read that language and have the same words marked, if any.

    `label` is the title, short enough to stand in the names of links; any text may be empty. `summary` is a machine's,
    and `summary_by` says so ("summary by MODEL"); key sentences are the authors'. `meta` is what is said of authors,
    sources and categories, if anything. `picture` is an image's address.
    """

    title: str
    label: str
    url: str
    authors: str
    announced: str
    categories: str
    summary: str
    summary_by: str
    key_sentences: tuple[Part, ...]
    remark: str
    links: tuple[LinkView, ...]
    meta: tuple[str, ...]
    picture: str


@dataclass(frozen=True, slots=True)
class CardView:
    """A pick in full: the paper, why it was picked, and where its reader answers ("more like this", "not for me"), if
    they can.
    """

    paper: PaperView
    why: tuple[str, ...]
    more_url: str
    less_url: str


@dataclass(frozen=True, slots=True)
class LineView:
    """A pick in brief: its title and the strongest reason."""

    title: str
    url: str
    why: str


@dataclass(frozen=True, slots=True)
class EditionView:
    """One subscriber's issue, as a template sees it. `mail` is the folder of its templates: daily, weekly or quiet.

    `unlisted` counts picks that found no room at all (see `Renderer.render`); the archive page has them. `longer`: it
    goes back further than issues of its kind do, so that its papers are not all of today.
    """

    mail: str
    language: str
    title: str
    date: str
    kind: str
    subject: str
    preheader: str
    introduction: str
    cards: tuple[CardView, ...]
    also: tuple[LineView, ...]
    unlisted: int
    provenance: str
    site: SiteView
    preferences_url: str
    unsubscribe_url: str
    archive_url: str
    browser_url: str
    longer: bool = False


@dataclass(frozen=True, slots=True, eq=False)  # as a PaperView
class _Manner:
    """How papers are told of in one edition, and in all others of its kind."""

    say: Language
    site: SiteView
    span: words.Span
    model: str
    pictures: bool


_manner = lru_cache(maxsize=256)(_Manner)


def edition_view(
    edition: Edition,
    papers: Mapping[int, Paper],
    site: SiteView,
    links: Links,
    *,
    say: Language,
    considered: int,
    written: Written | None = None,
    pictures: bool = False,
) -> EditionView:
    """Give what a template sees of `edition`; `considered` is how many papers were looked at for it.

    `papers` must hold every paper that is picked. Picks come in the order of their rank, whatever order they are in.
    `pictures`: cards show the image that a source gave, which tells its server that the mail was opened.
    """
    issue, lines = edition.issue, written or Written()
    since = _missed_since(edition)
    manner = _manner(say, site, _span(issue.cadence, since), lines.model, pictures)
    picks = sorted(edition.picks, key=_rank)
    cards = tuple(
        CardView(
            _paper_view(
                manner, papers[pick.paper_key], _keywords(pick.reasons), lines.summaries.get(pick.paper_key, "")
            ),
            _why(manner, pick.reasons),
            *map(link, links.feedback.get(pick.paper_key, _NO_ANSWERS)),
        )
        for pick in picks
        if pick.section is Section.FOR_YOU
    )
    also = tuple(
        _line(manner, papers[pick.paper_key], pick.reasons[0] if pick.reasons else None)
        for pick in picks
        if pick.section is Section.ALSO_TODAY
    )
    titles = [card.paper.title for card in cards] + [line.title for line in also]
    introduction = words.introduction(say, considered, len(cards), len(also))
    day = say.long_date(issue.day)
    reader = edition.subscriber
    kind = words.issue_kind(say, issue.cadence, since)
    tone = _tone(issue.cadence, since, close=bool(cards))
    return EditionView(
        mail="quiet" if not cards else "weekly" if issue.cadence is Cadence.WEEKLY else "daily",
        language=say.tag,
        title=f"{site.name} · {day}",
        date=day,
        kind=kind,
        subject=words.subject(say, titles, max(len(cards) - 1, 0), considered, tone),
        preheader=words.preheader(titles, cards[0].why if cards else (), introduction, kind if since else ""),
        introduction=introduction,
        cards=cards,
        also=also,
        unlisted=0,
        provenance=words.provenance(say, site.name, reader),
        site=site,
        preferences_url=link(links.preferences),
        unsubscribe_url=link(links.unsubscribe),
        archive_url=link(links.archive),
        browser_url=link(links.browser or links.archive),
        longer=since is not None,
    )


def _missed_since(edition: Edition) -> date | None:
    """Give the day an edition goes back to where its reader missed papers; a first one begins on the day they came."""
    since, reader = edition.since, edition.subscriber
    if since is None or since <= reader.created_at < since + timedelta(days=1):
        return None
    return since.astimezone(ZoneInfo(reader.timezone)).date()


def _span(cadence: Cadence, since: date | None) -> words.Span:
    if since:
        return words.Span.LONGER
    return words.Span.WEEK if cadence is Cadence.WEEKLY else words.Span.DAY


def _tone(cadence: Cadence, since: date | None, *, close: bool) -> words.Tone:
    if not close:
        return words.Tone.GLANCE
    if since:
        return words.Tone.MISSED
    return words.Tone.WEEK if cadence is Cadence.WEEKLY else words.Tone.DAY


def brief(card: CardView) -> LineView:
    """Give a card as a line of "Also today"."""
    return LineView(title=card.paper.title, url=card.paper.url, why=card.why[0] if card.why else "")


@lru_cache(maxsize=8192)
def without_key_sentences(paper: PaperView) -> PaperView:
    """Give what a card says where there is little room."""
    return replace(paper, key_sentences=())


@lru_cache(maxsize=8192)  # one paper stands in many mails of a day
def _paper_view(manner: _Manner, paper: Paper, keywords: tuple[str, ...], summary: str) -> PaperView:
    """Give what a card says; the same object where other keywords mark the same words, if any."""
    return _with_marks(manner, paper, _marked(_said(manner.say, paper).key_sentences, keywords), summary)


@lru_cache(maxsize=8192)
def _with_marks(manner: _Manner, paper: Paper, key_sentences: tuple[Part, ...], summary: str) -> PaperView:
    say = manner.say
    said = _said(say, paper)
    summary = shorten(summary, _LONGEST_SUMMARY)
    return PaperView(
        title=said.title,
        label=said.label,
        url=_url(paper, manner.site),
        authors=said.authors,
        announced=said.announced,
        categories=said.categories,
        summary=summary,
        summary_by=words.summary_by(say, manner.model) if summary else "",
        key_sentences=key_sentences,
        remark=said.remark,
        links=said.links,
        meta=tuple(filter(None, (said.authors, said.announced, said.categories))),
        picture=_picture(paper) if manner.pictures else "",
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of a paper to all who read that language, whatever they have it for."""

    title: str
    label: str
    authors: str
    announced: str
    categories: str
    links: tuple[LinkView, ...]
    key_sentences: str
    remark: str


@lru_cache(maxsize=4096)
def _said(say: Language, paper: Paper) -> _Said:
    title = paper_title(say, paper)
    label = shorten(title, _LONGEST_LABEL)
    readable = usable(paper)
    return _Said(
        title=title,
        label=label,
        authors=words.authors(say, paper.authors),
        announced=words.announced(say, paper.announcements),
        categories=", ".join(paper.categories[:_MOST_CATEGORIES]),
        links=paper_links(say, paper, label),
        key_sentences=typeset(key_sentences(paper.abstract, paper.title)) if readable else "",
        remark="" if readable else words.no_abstract(say),
    )


def _picture(paper: Paper) -> str:
    return paper.thumbnail if paper.thumbnail.startswith("https://") and len(paper.thumbnail) <= _LONGEST_URL else ""


def _marked(text: str, keywords: tuple[str, ...]) -> tuple[Part, ...]:
    """Give the key sentences, with the keywords marked for which the paper was picked."""
    parts: list[Part] = []
    end = 0
    for start, stop in sorted(span for word in keywords for span in spans(text, word)):
        if start >= end:
            parts += [Part(text[end:start], marked=False), Part(text[start:stop], marked=True)]
            end = stop
    return tuple(part for part in (*parts, Part(text[end:], marked=False)) if part.text)


@lru_cache(maxsize=8192)
def _line(manner: _Manner, paper: Paper, reason: Reason | None) -> LineView:
    why = words.reason(manner.say, reason, manner.span) if reason else ""
    return LineView(title=paper_title(manner.say, paper), url=_url(paper, manner.site), why=why)


def paper_title(say: Language, paper: Paper) -> str:
    """Give a title as it is shown: bounded, and never empty."""
    return shorten(typeset(paper.title), _LONGEST_TITLE) or say("Untitled paper")


@lru_cache(maxsize=8192)  # readers of one topic are many
def _why(manner: _Manner, reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    told = dict.fromkeys(words.reason(manner.say, reason, manner.span) for reason in reasons)
    return tuple(told)[:_MOST_REASONS]


@lru_cache(maxsize=8192)
def _keywords(reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    return tuple(reason.matched for reason in reasons if reason.kind is ReasonKind.KEYWORD)


def _url(paper: Paper, site: SiteView) -> str:
    """Where the title leads: the paper's own page, else its arXiv or DOI page, else its page on our site."""
    return _web(paper.url) or _abstract_url(paper) or f"{site.url}/papers/{quote(paper.id, safe=':/.()')}"


def _abstract_url(paper: Paper) -> str:
    if paper.arxiv_id:
        return f"https://arxiv.org/abs/{quote(paper.arxiv_id)}"
    return f"https://doi.org/{quote(paper.doi, safe='/()')}" if paper.doi else ""


def paper_links(say: Language, paper: Paper, label: str) -> tuple[LinkView, ...]:
    """Give where a paper can be read; `label` is its title in the names of the links."""
    wanted: Sequence[tuple[str, str]] = (
        (say("Abstract"), _abstract_url(paper) or _web(paper.url)),
        (say("PDF"), f"https://arxiv.org/pdf/{quote(paper.arxiv_id)}" if paper.arxiv_id else ""),
        (say("Code"), _web(paper.repository)),
        (say("Project page"), _web(paper.project_page)),
    )
    # A name begins with what is seen (WCAG 2.5.3), whatever the language: hence no sentence to translate.
    return tuple(LinkView(label=text, name=f"{text}: {label}", url=url) for text, url in wanted if url)


def _web(url: str) -> str:
    """Give `url` if it is one that may stand in a mail, else ''. Sources filter too; a mail is worth a second look."""
    return url if url.startswith(("https://", "http://")) and len(url) <= _LONGEST_URL else ""
