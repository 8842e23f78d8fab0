"""One of every mail that the product sends, in words."""

from __future__ import annotations

from dataclasses import replace

from newsletter.model import Cadence, Message
from newsletter.rendering import ENGLISH, Language, Rendered, Renderer, compose_notice
from tests.rendering.editions import NOON, golden_view, message, paper, view
from tests.rendering.notices import NOTICES

PICTURE = "https://papers.example.org/pictures/loom.png"
NAMES = (
    "daily", "weekly", "quiet", "glance", "test", "confirm", "known", "welcome", "preferences", "move",
    "moved", "goodbye", "erased", "alert",
)  # fmt: skip


def every(renderer: Renderer, say: Language = ENGLISH) -> dict[str, Rendered]:
    """Give them by name. `glance` is a quiet day with something in brief."""
    pictured = [paper(key, thumbnail=PICTURE) for key in range(1, 7)]
    issues = {
        "daily": golden_view(say),
        "weekly": view(pictured, brief=2, cadence=Cadence.WEEKLY, say=say, pictures=True),
        "quiet": view([], say=say),
        "glance": view(pictured[:2], brief=2, say=say),
        "test": replace(golden_view(say), mail="test"),
    }
    notices = dict(zip(NAMES[len(issues) :], NOTICES, strict=True))
    return {
        **{name: renderer.render(one) for name, one in issues.items()},
        **{name: renderer.fill(replace(one, language=say.tag)) for name, one in notices.items()},
    }


def as_message(name: str, rendered: Rendered) -> Message:
    """Give the message of one of them."""
    if name in NAMES[:5]:
        return message(rendered)
    return compose_notice(
        rendered,
        sender="Daily Papers <papers@papers.example.org>",
        recipient="ada@example.com",
        envelope_sender="bounces@papers.example.org",
        message_id="<notice@papers.example.org>",
        date=NOON,
    )
