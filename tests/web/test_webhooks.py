"""Webhooks: a real server is told, by a call that only we can have made; nobody inside our network is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from newsletter.config import Fetching
from newsletter.patience import rest
from newsletter.web import happenings
from newsletter.webhooks import send_due
from tests.web.house import House, running
from tests.web.test_subscribe import asked


class Listener(HTTPServer):
    """Notes what it is told, and answers with `status`."""

    status = 204
    told: list[tuple[dict[str, str], bytes]]
    again: threading.Event


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((dict(self.headers), body))
        if len(self.server.told) > 1:
            self.server.again.set()
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener(("127.0.0.1", 0), _Handler)
    server.told, server.again = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An installation that may call addresses of its own network."""
    with running(f"sqlite:///{tmp_path / 'n.db'}", tmp_path, fetching=Fetching(allow_private=True)) as house:
        yield house


def url(listener: Listener) -> str:
    return f"http://127.0.0.1:{listener.server_port}/told"


def test_what_happens_is_told_signed_and_without_an_address(house: House, listener: Listener) -> None:
    hook = house.store.webhooks.add(
        url(listener), ["subscriber.confirmed", "subscriber.unsubscribed"], now=house.clock()
    )
    house.post(asked(house))
    house.parts.calls.finish()
    reader = house.store.subscribers.get("ada@lab.example")
    house.post(house.unsubscribe(reader))
    house.post(house.unsubscribe(reader))
    house.parts.calls.finish()
    assert [json.loads(body)["type"] for _, body in listener.told] == [
        "subscriber.confirmed",
        "subscriber.unsubscribed",
    ]
    headers, body = listener.told[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = base64.b64encode(hmac.new(hook.secret.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"
    assert json.loads(body)["data"] == {"id": reader.public_id}
    assert b"ada@" not in body.lower()


def test_a_call_that_fails_is_made_again_later_with_the_same_id(house: House, listener: Listener) -> None:
    house.store.webhooks.add(url(listener), ["subscriber.erased"], now=house.clock())
    listener.status = 500
    for number in range(2):
        reader = house.subscriber(f"p{number}@lab.example")
        token = house.tokens.my_data(reader.public_id, house.clock().date())
        house.post(f"/my-data/{token}", {"sure": "yes"})
        house.parts.calls.finish()
        listener.status = 204
        house.clock.pass_(minutes=2)
    ids = [headers["webhook-id"] for headers, _ in listener.told]
    assert ids[0] == ids[1] or ids[0] == ids[2]
    assert len(ids) == 3
    assert [rest(attempts) for attempts in (1, 2, 8)] == [timedelta(minutes=1), timedelta(minutes=3), None]


def test_a_server_that_does_not_answer_holds_up_no_mail_to_who_signs_up(house: House, listener: Listener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        house.store.webhooks.add(where, ["subscriber.unsubscribed"], now=house.clock())
        house.post(house.unsubscribe(house.subscriber("bob@lab.example")))
        called, _ = silent.accept()
        with called:
            told = b""
            while not told.endswith(b"}}"):
                told += called.recv(100_000)
            assert "/confirm/" in asked(house)  # the mail that asks back is there
            called.setblocking(False)
            with pytest.raises(BlockingIOError):  # and we are still waiting for an answer
                called.recv(100_000)
    house.parts.calls.finish()


def test_the_end_of_the_program_waits_for_one_call_at_the_most(house: House, listener: Listener) -> None:
    house.store.webhooks.add(url(listener), ["issue.paused"], now=house.clock())
    for _ in range(5):
        house.store.webhooks.happened("issue.paused", {"day": "2026-08-20"}, now=house.clock())
    made = send_due(house.store, now=house.clock, allow_private=True, stop=lambda: len(listener.told) == 1)
    assert made == len(listener.told) == 1
    house.clock.pass_(minutes=6)
    assert send_due(house.store, now=house.clock, allow_private=True) == 4


def test_nothing_inside_our_network_is_called_unless_that_is_allowed(tmp_path: Path, listener: Listener) -> None:
    with running(f"sqlite:///{tmp_path / 'n.db'}", tmp_path) as house:
        # It may have been kept while it was allowed, or its name may lead elsewhere by now.
        house.store.webhooks.add(url(listener), ["subscriber.unsubscribed"], now=house.clock())
        house.post(house.unsubscribe(house.subscriber()))
        house.parts.calls.finish()
        assert listener.told == []
        key = house.store.api_keys.add("hooks", ["webhooks:write"], now=house.clock())
        for bad in ("http://127.0.0.1:22/", "file:///etc/passwd", "http://user:pw@hooks.example/", "gopher://x/"):
            answer = house.client.post(
                "/api/v1/webhooks",
                json={"url": bad, "events": ["subscriber.erased"]},
                headers={"Authorization": f"Bearer {key}"},
            )
            assert answer.status_code == 422, bad


def test_a_webhook_is_made_with_a_secret_that_is_told_once(house: House, listener: Listener) -> None:
    key = house.store.api_keys.add("hooks", ["webhooks:read", "webhooks:write"], now=house.clock())
    headers = {"Authorization": f"Bearer {key}"}
    made = house.client.post(
        "/api/v1/webhooks", json={"url": url(listener), "events": ["issue.paused"]}, headers=headers
    ).json()
    assert len(made["secret"]) > 30
    assert "secret" not in house.get("/api/v1/webhooks", headers=headers).json()[0]
    assert house.client.delete(f"/api/v1/webhooks/{made['key']}", headers=headers).status_code == 204
    assert house.get("/api/v1/webhooks", headers=headers).json() == []


def test_while_the_pages_are_served_calls_that_failed_are_made_again(
    house: House, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(happenings, "_MINUTE", 0.01)
    house.store.webhooks.add(url(listener), ["issue.paused"], now=house.clock())
    listener.status = 503
    happenings.tell(house.parts, "issue.paused", {"day": "2026-08-20"})
    house.parts.calls.finish()
    assert len(listener.told) == 1
    house.clock.pass_(minutes=2)
    listener.status = 204
    with happenings.trying_again(lambda: house.parts):
        assert listener.again.wait(20)
    house.parts.calls.finish()
    assert len(listener.told) == 2
