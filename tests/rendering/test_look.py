"""The mail in a real browser, and before a real spam filter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import html5lib
import pytest

from newsletter.preflight import inspect
from newsletter.preflight.contrast import texts
from newsletter.rendering import Renderer
from tests.rendering.arabic import arabic
from tests.rendering.editions import paper, view
from tests.rendering.mails import NAMES, as_message, every
from tests.rendering.pages import document

ENDLESS = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3

# The colour of every text that is seen, and of what lies behind it: the nearest background that is not transparent.
CONTRASTS = """() => {
  const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => // WCAG
      c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility()) continue;
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(behind(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.textContent.trim().slice(0, 40)]);
  }
  return found;
}"""


# Rules of axe for whole pages: a mail is shown inside of one, which has the landmarks.
OF_PAGES = ("region", "landmark-one-main")
AXE = {"rules": {rule: {"enabled": False} for rule in OF_PAGES}}


@contextmanager
def shown(browser: Any, html: str, width: int = 640, scheme: str = "light") -> Iterator[Any]:
    """A mail in the browser, without a network: pictures stay away."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.route("**/*", lambda route: route.abort())
    page.set_content(html)
    yield page
    page.close()


@pytest.fixture(scope="module")
def pages(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every mail, those with hostile titles, and those of other looks and directions."""
    hostile = [paper(n, title=f"{ENDLESS} {n}", authors=(ENDLESS,), abstract=ENDLESS) for n in range(1, 5)]
    folder = tmp_path_factory.mktemp("own")
    say = arabic(folder)
    turned = Renderer(override=folder)
    other = every(Renderer("bulletin"))
    return {
        **{name: mail.html for name, mail in every(renderer).items()},
        "hostile": renderer.render(view(hostile, brief=2)).html,
        "turned": turned.render(view(hostile, brief=2, say=say)).html,
        "turned welcome": every(turned, say)["welcome"].html,
        "bulletin": other["daily"].html,
        "bulletin welcome": other["welcome"].html,
    }


ALL = [*NAMES, "hostile", "turned", "turned welcome", "bulletin", "bulletin welcome"]


@pytest.mark.parametrize("name", ALL)
def test_it_is_valid_after_inlining(pages: dict[str, str], name: str) -> None:
    """By the parser of the standard, in its strict mode."""
    parser = html5lib.HTMLParser()
    parser.parse(pages[name])
    assert [(error[0], error[1]) for error in parser.errors] == []


@pytest.mark.chromium
@pytest.mark.parametrize("name", ALL)
def test_nothing_is_wider_than_the_screen(browser: Any, pages: dict[str, str], name: str) -> None:
    edges = "[...document.querySelectorAll('p, h1, h2, h3, a, td, img')].map((e) => e.getBoundingClientRect())"
    for width in (320, 375, 640):
        with shown(browser, pages[name], width) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(f"{edges}.every((box) => box.left >= -0.5 && box.right <= {width} + 0.5)")


@pytest.mark.chromium
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_every_text_stands_out(
    browser: Any, pages: dict[str, str], name: str, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    with shown(browser, pages[name], scheme=scheme) as page:
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, found.generate_report()
        contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 3
    assert [(ratio, text) for ratio, text in contrasts if ratio < 4.5] == []


@pytest.mark.chromium
def test_axe_would_find_something(browser: Any, pages: dict[str, str]) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    for whole, broken, rule in (
        ('lang="en"', "", "html-has-lang"),
        ("color:#5d6265", "color:#c0c0c0", "color-contrast"),
        ("<h3", "<h5", "heading-order"),
    ):
        assert whole in pages["daily"]
        with shown(browser, pages["daily"].replace(whole, broken)) as page:
            assert rule in {one["id"] for one in Axe().run(page, options=AXE).response["violations"]}


@pytest.mark.chromium
def test_the_colours_that_are_reckoned_are_those_of_a_browser(browser: Any, pages: dict[str, str]) -> None:
    """`preflight.contrast` knows no browser; here one says whether it is right."""
    for scheme in ("light", "dark"):
        with shown(browser, pages["daily"], scheme=scheme) as page:
            seen = {round(ratio, 2) for ratio, _ in page.evaluate(CONTRASTS)}
        assert {round(one.ratio, 2) for one in texts(document(pages["daily"]), scheme)} == seen


@pytest.mark.chromium
def test_answers_are_large_enough_for_a_thumb(browser: Any, pages: dict[str, str]) -> None:
    with shown(browser, pages["daily"], 375) as page:
        heights = page.evaluate(
            "[...document.querySelectorAll('.answer')].map((e) => e.getBoundingClientRect().height)"
        )
    assert heights
    assert min(heights) >= 44


@pytest.mark.chromium
def test_right_to_left_is_the_mirror_of_left_to_right(browser: Any, pages: dict[str, str]) -> None:
    edges = (
        "(s) => [...document.querySelectorAll(s)].map((e) => e.getBoundingClientRect()).map((b) => [b.left, b.right])"
    )
    for name, turned, selector in (
        ("hostile", "turned", ".answers a:first-child"),
        ("welcome", "turned welcome", ".button a"),
    ):
        with shown(browser, pages[name], 600) as page:
            [(left, _), *_] = page.evaluate(edges, selector)
        with shown(browser, pages[turned], 600) as page:
            [(_, right), *_] = page.evaluate(edges, selector)
        assert 600 - right == pytest.approx(left, abs=1)


@pytest.mark.chromium
@pytest.mark.parametrize("width", [375, 640])
@pytest.mark.parametrize("name", ["welcome", "confirm", "goodbye"])
def test_a_button_begins_where_the_words_do(browser: Any, pages: dict[str, str], name: str, width: int) -> None:
    left = "(s) => document.querySelector(s).getBoundingClientRect().left"
    with shown(browser, pages[name], width) as page:
        assert page.evaluate(left, ".button table") == pytest.approx(page.evaluate(left, ".sheet h1"), abs=1)


@pytest.mark.chromium
def test_without_pictures_their_words_stand_there(browser: Any, pages: dict[str, str]) -> None:
    with shown(browser, pages["weekly"]) as page:
        alts = page.evaluate("[...document.images].map((image) => image.alt)")
        widths = page.evaluate("[...document.images].map((image) => image.getBoundingClientRect().width)")
    assert alts == [f"Picture of: Sorting Punched Cards on a Loom, Part {number}" for number in range(1, 5)]
    assert min(widths) > 200


@pytest.mark.spamassassin
@pytest.mark.parametrize("name", ["daily", "weekly", "quiet", "confirm", "alert"])
def test_a_spam_filter_finds_next_to_nothing_to_say(renderer: Renderer, name: str) -> None:
    sent = as_message(name, every(renderer)[name])
    said = inspect(sent, spamassassin=os.environ["NEWSLETTER_TEST_SPAMASSASSIN"])
    [found] = [one for one in said if one.check == "spam"]
    assert found.level == "ok", (found.what, found.where)
