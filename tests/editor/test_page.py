"""The editor's page in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.editor.office import Office

pytestmark = pytest.mark.chromium


@contextmanager
def page_of(
    browser: Any, office: Office, query: str = "?eyes=reader:ada@lab.test", width: int = 1400, **more: Any
) -> Iterator[Any]:
    """The page, once the mail is there. What a browser has to complain of fails the test, but for our own refusals."""
    page = browser.new_page(**{"viewport": {"width": width, "height": 900}, "bypass_csp": True, **more})
    complaints: list[str] = []
    page.on("console", lambda one: complaints.append(one.text) if "422" not in one.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda one: complaints.append(one.url) if not one.url.startswith(("http://127.0.0.1", "data:")) else None,
    )
    try:  # a page that stays open holds a connection, and browsers have six for a server
        page.goto(office.url + query)
        loaded(page)
        yield page
    finally:
        page.close()
    assert complaints == []


def loaded(page: Any) -> Any:
    """The frame that the mail stands in."""
    page.wait_for_selector("iframe[data-loaded]")
    return page.frames[-1]


def test_the_mail_is_shown_whole_and_narrow_and_dark(browser: Any, office: Office) -> None:
    with page_of(browser, office, bypass_csp=False) as page:
        assert page.inner_text("#subject").startswith("Dunes that sing")
        assert loaded(page).inner_text("h1") == "Dunes Daily"
        page.wait_for_selector("#checks li")
        assert "to look at" in page.inner_text("#verdict")  # a hostile paper leads to example.org
        assert page.locator("iframe").bounding_box()["width"] > 600
        page.click("[data-width=phone]")
        assert loaded(page).evaluate("innerWidth") < 380
        page.click("[data-scheme=dark]")
        sheet = "getComputedStyle(document.querySelector('.sheet')).backgroundColor"
        assert loaded(page).evaluate(sheet) == "rgb(23, 27, 28)"
        page.click("[data-scheme=light]")
        assert loaded(page).evaluate(sheet) == "rgb(255, 254, 251)"


def test_the_tabs_show_text_source_headers_and_reasons(browser: Any, office: Office) -> None:
    with page_of(browser, office) as page:
        for tab, words in (
            ("text", "FOR YOU"),
            ("source", "Content-Transfer-Encoding: quoted-printable"),
            ("headers", "List-Unsubscribe"),
            ("why", "keyword “dunes”"),
        ):
            page.click(f"#tab-{tab}")
            assert words in page.inner_text("#panel")
            assert page.get_attribute(f"#tab-{tab}", "aria-selected") == "true"
        page.press("#tab-why", "ArrowRight")
        assert page.get_attribute("#tab-headers", "aria-selected") == "true"


def test_an_interest_that_is_typed_changes_the_picks(browser: Any, office: Office) -> None:
    with page_of(browser, office) as page:
        assert page.is_hidden("#form")
        page.select_option("#eyes", "form")
        page.fill("#keywords", "speech")
        page.wait_for_function("document.querySelector('#subject').textContent.startsWith('Speech')")
        page.fill("#keywords", "dunes")
        page.wait_for_function("document.querySelector('#subject').textContent.startsWith('Dunes')")


def test_a_mistake_is_told_and_the_last_mail_stays(browser: Any, office: Office) -> None:
    with page_of(browser, office, "?eyes=form") as page:
        page.fill("#topics", "nonsense")
        page.wait_for_selector("#trouble:not([hidden])")
        assert "no such topic: nonsense" in page.inner_text("#trouble")
        assert page.locator("iframe").count() == 1
        page.fill("#topics", "genomics")
        page.wait_for_selector("#trouble", state="hidden")


def test_a_test_is_sent_from_the_page(browser: Any, office: Office) -> None:
    with page_of(browser, office) as page:
        assert page.input_value("#address") == "me@lab.test"
        page.click("#test button")
        page.wait_for_function("document.querySelector('#test-said').textContent.startsWith('Sent')")
    assert "me@lab.test" in {mail["To"].addresses[0].addr_spec for mail in office.mails()}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("email/_parts/masthead.mjml", "<h1", "<p>A new line</p><h1"),
        ("themes/journal.toml", 'name = ""', 'name = "A new line"'),
    ],
)
def test_a_change_of_a_file_is_seen_at_once(browser: Any, office: Office, name: str, old: str, new: str) -> None:
    """The goal is 300 ms, on a quiet machine (`benchmarks/rendering.py` measures); here it is that it comes at all."""
    file = office.own / name
    before = file.read_text()
    assert old in before
    has = (
        "(there) => document.querySelector('iframe[data-loaded]')?.contentDocument.body?.innerText"
        ".includes('A new line') === there"
    )
    with page_of(browser, office) as page:
        file.write_text(before.replace(old, new))
        page.wait_for_function(has, arg=True)
        file.write_text(before)
        page.wait_for_function(has, arg=False)


def test_a_broken_template_is_told_with_its_line(browser: Any, office: Office) -> None:
    file = office.own / "email/daily/body.txt"
    before = file.read_text()
    with page_of(browser, office) as page:
        file.write_text(before + "{{ view.nothing }}\n")
        page.wait_for_selector("#trouble:not([hidden])")
        assert "email/daily/body.txt, line" in page.inner_text("#trouble")
        file.write_text(before)
        page.wait_for_selector("#trouble", state="hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1400])
def test_axe_finds_nothing_on_any_tab(browser: Any, office: Office, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    with page_of(browser, office, "?eyes=form", width, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for tab in ("html", "text", "why", "headers", "source"):
            page.click(f"#tab-{tab}")
            found = Axe().run(page, options={"exclude": [["iframe"]]} if tab == "html" else None)
            assert found.violations_count == 0, found.generate_report()
