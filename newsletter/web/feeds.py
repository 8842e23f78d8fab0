"""What programs read of the archive: Atom feeds of issues and of topics, a site map, robots.txt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from newsletter.model import Issue, Paper, Topic
from newsletter.ranking.interests import topic_text
from newsletter.web.archive import came_out, in_order, shown
from newsletter.web.parts import Here, Parts

router = APIRouter()

_IN_FEED = 20  # issues
_OF_TOPIC = 40  # papers
_LOOKED_AT = 400  # papers near to a topic, of which the newest are told
_NAMED = 10  # papers of an issue in the feed
_MAPPED = 20_000  # papers in a site map; the protocol allows 50,000
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets
_PERSONAL = ("address", "confirm", "feedback", "my-data", "preferences", "unsubscribe", "view", "admin")


@router.get("/feed.xml")
def feed(here: Here, topic: str = "") -> Response:
    """Give an Atom feed (RFC 4287) of the latest issues, or of the latest papers on a topic of the catalogue."""
    if topic:
        if topic not in here.topics:
            raise HTTPException(404)
        return _xml(here, "topic.xml", **_of_topic(here, here.topics[topic]))
    entries: list[tuple[Issue, int, Sequence[Paper]]] = []
    for day in here.store.archive.days(_IN_FEED):
        for one in came_out(here, day)[:1]:
            top = here.store.archive.papers(one.window, _NAMED)
            entries.append((one, here.store.papers.count(one.window), top))
    updated = max((one.window.end for one, _, _ in entries), default=_long_ago(here))
    return _xml(here, "feed.xml", entries=entries, updated=updated)


@router.get("/feeds")
def feeds(here: Here) -> Response:
    """List the feeds there are."""
    fields: dict[str, list[Topic]] = {}
    for topic in here.topics.values():
        fields.setdefault(topic.field, []).append(topic)
    return here.pages.page("feeds", public=True, fields=fields)


@router.get("/sitemap.xml")
def sitemap(here: Here) -> Response:
    """Give the addresses of issues and papers (https://www.sitemaps.org/protocol.html)."""
    days = here.store.archive.days(_MAPPED)
    return _xml(here, "sitemap.xml", "application/xml", days=days, papers=here.store.archive.modified(_MAPPED))


@router.get("/robots.txt")
def robots(here: Here) -> Response:
    """Keep well-behaved programs away from pages that are somebody's own."""
    base = here.pages.base
    lines = [
        "User-agent: *",
        *(f"Disallow: {base}/{name}/" for name in _PERSONAL),
        f"Disallow: {base}/search",
        f"Sitemap: {here.site.url}/sitemap.xml",
    ]
    return PlainTextResponse("\n".join(lines) + "\n", headers={"Cache-Control": "public, max-age=86400"})


def _of_topic(here: Parts, topic: Topic) -> dict[str, Any]:
    """Give the newest papers that are about a topic, or have one of its keywords where meanings are not there yet."""
    keys = here.meanings.about(topic_text(topic), _LOOKED_AT)
    for keyword in topic.keywords:
        keys += here.store.search.keys([keyword], _OF_TOPIC)
    newest = sorted(in_order(here, keys), key=lambda paper: paper.first_seen_at, reverse=True)[:_OF_TOPIC]
    updated = max((paper.first_seen_at for paper in newest), default=_long_ago(here))
    return {"topic": topic, "papers": [shown(paper) for paper in newest], "updated": updated}


def _xml(here: Parts, name: str, kind: str = "application/atom+xml", **values: Any) -> Response:
    text = _NO_XML.sub("", here.pages.render(name, **values))
    return Response(text.encode("utf-8"), media_type=kind, headers={"Cache-Control": "public, max-age=600"})


def _long_ago(here: Parts) -> datetime:
    return datetime(1970, 1, 1, tzinfo=here.now().tzinfo)
