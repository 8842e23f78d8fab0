"""Every page in a real browser: on a phone and a desktop, light and dark, by keyboard, without script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter.config import Admin
from newsletter.model import InterestProfile, PaperRecord, Subscriber, SubscriberStatus
from tests.rendering.test_look import CONTRASTS
from tests.store.rows import EVER, digest, edition, message_ids, sketch
from tests.web.house import House, running
from tests.web.test_admin import HASH, PASSWORD
from tests.web.test_subscribe import asked

ENDLESS = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
MORE = tuple(
    PaperRecord(
        f"On {what} and what they do", f"We look at {what} for years and tell what {what} do.", arxiv_id=f"2508.6{n:04}"
    )
    for n, what in enumerate(("glaciers", "robots that grasp", "black holes", "proteins", "markets", "language models"))
)
PROFILE = InterestProfile(
    topics=(("robotics", 1.0), ("speech-recognition", 2.5)), keywords=(ENDLESS[:190],), liked=("arxiv:2508.00001",)
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("look")
    admin = Admin(password_hash=SecretStr(HASH))
    with running(f"sqlite:///{folder / 'newsletter.db'}", folder, admin=admin) as house:
        long = PaperRecord(ENDLESS, ENDLESS, authors=(ENDLESS,), arxiv_id="2508.77777", categories=(ENDLESS,))
        house.store.papers.add(digest(long), source="long", now=house.clock())
        house.store.issues.open(replace(sketch(house.clock().date()), window=EVER), now=house.clock())
        house.store.papers.add(digest(*MORE), source="more", now=house.clock())
        house.post("/preview")
        house.parts.foretaste.finish()
        house.get("/search?q=dunes")
        house.parts.meanings.finish()
        yield house


@pytest.fixture(scope="module")
def paths(house: House) -> dict[str, str]:
    reader = house.subscriber("ada@lab.example", profile=PROFILE)
    house.post(house.feedback(reader, "hostile", liked=False))
    gone = house.subscriber("gone@lab.example", status=SubscriberStatus.UNSUBSCRIBED)
    return {
        "home": "/",
        "subscribe": "/subscribe",
        "confirm": asked(house, email="new@lab.example"),
        "unsubscribe": house.unsubscribe(reader),
        "unsubscribed": house.unsubscribe(gone),
        "feedback": house.feedback(reader, "dunes", liked=True),
        "answered": house.feedback(reader, "hostile", liked=False),
        "preferences": house.preferences(reader),
        "issues": "/issues",
        "issue": "/issues/2026-08-20",
        "paper": "/papers/arxiv:2508.77777",
        "search": "/search?q=dunes",
        "nothing": "/no/such/page",
        "link": "/preferences",
        "address": moved(house, reader),
        "learned": f"{house.preferences(reader)}/learned",
        "view": viewed(house, reader),
        "map": "/issues/2026-08-20/map",
        "feeds": "/feeds",
        "login": "/admin",
    }


def moved(house: House, reader: Subscriber) -> str:
    number = house.store.addresses.ask(reader.public_id, f"ada@{ENDLESS[:60]}.example", now=house.clock())
    token = house.tokens.address(reader.public_id, number, new=False, day=house.clock().date())
    return f"/address/{token}"


def viewed(house: House, reader: Subscriber) -> str:
    [issue] = house.store.issues.on(house.clock().date())
    made = edition(issue, reader, house.papers["dunes"], house.papers["hostile"])
    house.store.issues.publish([made], message_ids([made]), now=house.clock())
    return f"/view/{house.tokens.view(reader.public_id, issue.day, issue.cadence)}"


PAGES = ("home", "subscribe", "confirm", "unsubscribe", "unsubscribed", "feedback", "answered", "preferences", "issues",
         "issue", "paper", "search", "nothing", "link", "address", "learned", "view", "map", "feeds",
         "login")  # fmt: skip
# How high everything is that one presses or writes into.
HEIGHTS = """() => [...document.querySelectorAll(
    "button, .button, select, summary, label.choice, textarea, input:not([type=checkbox])")]
  .filter((element) => element.checkVisibility() && !element.closest(".honey"))
  .map((element) => element.getBoundingClientRect().height)"""


@contextmanager
def opened(browser: Any, house: House, path: str, width: int = 375, **more: Any) -> Iterator[Any]:
    """Open a page, and see that the browser has nothing to complain of."""
    page = browser.new_page(viewport={"width": width, "height": 800}, **more)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        page.goto(house.url + path)
        yield page
        assert [text for text in complaints if "status of 404" not in text] == []
    finally:
        page.close()


@pytest.mark.chromium
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_every_text_stands_out(
    browser: Any, house: House, paths: dict[str, str], name: str, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    with opened(browser, house, paths[name], 1000, color_scheme=scheme, bypass_csp=True) as page:
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        contrasts = page.evaluate(CONTRASTS)
        assert contrasts
        assert [(ratio, text) for ratio, text in contrasts if ratio < 4.5] == []


@pytest.mark.chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1000])
def test_axe_finds_nothing_where_the_preview_is_filled_in(browser: Any, house: House, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    with opened(browser, house, "/subscribe", width, color_scheme=scheme, bypass_csp=True) as page:
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.fill("#interests", "Dunes that sing, and robots that grasp.")
        page.fill("#examples", "2508.99999")  # one that is not known here
        page.wait_for_selector("#preview li")
        page.wait_for_selector("#preview >> text=not known here yet")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert [(ratio, text) for ratio, text in page.evaluate(CONTRASTS) if ratio < 4.5] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.chromium
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 1000])
def test_nothing_is_wider_than_the_screen_and_buttons_fit_a_thumb(
    browser: Any, house: House, paths: dict[str, str], name: str, width: int
) -> None:
    with opened(browser, house, paths[name], width) as page:
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        heights = page.evaluate(HEIGHTS)
        assert all(height >= 44 for height in heights), heights


@pytest.mark.chromium
def test_axe_would_find_something(browser: Any, house: House) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    with opened(browser, house, "/subscribe", bypass_csp=True) as page:
        page.evaluate("document.querySelector('label[for=email]').remove()")
        found = Axe().run(page)
        assert "label" in {one["id"] for one in found.response["violations"]}, found.generate_report()


@pytest.mark.chromium
def test_by_keyboard_one_comes_past_the_head_of_the_page_to_its_one_button(
    browser: Any, house: House, paths: dict[str, str]
) -> None:
    reader = house.subscriber("keys@lab.example")
    with opened(browser, house, house.unsubscribe(reader)) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Unsubscribe"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
        page.keyboard.press("Enter")
        page.wait_for_selector("[role=status]")
    assert house.again(reader).status is SubscriberStatus.UNSUBSCRIBED
    assert paths


@pytest.mark.chromium
def test_enter_in_a_field_saves_and_does_not_look_for_topics(browser: Any, house: House) -> None:
    reader = house.subscriber("enter@lab.example")
    with opened(browser, house, house.preferences(reader)) as page:
        page.fill("#papers", "7")
        page.press("#papers", "Enter")
        page.wait_for_selector("[role=status]:has-text('Saved')")
    assert house.again(reader).papers == 7


@pytest.mark.chromium
def test_topics_are_narrowed_while_one_types_and_what_is_ticked_is_saved(browser: Any, house: House) -> None:
    reader = house.subscriber("types@lab.example")
    with opened(browser, house, house.preferences(reader)) as page:
        page.fill("#sought", "3d vision")
        assert page.locator("#sought-told").text_content() == "1 topic fits"
        page.press("#sought", "Enter")
        page.check("text=3D vision")
        page.click("button.main")
        page.wait_for_selector("[role=status]:has-text('Saved')")
        assert page.is_checked("[value='3d-vision']")
    assert house.again(reader).profile.topics == (("3d-vision", 1.0),)


@pytest.mark.chromium
def test_without_script_all_of_it_works(browser: Any, house: House) -> None:
    with opened(browser, house, "/subscribe", java_script_enabled=False) as page:
        page.fill("#email", "noscript@lab.example")
        page.fill("#sought", "robotics")
        page.click("text=Find >> nth=-1")
        page.check("[name=topics][value=robotics]")
        page.click("button.main")
        assert "look into your mail" in (page.text_content("h1") or "")
    assert "noscript@lab.example" in str(house.mails()[-1]["To"])


@pytest.mark.chromium
def test_a_hostile_title_runs_nowhere(browser: Any, house: House, paths: dict[str, str]) -> None:
    for name in ("issue", "answered", "preferences"):
        with opened(browser, house, paths[name]) as page:
            assert page.locator("b[onmouseover]").count() == 0
            assert page.locator("main script").count() == 0


@pytest.mark.chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_operators_page(
    browser: Any, house: House, paths: dict[str, str], scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    assert paths
    with opened(browser, house, "/admin", 375, color_scheme=scheme, bypass_csp=True) as page:
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_selector("text=Log out")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
