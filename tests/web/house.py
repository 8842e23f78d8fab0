"""An installation whose pages are served, and what tests do with it."""

from __future__ import annotations

import html
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from newsletter.config import Database as DatabaseSettings
from newsletter.config import DeliverySettings, Settings
from newsletter.model import (
    Answer,
    Digest,
    InterestProfile,
    NewSubscriber,
    PaperRecord,
    Subscriber,
    SubscriberStatus,
)
from newsletter.store import Store
from newsletter.subscriptions.tokens import Tokens
from newsletter.web.app import application
from newsletter.web.parts import Parts, assemble
from newsletter.web.server import configured
from tests.cli.desk import parsed

HOSTILE = '<script>alert(1)</script> "quoted" & <b onmouseover=alert(2)>bold</b> {{ 7 * 7 }}'
PAPERS = (
    PaperRecord(
        "Dunes that sing, and how sand grains keep time",
        "Sand dunes hum when they slide. We measure 40 dunes and show that grain size sets the pitch.",
        authors=("Ada Lovelace", "Marie Curie"),
        url="https://arxiv.org/abs/2508.00001",
        arxiv_id="2508.00001",
        categories=("physics.geo-ph",),
        upvotes=12,
    ),
    PaperRecord(
        HOSTILE,
        f"An abstract that means harm: {HOSTILE}",
        authors=("<i>Mallory</i>",),
        url="https://example.org/?a=1&b=<2>",
        doi="10.1000/harm(1)<2>",
        upvotes=99,
    ),
    PaperRecord("Speech recognition without speech", "A short abstract on speech.", arxiv_id="2508.00003"),
)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 8, 20, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        """Let time pass: `days=91`."""
        self.now += timedelta(**time)


@dataclass
class House:
    """A running installation. `client` asks its pages; `url` is where they are."""

    parts: Parts
    clock: Clock
    url: str
    folder: Path
    client: httpx.Client
    papers: dict[str, int] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.parts.store

    @property
    def tokens(self) -> Tokens:
        return self.parts.tokens

    def subscriber(self, email: str = "ada@lab.example", **fields: Any) -> Subscriber:
        """Subscribe somebody, actively unless said otherwise."""
        given = {"profile": InterestProfile(keywords=("dunes",)), "status": SubscriberStatus.ACTIVE, **fields}
        return self.store.subscribers.add(NewSubscriber(email, **given), now=self.clock())

    def again(self, reader: Subscriber) -> Subscriber:
        """Give a subscriber as they are by now."""
        return self.store.subscribers.by_key([reader.key])[reader.key]

    def unsubscribe(self, reader: Subscriber) -> str:
        return f"/unsubscribe/{self.tokens.unsubscribe(reader.public_id)}"

    def preferences(self, reader: Subscriber) -> str:
        return f"/preferences/{self.tokens.preferences(reader.public_id, self.clock().date())}"

    def feedback(self, reader: Subscriber, paper: str, *, liked: bool) -> str:
        key = self.papers[paper]
        token = self.tokens.feedback(reader.public_id, key, liked=liked, day=self.clock().date())
        return f"/feedback/{token}"

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        return self.client.post(path, data=data, **more)

    def mails(self) -> list[EmailMessage]:
        """Give the mails that were sent, in the order they went, once all that is to be done is done."""
        self.parts.errands.finish()
        files = sorted((self.folder / "mail/new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [parsed(path.read_bytes()) for path in files]

    def answers(self, reader: Subscriber) -> list[tuple[str, bool]]:
        """What somebody answered, without the dates."""

        def plain(answer: Answer) -> tuple[str, bool]:
            return answer.paper, answer.liked

        return [plain(answer) for answer in self.again(reader).profile.answers]


def words(answer: httpx.Response) -> str:
    """Give what a page says, without its tags."""
    main = re.search(r"<main.*?</main>", answer.text, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main[0] if main else answer.text)).split())


@contextmanager
def served(parts: Parts) -> Iterator[str]:
    """Serve the pages on a port of their own, and give its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(configured(application(parts), parts.settings))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()


@contextmanager
def running(database: str, folder: Path, **sections: Any) -> Iterator[House]:
    """Run an installation over a database."""
    settings = Settings(
        database=DatabaseSettings(url=database), delivery=DeliverySettings(maildir=folder / "mail"), **sections
    )
    with Store(database) as store:
        clock = Clock()
        store.papers.add(Digest("Dunes daily", PAPERS, clock().date()), source="dunes", now=clock())
        parts = assemble(settings, store, now=clock)
        with served(parts) as url, httpx.Client(base_url=url, timeout=20) as client:
            house = House(parts, clock, url, folder, client)
            found = store.papers.keys(["arxiv:2508.00001", "arxiv:2508.00003", "doi:10.1000/harm(1)<2>"])
            house.papers = {"dunes": found["arxiv:2508.00001"], "speech": found["arxiv:2508.00003"]}
            house.papers["hostile"] = found["doi:10.1000/harm(1)<2>"]
            yield house
        parts.close()
