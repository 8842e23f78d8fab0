"""The work that a browser does before it may ask, where the settings want it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from newsletter.config import Web
from newsletter.web import work
from tests.web.house import House, running, words
from tests.web.test_subscribe import WISH


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with running(f"sqlite:///{tmp_path / 'n.db'}", tmp_path, web=Web(proof_of_work=10)) as house:
        yield house


def solved(house: House, email: str) -> str:
    challenge = work.asked(house.parts).challenge
    return next(str(n) for n in range(1 << 20) if work.zeros(f"{challenge} {email.lower()} {n}") >= 10)


def test_who_has_not_done_it_is_told_and_who_has_is_mailed(house: House) -> None:
    email = "ada@lab.example"
    for number in ("", "x", "-1", "٣", "9" * 30, solved(house, "eve@lab.example") + "1"):
        page = house.post("/subscribe", {**WISH, "email": email, "work": number})
        assert page.status_code == 422
        assert "some work first" in words(page)
    assert house.mails() == []
    number = solved(house, email)
    assert house.post("/subscribe", {**WISH, "email": "Ada@lab.example", "work": number}).status_code == 200
    house.clock.pass_(days=1)
    assert house.post("/subscribe", {**WISH, "email": email, "work": number}).status_code == 200
    house.clock.pass_(days=1)
    assert house.post("/subscribe", {**WISH, "email": email, "work": number}).status_code == 422
    assert len(house.mails()) == 2


def test_without_the_setting_nothing_is_asked(tmp_path: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'n.db'}", tmp_path) as house:
        assert "data-work" not in house.get("/subscribe").text


@pytest.mark.chromium
def test_a_browser_does_it_by_itself(browser: Any, house: House) -> None:
    page = browser.new_page()
    page.goto(f"{house.url}/subscribe")
    page.fill("#email", " Browser@Lab.example")
    page.click("form button.main")
    page.wait_for_selector("main:has-text('look into your mail')")
    page.close()
    assert len(house.mails()) == 1
