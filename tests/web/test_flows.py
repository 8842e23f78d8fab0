"""A new reader's way from the first page to the last, by mouse, by keyboard and without script, phone and desktop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from newsletter.model import SubscriberStatus
from tests.store.rows import EVER, sketch
from tests.web.house import House, running
from tests.web.test_subscribe import link, plain

pytestmark = pytest.mark.chromium
WAYS = ("mouse", "keyboard", "no script")
_MOST_TABS = 250


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("flows")
    with running(f"sqlite:///{folder / 'newsletter.db'}", folder) as house:
        house.store.issues.open(replace(sketch(house.clock().date()), window=EVER), now=house.clock())
        house.post("/preview")
        house.parts.foretaste.finish()
        yield house


class Visitor:
    """Somebody at a browser, who uses a mouse, or only the keyboard."""

    def __init__(self, page: Any, house: House, way: str) -> None:
        self.page, self.house, self.way = page, house, way
        self.scripts = way != "no script"

    def go(self, path: str) -> None:
        self.page.goto(self.house.url + path)

    def press(self, selector: str) -> None:
        """Click, or come to it by Tab and press the key that it takes."""
        if self.way != "keyboard":
            self.page.locator(selector).first.click()
            return
        self._come_to(selector)
        kind = self.page.locator(selector).first.get_attribute("type")
        self.page.keyboard.press("Space" if kind == "checkbox" else "Enter")

    def write(self, selector: str, text: str) -> None:
        if self.way != "keyboard":
            self.page.fill(selector, text)
            return
        self._come_to(selector)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def sees(self, text: str) -> None:
        self.page.wait_for_selector(f"main:has-text('{text}')")

    def mails(self) -> list[Any]:
        return self.house.mails()

    def _come_to(self, selector: str) -> None:
        wanted = self.page.locator(selector).first.element_handle()
        for _ in range(_MOST_TABS):
            self.page.keyboard.press("Tab")
            if wanted.evaluate("(element) => element === document.activeElement"):
                return
        raise AssertionError(f"{selector} cannot be reached by keyboard")


@pytest.fixture(params=[(way, width) for way in WAYS for width in (375, 1280)], ids=lambda p: f"{p[0]} {p[1]}")
def visitor(request: pytest.FixtureRequest, browser: Any, house: House) -> Iterator[Visitor]:
    way, width = request.param
    page = browser.new_page(
        viewport={"width": width, "height": 800}, java_script_enabled=way != "no script", timezone_id="Asia/Tokyo"
    )
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield Visitor(page, house, way)
    page.close()
    assert complaints == []


def test_from_the_first_page_to_leaving_and_back(visitor: Visitor, house: House) -> None:
    email = f"{visitor.way.replace(' ', '')}{visitor.page.viewport_size['width']}@lab.example"
    visitor.go("/")
    visitor.press("main a.button")
    _fills_in(visitor, email)
    [confirm] = [mail for mail in visitor.mails() if email in mail["To"]]
    visitor.go(link(confirm))
    visitor.press("button.main")
    visitor.sees("You are subscribed")
    _, _, issue = [mail for mail in visitor.mails() if email in mail["To"]]
    reader = house.store.subscribers.get(email)
    assert reader.timezone == ("Asia/Tokyo" if visitor.scripts else "UTC")
    _answers(visitor, issue, house, email)
    _changes(visitor, house, email)
    _leaves_and_comes_back(visitor, issue, house, email)


def _fills_in(visitor: Visitor, email: str) -> None:
    visitor.write("#email", email)
    visitor.write("#keywords", "dunes")
    if visitor.scripts:
        visitor.page.wait_for_selector("#preview li:has-text('Dunes that sing'):has-text('Keyword')")
    else:
        visitor.press("button[value=preview] >> nth=-1")
        visitor.sees("Keyword “dunes”")
    visitor.press("form button.main")
    visitor.sees("look into your mail")


def _answers(visitor: Visitor, issue: Any, house: House, email: str) -> None:
    found = re.findall(r"https://newsletter\.example\.org(/feedback/\S+)", plain(issue))
    visitor.go(found[0])
    visitor.press("form.act button")
    visitor.sees("Noted, thank you")
    assert len(house.store.subscribers.get(email).profile.answers) == 1
    visitor.press("button[name=undo]")
    visitor.sees("Taken back")
    assert house.store.subscribers.get(email).profile.answers == ()


def _changes(visitor: Visitor, house: House, email: str) -> None:
    visitor.go(house.preferences(house.store.subscribers.get(email)))
    visitor.write("#papers", "7")
    visitor.press("#topics details >> nth=1 >> summary")
    visitor.press("#topics details >> nth=1 >> input[type=checkbox]")
    visitor.press("form button.main")
    visitor.sees("Saved")
    after = house.store.subscribers.get(email)
    assert (after.papers, len(after.profile.topics)) == (7, 1)
    visitor.press("main a:has-text('What we think you like')")
    visitor.press("button:has-text('Take out')")
    visitor.sees("Taken out")
    assert house.store.subscribers.get(email).profile.topics == ()


def _leaves_and_comes_back(visitor: Visitor, issue: Any, house: House, email: str) -> None:
    visitor.go(re.findall(r"https://newsletter\.example\.org(/unsubscribe/\S+)", plain(issue))[0])
    visitor.press("button.main")
    visitor.sees("You are unsubscribed")
    assert house.store.subscribers.get(email).status is SubscriberStatus.UNSUBSCRIBED
    visitor.press("button[value=back]")
    visitor.sees("Welcome back")
    assert house.store.subscribers.get(email).status is SubscriberStatus.ACTIVE


def test_the_archive_is_walked_from_issue_to_paper_and_map(visitor: Visitor) -> None:
    visitor.go("/issues")
    visitor.press("main li a")
    visitor.press("main li a:has-text('Dunes that sing')")
    visitor.sees("grain size sets the pitch")
    visitor.press("nav a:has-text('Search')")
    visitor.write("#q", "dunes")
    visitor.press("form[role=search] button")
    visitor.sees("Dunes that sing")
