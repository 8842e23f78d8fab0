"""An HTTP server on loopback that answers as Zotero's Web API does, or as a test wants."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.sources.replies import Reply

KEY = "aKeyThatIsOnlyForTests1"
Item = dict[str, Any]


def item(title: str, number: int = 0, **data: Any) -> Item:
    """An item as the API gives it."""
    fields = {"itemType": "journalArticle", "title": title, "creators": [], **data}
    return {"key": f"ITEM{number:04d}", "version": 7, "library": {"type": "group"}, "meta": {}, "data": fields}


@dataclass(frozen=True)
class Asked:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Zotero:
    """`libraries` are items by path, as in "/groups/5"; those of `private` need the key that is named there.

    `answers` are given in turn before anything else; None lets an answer be as always. `backoff` is said with each.
    """

    libraries: dict[str, list[Item]] = field(default_factory=dict)
    private: dict[str, str] = field(default_factory=dict)
    answers: deque[Reply | None] = field(default_factory=deque)
    backoff: str = ""
    version: int = 100
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def running(self) -> Iterator[Zotero]:
        zotero = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers))
                zotero.asked.append(asked)
                reply = (zotero.answers.popleft() if zotero.answers else None) or zotero.answer(asked)
                body = reply.body.encode() if isinstance(reply.body, str) else reply.body
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, asked: Asked) -> Reply:
        """Give a page of a library, as the API does."""
        library = "/" + "/".join(asked.path.split("/")[1:3])
        if asked.headers.get("Zotero-API-Version") != "3":
            return Reply("an old version", 400)
        if library in self.private and asked.headers.get("Zotero-API-Key") != self.private[library]:
            return Reply("Forbidden", 403)
        found = self.libraries.get(asked.path.removesuffix("/items/top"))
        if found is None or not asked.path.endswith("/items/top"):
            return Reply("Not found", 404)
        start, limit = int(asked.query["start"]), min(int(asked.query["limit"]), 100)
        headers = {"Total-Results": str(len(found)), "Last-Modified-Version": str(self.version)}
        headers |= {"Backoff": self.backoff} if self.backoff else {}
        return Reply(json.dumps(found[start : start + limit]), headers=headers)
