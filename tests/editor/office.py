"""An editor's page that is served over an installation with a few papers, and templates of its own to be changed."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from newsletter import assets
from newsletter.config import Database, DeliverySettings, Fetching, Ranking, Rendering, Settings, Site
from newsletter.editor.app import application
from newsletter.editor.desk import Desk
from newsletter.model import Digest, InterestProfile, NewSubscriber, SubscriberStatus
from newsletter.store import Store
from tests.cli.desk import parsed
from tests.web.house import PAPERS, Clock

TOKEN = "a-token-of-tests"
PROFILE = 'keywords = ["speech"]\n'


@dataclass
class Office:
    """`url` ends in the token and a slash; `own` is the folder of templates, `profile` the profile file."""

    url: str
    desk: Desk
    folder: Path
    client: httpx.Client

    @property
    def own(self) -> Path:
        return self.folder / "own"

    @property
    def profile(self) -> Path:
        return self.folder / "me.toml"

    def show(self, status: int = 200, **asked: Any) -> Any:
        answer = self.client.post("show", json=asked)
        assert answer.status_code == status, answer.text
        return answer.json()

    def mails(self) -> list[EmailMessage]:
        return [parsed(file.read_bytes()) for file in (self.folder / "mail" / "new").glob("*")]


@contextmanager
def opened(folder: Path, *, readers: bool = True) -> Iterator[Office]:
    """Serve the page from a folder; its clock is the real one, as is the editor's."""
    own, profile = folder / "own", folder / "me.toml"
    shutil.copytree(assets.TEMPLATES / "email", own / "email")
    shutil.copytree(assets.TEMPLATES / "themes", own / "themes")
    profile.write_text(PROFILE)
    settings = Settings(
        site=Site(name="Dunes Daily", url="https://dunes.lab.test", operator="me@lab.test"),
        database=Database(url=f"sqlite:///{folder / 'newsletter.db'}"),
        delivery=DeliverySettings(maildir=folder / "mail"),
        rendering=Rendering(templates=own),
        ranking=Ranking(encoder="wordllama"),
        fetching=Fetching(allow_private=True),
    )
    with Store(settings.database.url) as store:
        now = Clock()()
        store.papers.add(Digest("Dunes daily", PAPERS, now.date()), source="dunes", now=now)
        if readers:
            reader = NewSubscriber("ada@lab.test", InterestProfile(keywords=("dunes",)), status=SubscriberStatus.ACTIVE)
            store.subscribers.add(reader, now=now)
        desk = Desk(settings, store, profile=profile)
        with served(desk) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield Office(url, desk, folder, client)


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    app = application(desk, TOKEN, lambda: server.should_exit)
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, lifespan="off", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/{TOKEN}/"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()
