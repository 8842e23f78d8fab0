"""An HTTP server on loopback that takes mail as Amazon SES does, and answers what a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from newsletter.delivery.ses import SesAccount
from newsletter.delivery.sigv4 import Credentials, signed

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@dataclass(frozen=True)
class Taken:
    sender: str
    recipient: str
    data: bytes
    configuration_set: str | None


@dataclass
class Amazon:
    """`answers` are given in turn before mail is taken: a status and an error, or what is to happen instead."""

    received: list[Taken] = field(default_factory=list)
    answers: deque[tuple[int, str] | str] = field(default_factory=deque)
    url: str = ""

    def account(self, **changed: Any) -> SesAccount:
        given = {"endpoint": self.url, "region": "eu-west-1", "access_key_id": KEY, "secret_access_key": SECRET}
        return SesAccount(**{**given, "timeout": 5.0, **changed})

    @contextmanager
    def running(self) -> Iterator[Amazon]:
        amazon = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                amazon.answer(self, body)

            def do_GET(self) -> None:
                amazon.account_of(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if not self.known(handler, "POST", body):
            return self.say(handler, 403, "InvalidSignatureException")
        if self.answers:
            match self.answers.popleft():
                case (int(status), str(name)):
                    return self.say(handler, status, name)
                case "take and vanish":
                    self.take(body)
                    handler.connection.close()
                    handler.close_connection = True
                    return None
                case "sleep":
                    time.sleep(2)
                    handler.close_connection = True
                    return None
        self.take(body)
        return self.send(handler, 200, {"MessageId": f"{len(self.received):08x}"})

    def account_of(self, handler: BaseHTTPRequestHandler) -> None:
        if not self.known(handler, "GET", b""):
            return self.say(handler, 403, "InvalidSignatureException")
        return self.send(handler, 200, {"SendingEnabled": "disabled" not in self.answers})

    def take(self, body: bytes) -> None:
        said = json.loads(body)
        [recipient] = said["Destination"]["ToAddresses"]
        data = base64.b64decode(said["Content"]["Raw"]["Data"], validate=True)
        self.received.append(Taken(said["FromEmailAddress"], recipient, data, said.get("ConfigurationSetName")))

    def known(self, handler: BaseHTTPRequestHandler, method: str, body: bytes) -> bool:
        """Sign what came once more, as Amazon does."""
        said = handler.headers["Authorization"]
        names = re.findall(r"SignedHeaders=([^,]+)", said)[0].split(";")
        moment = datetime.strptime(handler.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        headers = {name: handler.headers[name] for name in names if name not in {"host", "x-amz-date"}}
        who = Credentials(KEY, SECRET, "eu-west-1", "ses")
        url = f"http://{handler.headers['Host']}{handler.path}"
        right = signed(who, method, url, body, headers, now=moment)["authorization"]
        return hashlib.sha256(right.encode()).digest() == hashlib.sha256(said.encode()).digest()

    def say(self, handler: BaseHTTPRequestHandler, status: int, name: str) -> None:
        self.send(handler, status, {"message": f"about {name}"}, {"x-amzn-ErrorType": f"{name}:http://internal/"})

    @staticmethod
    def send(
        handler: BaseHTTPRequestHandler, status: int, document: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(document).encode()
        handler.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        write: Callable[[bytes], object] = handler.wfile.write
        write(body)
