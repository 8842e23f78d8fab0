"""What strangers may try: scanners, forged tokens and headers, code in every field, questions that tell too much."""

from __future__ import annotations

import logging
import re
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter.config import Admin, Site, Smtp, Web
from newsletter.errors import NotFoundError
from newsletter.model import InterestProfile, SubscriberStatus
from tests.store.rows import EVER, dump, edition, message_ids, sketch
from tests.web.house import HOSTILE, House, running, words
from tests.web.test_admin import HASH
from tests.web.test_subscribe import WISH, asked, plain

SECRET = "the-signing-secret-of-this-installation"
PATHS = ("/", "/subscribe", "/preferences", "/issues", "/search?q=sand", "/feeds", "/feed.xml", "/sitemap.xml",
         "/robots.txt", "/healthz", "/nothing", "/admin", "/api/openapi.json", "/api/v1/papers")  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("security")
    sections: dict[str, Any] = {
        "site": Site(secret=SecretStr(SECRET), url="https://newsletter.example.org"),
        "smtp": Smtp(password=SecretStr("the-password-of-the-mail-server")),
        "admin": Admin(password_hash=SecretStr(HASH)),
    }
    with running(f"sqlite:///{folder / 'newsletter.db'}", folder, **sections) as house:
        house.store.issues.open(replace(sketch(house.clock().date()), window=EVER), now=house.clock())
        house.post("/preview")
        house.parts.foretaste.finish()
        yield house


def every_link(house: House) -> list[str]:
    """Have one mail of each kind sent, and give every link in them as a path."""
    house.post(asked(house, email="scanned@lab.example", topics=[], keywords="dunes"))
    house.parts.errands.finish()
    reader = house.store.subscribers.get("scanned@lab.example")
    house.post("/preferences", {"email": reader.email})
    house.post(f"{house.preferences(reader)}/address", {"email": "scanned@home.example"})
    asked(house, email="asked@lab.example")
    bodies = []
    for mail in house.mails():
        html = mail.get_body(("html",))
        bodies += [plain(mail), html.get_content() if html else "", str(mail["List-Unsubscribe"])]
    found = re.findall(r"https://newsletter\.example\.org(/[^\s\"<>]*)", "\n".join(bodies))
    kinds = {path.split("/")[1] for path in found}
    assert {"confirm", "preferences", "unsubscribe", "feedback", "view", "address", "issues"} <= kinds
    return sorted(set(found))


def kept(house: House) -> dict[str, Any]:
    """All rows but vectors of papers, which are only worked out again and again."""
    return {name: rows for name, rows in dump(house.store).items() if name != "vectors"}


def test_a_scanner_that_asks_for_every_link_of_every_mail_changes_nothing(house: House) -> None:
    links = every_link(house)
    before = kept(house)
    for path in links:
        assert house.get(path).status_code == house.client.head(path).status_code == 200, path
    house.parts.errands.finish()
    assert kept(house) == before


@pytest.mark.chromium
def test_nor_does_one_that_opens_them_in_a_browser_with_scripts(browser: Any, house: House) -> None:
    links = every_link(house)
    before = kept(house)
    page = browser.new_page()
    for path in links:
        page.goto(house.url + path)
        page.wait_for_timeout(100)
    page.close()
    house.parts.errands.finish()
    assert kept(house) == before


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "/%2f%2fevil.example", "/issues//evil.example",
                                  "/search?q=x&next=https://evil.example", "/subscribe/", "/admin/"])  # fmt: skip
def test_no_address_sends_a_browser_elsewhere(house: House, path: str) -> None:
    for method in ("GET", "POST"):
        answer = house.client.request(method, house.url + path)
        assert not 300 <= answer.status_code < 400
        assert "Location" not in answer.headers


def test_code_in_any_field_is_text_and_no_template_runs(house: House) -> None:
    fields = ("email", "sought", "interests", "keywords", "authors", "muted", "examples", "timezone", "language",
              "hour", "papers", "cadence", "topics", "website")  # fmt: skip
    for do in ("subscribe", "find", "preview"):
        page = house.post("/subscribe", {**dict.fromkeys(fields, HOSTILE), "do": do})
        assert "<script>alert" not in page.text
        assert "onmouseover=alert(2)>" not in page.text
        assert " 49" not in words(page)
    for path in ("/search", "/feed.xml", "/issues"):
        page = house.get(path, params={"q": HOSTILE, "topic": HOSTILE, "page": 1})
        assert "<script>alert" not in page.text


