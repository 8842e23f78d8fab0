"""Edition → Message: `view` says what there is to tell, `Renderer` puts it into words and HTML, `compose` makes mail.

view = edition_view(edition, papers, site, links, considered=187)
rendered = renderer.render(view)
message = compose(rendered, site=site, links=links, sender=..., recipient=..., ...)
"""

from newsletter.rendering.mime import compose, compose_notice
from newsletter.rendering.renderer import MailTemplates, Rendered, Renderer
from newsletter.rendering.summary import key_sentences
from newsletter.rendering.view import (
    CardView,
    EditionView,
    LineView,
    Links,
    LinkView,
    SiteView,
    Written,
    edition_view,
    paper_links,
    paper_title,
)
from newsletter.rendering.written import Writer

__all__ = [
    "CardView",
    "EditionView",
    "LineView",
    "LinkView",
    "Links",
    "MailTemplates",
    "Rendered",
    "Renderer",
    "SiteView",
    "Writer",
    "Written",
    "compose",
    "compose_notice",
    "edition_view",
    "key_sentences",
    "paper_links",
    "paper_title",
]
