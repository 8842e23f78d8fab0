"""What mails are made of: the templates, the topics, the encoder's files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from newsletter import bootstrap, catalogue
from newsletter.checks.check import Check, failed, ok, warning
from newsletter.config import Settings
from newsletter.model import (
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

TOPICS_CURE = "correct that file or the setting topics; without it the list that ships with the program is used"
ENCODER_CURE = "install newsletter with its dependencies again"


def of_templates(settings: Settings) -> Iterator[Check]:
    """Compile every mail, fill an issue once, and look at the look. Raises TemplateError for the first mistake."""
    from newsletter.rendering import Links, SiteView, edition_view, mails  # noqa: PLC0415  lazy, as in bootstrap

    theme, own = settings.rendering.theme, settings.rendering.templates
    if own is not None and not own.is_dir():
        yield failed(
            "templates",
            f"rendering.templates names {own}, which is no folder, so that mail looks as the program ships it",
            "make the folder, correct rendering.templates or remove it",
        )
        return
    renderer = bootstrap.renderer(settings)
    for mail in mails.ALL:
        renderer.compile(mail)
    site = SiteView(settings.site.name, settings.site.url, settings.site.postal_address)
    links = Links(f"{site.url}/preferences/x", f"{site.url}/unsubscribe/x", f"{site.url}/issues/x", {})
    edition, papers = _sample()
    renderer.render(edition_view(edition, papers, site, links, say=renderer.language("en"), considered=len(papers)))
    for fault in renderer.theme.faults():
        yield warning("theme", fault, "choose a colour that stands out more: not all readers have young eyes")
    if own is not None and not any((own / name).is_dir() for name in ("email", "themes", "web")):
        yield warning(
            "templates",
            f"{own}, which rendering.templates names, has no folder email/ in it, so that nothing of it is used",
            f"put your files where the shipped ones are: {own}/email/daily/body.mjml, for instance",
        )
    else:
        yield ok("templates", f"all mails compile, with the theme {theme}" + (f" and files of {own}" if own else ""))


def _sample() -> tuple[Edition, dict[int, Paper]]:
    """Give an edition with one paper as a card and one as a line, so that every part of a template is filled."""
    now = datetime(2000, 1, 3, tzinfo=UTC)
    papers = {
        key: Paper(key, f"arxiv:0001.0000{key}", f"Title {key}", "A sentence. Another one.", ("An Author",), ("cs.CL",),
                   f"https://arxiv.org/abs/0001.0000{key}", f"0001.0000{key}", "", now, now, 1, "", "", "")
        for key in (1, 2)
    }  # fmt: skip
    reasons = (Reason(ReasonKind.KEYWORD, "word"),)
    picks = Pick(1, 1, Section.FOR_YOU, 1.0, reasons), Pick(2, 2, Section.ALSO_TODAY, 0.5, ())
    reader = Subscriber(1, "x", "reader@example.org", "A Reader", SubscriberStatus.ACTIVE, InterestProfile(),
                        Cadence.DAILY, "UTC", 7, 1, "en", now)  # fmt: skip
    issue = Issue(0, Cadence.DAILY, now.date(), Window(now - timedelta(days=1), now), IssueState.OPEN)
    return Edition(issue, reader, picks), papers


def of_topics(settings: Settings) -> Iterator[Check]:
    """Load the catalogue. Raises ConfigError."""
    yield ok("topics", f"{len(catalogue.load(settings.topics))} topics in {settings.topics}")


def of_encoder(settings: Settings) -> Iterator[Check]:
    """Load the encoder, whose files are held against their checksums. Raises EncoderError."""
    yield ok("encoder", f"{bootstrap.encoder(settings).name}, its files are those it was tested with")
