"""Words that mean harm, through every mail that can carry them: they stay words."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from newsletter.model import Cadence
from newsletter.rendering import AlertView, Finding, Rendered, Renderer, SiteView
from newsletter.rendering.plaintext import columns
from newsletter.rendering.renderer import LONGEST_SUBJECT, SIZE_LIMIT
from tests.rendering.editions import SITE, message, paper, view
from tests.rendering.mails import as_message
from tests.rendering.notices import NOTICES
from tests.rendering.pages import document

HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "jinja": "{{ 7*7 }} {% for x in y %} {# z #} [[light.accent]] %(count)s %s",
    "quotes": "\"double\" 'single' “curly” `back` > < & &amp;",
    "endings": "]]> --> <![endif]--> </style> </td></table>",
    "headers": "Subject\r\nBcc: everybody@example.com\r\n\r\n<b>body</b>",
    "long": "word " * 1_000,
    "endless": "x" * 5_000,
    "turned": "abc \u202e gnp.exe \u2067 \u200f end",
    "wide": "研究" * 2_000,
}


def whole(rendered: Rendered, data: bytes) -> Any:
    """The page, once it is certain that the message is one: two parts, no header more, no line too wide."""
    mail = message_from_bytes(data, policy=default)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["Bcc"] is None
    assert "\n" not in rendered.subject
    assert len(rendered.subject) <= LONGEST_SUBJECT
    assert len(rendered.html.encode()) <= SIZE_LIMIT
    wide = [line for line in rendered.text.split("\n") if columns(line) > 76 and "://" not in line]
    assert wide == []
    page = document(rendered.html)
    assert not page.cssselect("script, iframe, object, form, input, img[onerror]")
    assert not page.xpath("//@onerror | //@onload | //@onclick")
    assert {link.get("href").partition(":")[0] for link in page.iter("a")} <= {"https"}
    return page


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("mail", ["daily", "weekly", "glance", "test"])
def test_a_paper_says_what_it_says(renderer: Renderer, name: str, mail: str) -> None:
    words = HOSTILE[name]
    papers = [
        paper(
            key, title=words, abstract=f"We show that {words} harms nobody.", authors=(words,), categories=(words[:50],)
        )
        for key in (1, 2, 3)
    ]
    shown = view(
        papers, brief=3 if mail == "glance" else 1, cadence=Cadence.WEEKLY if mail == "weekly" else Cadence.DAILY
    )
    rendered = renderer.render(replace(shown, mail="test") if mail == "test" else shown)
    page = whole(rendered, message(rendered).data)
    title = page.cssselect(".brief a")[0].text_content()
    assert " ".join(words.split())[:200] in " ".join(title.split()) or title.endswith("…")
    if name == "jinja":
        assert "{{ 7*7 }}" in page.text_content()
        assert "{{ 7*7 }}" in rendered.text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_site_may_be_called_anything(renderer: Renderer, name: str) -> None:
    words = " ".join(HOSTILE[name].split())[:200].replace("\u202e", "").replace("\u2067", "").replace("\u200f", "")
    site = SiteView(words, SITE.url, words)
    for view_ in NOTICES:
        rendered = renderer.fill(replace(view_, site=site))
        whole(rendered, as_message("confirm", rendered).data)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_servers_and_sources_say_reaches_the_operator_as_words(renderer: Renderer, name: str) -> None:
    words = HOSTILE[name]
    alert = AlertView(
        site=SITE, title=words, introduction=words, findings=(Finding(words, words),) * 3, advice=(words,)
    )
    rendered = renderer.fill(alert)
    whole(rendered, as_message("alert", rendered).data)