INJECTIONS = (
    """' OR 1=1 --|" OR rowid > 0 --|a* OR b|NEAR(a b)|title:sand|^sand|%|_|(|:*|sand'); DROP TABLE papers; --"""
)


@pytest.mark.parametrize("typed", [*INJECTIONS.split("|"), "\\", "& | !", "\x00"])
def test_search_takes_nothing_for_a_query_of_the_database(house: House, typed: str) -> None:
    assert house.get("/search", params={"q": typed}).status_code == 200
    assert house.store.papers.count() == 3


def test_a_token_tells_nothing_by_the_time_that_it_takes(house: House) -> None:
    right = house.tokens.unsubscribe("somebody")
    payload, _, signature = right.rpartition(".")
    early = f"{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    late = f"{payload}.{signature[:-2]}{'A' if signature[-2] != 'A' else 'B'}{signature[-1]}"
    taken: dict[str, list[float]] = {early: [], late: []}
    for _ in range(400):
        for token, times in taken.items():
            start = time.perf_counter()
            with pytest.raises(NotFoundError):
                house.tokens.read_unsubscribe(token)
            times.append(time.perf_counter() - start)
    first, last = (statistics.median(times) for times in taken.values())
    assert 0.5 < first / last < 2


@pytest.mark.parametrize("known", ["nobody", "active", "forgotten"])
def test_a_page_is_answered_before_it_is_looked_up_who_is_known(house: House, known: str) -> None:
    """So that its time tells nothing: while errands have to wait, every answer comes all the same."""
    email = f"{known}@timing.example"
    if known == "active":
        house.subscriber(email)
    wait = threading.Event()
    house.parts.errands.run(lambda: assert_waited(wait))
    try:
        assert house.post("/subscribe", {**WISH, "email": email}).status_code == 200
        assert house.post("/preferences", {"email": email}).status_code == 200
    finally:
        wait.set()
        house.parts.errands.finish()


def assert_waited(event: threading.Event) -> None:
    assert event.wait(20)


def test_secrets_and_tokens_are_in_no_page_and_no_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reader = house.subscriber("secret@lab.example", profile=InterestProfile(keywords=("dunes",)))
    token = house.preferences(reader)
    texts = [house.get(path).text for path in (*PATHS, token, f"{token}/learned", house.unsubscribe(reader))]
    house.get(token[:-3])
    house.post(token, {"hour": "nonsense"})
    for secret in (SECRET, "the-password-of-the-mail-server", HASH, house.parts.secret):
        assert not any(secret in text for text in texts)
        assert secret not in caplog.text
    ours = [record for record in caplog.records if record.name.startswith(("newsletter", "uvicorn"))]
    assert token.rpartition("/")[2] not in "".join(record.getMessage() for record in ours)


def test_where_a_visitor_comes_from_is_believed_of_named_proxies_only(tmp_path: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'n.db'}", tmp_path, web=Web(proxies=())) as house:
        codes = [
            house.post(
                "/subscribe",
                {**WISH, "email": f"a{number}@lab.example"},
                headers={"X-Forwarded-For": f"192.0.2.{number}", "X-Forwarded-Proto": "https"},
            )
            for number in range(21)
        ]
        assert [answer.status_code for answer in codes] == [200] * 20 + [429]
        assert "Strict-Transport-Security" not in codes[0].headers


def test_every_page_has_the_policy_and_no_inline_script_or_style(house: House) -> None:
    reader = house.subscriber("policy@lab.example")
    [issue] = house.store.issues.on(house.clock().date())
    made = edition(issue, reader, house.papers["dunes"])
    house.store.issues.publish([made], message_ids([made]), now=house.clock())
    view = f"/view/{house.tokens.view(reader.public_id, issue.day, issue.cadence)}"
    own = [house.preferences(reader), f"{house.preferences(reader)}/learned", house.unsubscribe(reader), view]
    for path in (*PATHS, *own):
        answer = house.get(path)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son[a-z]+=\"|javascript:", answer.text), path
        assert answer.headers.get("Set-Cookie") is None
        assert len(answer.content) < 100_000, path


def test_who_is_suppressed_is_mailed_by_none_of_it(house: House) -> None:
    reader = house.subscriber("never@lab.example", status=SubscriberStatus.SUPPRESSED)
    before = len(house.mails())
    house.post("/subscribe", {**WISH, "email": reader.email})
    house.post("/preferences", {"email": reader.email})
    house.post(house.unsubscribe(reader), {"act": "back"})
    assert len(house.mails()) == before
    assert house.again(reader).status is SubscriberStatus.SUPPRESSED
