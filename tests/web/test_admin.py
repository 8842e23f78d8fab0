"""The operator's page: there only with a password, safe from other sites, and of use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from newsletter.config import Admin
from newsletter.model import IssueState
from tests.store.rows import EVER, sketch
from tests.web.house import House, running, words

PASSWORD = "correct horse battery"
HASH = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    admin = Admin(password_hash=SecretStr(HASH))
    with running(f"sqlite:///{tmp_path / 'n.db'}", tmp_path, admin=admin) as house:
        yield house


def logged_in(house: House, **headers: str) -> httpx.Response:
    answer = house.client.post("/admin/login", data={"password": PASSWORD}, headers=headers)
    assert answer.status_code == 200
    return answer


def csrf(page: httpx.Response) -> str:
    return str(re.findall(r'name="csrf" value="(\w+)"', page.text)[0])


def test_without_a_password_in_the_settings_there_is_no_such_page(tmp_path: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'n.db'}", tmp_path) as house:
        for path in ("/admin", "/admin/login", "/admin/logout", "/admin/issues/1"):
            assert house.get(path).status_code in {404, 405}
            assert house.post(path, {"password": ""}).status_code in {404, 405}


def test_the_password_opens_it_and_the_cookie_is_for_that_alone(house: House) -> None:
    house.subscriber()
    house.store.issues.open(replace(sketch(house.clock().date()), window=EVER), now=house.clock())
    assert "Password" in words(house.get("/admin"))
    wrong = house.post("/admin/login", {"password": "guess"})
    assert wrong.status_code == 401
    assert "Set-Cookie" not in wrong.headers
    page = logged_in(house)
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/admin" in cookie
    assert "Secure" not in cookie
    assert "active 1" in words(page)
    assert "2026-08-20" in words(house.get("/admin"))
    assert HASH not in house.get("/admin").text
    for path in ("/", "/subscribe", "/issues"):
        assert "Set-Cookie" not in house.get(path).headers


def test_behind_tls_the_cookie_is_secure_and_browsers_stay_with_tls(house: House) -> None:
    page = logged_in(house, **{"X-Forwarded-Proto": "https"})
    assert "Secure" in page.headers["Set-Cookie"]
    assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "Strict-Transport-Security" not in house.get("/").headers


def test_an_issue_is_paused_and_resumed_only_by_a_form_of_ours(house: House) -> None:
    issue = house.store.issues.open(replace(sketch(house.clock().date()), window=EVER), now=house.clock())
    path, state = f"/admin/issues/{issue.key}", "paused"

    def now() -> IssueState:
        return house.store.issues.by_key([issue.key])[issue.key].state

    assert "Password" in words(house.post(path, {"state": state}))
    token = csrf(logged_in(house))
    assert house.post(path, {"state": state}).status_code == 403
    assert house.post(path, {"state": state, "csrf": "x" * 64}).status_code == 403
    for evil in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"}):
        assert house.post(path, {"state": state, "csrf": token}, headers=evil).status_code == 403
    assert now() is IssueState.OPEN
    assert "is paused" in words(house.post(path, {"state": state, "csrf": token}))
    assert now() is IssueState.PAUSED
    house.post(path, {"state": "open", "csrf": token}, headers={"Origin": house.url})
    assert now() is IssueState.OPEN
    for wrong in ("draft", "nonsense"):
        house.post(path, {"state": wrong, "csrf": token})
    assert house.post("/admin/issues/999", {"state": "paused", "csrf": token}).status_code == 404
    assert house.post(f"/admin/issues/{'9' * 30}", {"state": "paused", "csrf": token}).status_code == 422
    assert now() is IssueState.OPEN


def test_logging_out_ends_it_and_a_forged_cookie_opens_nothing(house: House) -> None:
    token = csrf(logged_in(house))
    out = house.post("/admin/logout", {"csrf": token})
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    assert "Password" in words(house.get("/admin"))
    for forged in ("x", "IngiCg.aaaa.bbbb", ""):
        page = house.get("/admin", headers={"Cookie": f"newsletter_admin={forged}"})
        assert "Password" in words(page)


def test_guessing_is_slowed_down_and_others_can_still_log_in(house: House) -> None:
    def guess(place: str) -> int:
        return house.post("/admin/login", {"password": "guess"}, headers={"X-Forwarded-For": place}).status_code

    assert [guess("192.0.2.1") for _ in range(11)] == [401] * 10 + [429]
    logged_in(house, **{"X-Forwarded-For": "192.0.2.2"})
