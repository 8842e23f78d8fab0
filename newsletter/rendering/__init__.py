"""Edition → Message: `view` says what there is to tell, `Renderer` puts it into words and HTML, `compose` makes mail.

say = renderer.language(subscriber.language)
view = edition_view(edition, papers, site, links, say=say, considered=187)
message = compose(renderer.render(view), site=site, links=links, sender=..., recipient=..., ...)

Every other mail has a type of its own in `mails`: `renderer.fill(WelcomeView(site=site, ...))`.
"""

from newsletter.rendering.language import ENGLISH, Language, available, language
from newsletter.rendering.mails import (
    AddressView,
    AlertView,
    ConfirmView,
    Finding,
    GoodbyeView,
    Notice,
    PreferencesView,
    SiteView,
    WelcomeView,
)
from newsletter.rendering.mime import compose, compose_notice
from newsletter.rendering.renderer import Rendered, Renderer
from newsletter.rendering.summary import key_sentences
from newsletter.rendering.view import (
    CardView,
    EditionView,
    LineView,
    Links,
    LinkView,
    PaperView,
    Written,
    edition_view,
    paper_links,
    paper_title,
)
from newsletter.rendering.written import Writer

__all__ = [
    "ENGLISH",
    "AddressView",
    "AlertView",
    "CardView",
    "ConfirmView",
    "EditionView",
    "Finding",
    "GoodbyeView",
    "Language",
    "LineView",
    "LinkView",
    "Links",
    "Notice",
    "PaperView",
    "PreferencesView",
    "Rendered",
    "Renderer",
    "SiteView",
    "WelcomeView",
    "Writer",
    "Written",
    "available",
    "compose",
    "compose_notice",
    "edition_view",
    "key_sentences",
    "language",
    "paper_links",
    "paper_title",
]
