"""The mail in a real browser, and before a real spam filter."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from newsletter.rendering import Renderer
from tests.rendering.arabic import arabic
from tests.rendering.editions import golden_view, message, paper, view

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (only where there is a browser)

    with sync_playwright() as playwright:
        binary = os.environ["NEWSLETTER_TEST_CHROMIUM"]
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("own")
    say = arabic(folder)
    hostile = [paper(n, title=f"{ENDLESS} {n}", authors=(ENDLESS,), abstract=ENDLESS) for n in range(1, 5)]
    return {
        "golden": renderer.render(golden_view()).html,
        "empty": renderer.render(view([])).html,
        "hostile": renderer.render(view(hostile, brief=2)).html,
        "rtl": Renderer(override=folder).render(view(hostile, brief=2, say=say)).html,
    }


@pytest.mark.chromium
@pytest.mark.parametrize("name", ["golden", "empty", "hostile", "rtl"])
@pytest.mark.parametrize("width", [320, 375, 640])
def test_nothing_is_wider_than_the_screen(browser: Any, pages: dict[str, str], name: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(pages[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    edges = "[...document.querySelectorAll('p, h1, h2, h3, a, td')].map((e) => e.getBoundingClientRect())"
    assert page.evaluate(f"{edges}.every((box) => box.left >= -0.5 && box.right <= {width} + 0.5)")
    page.close()


@pytest.mark.chromium
@pytest.mark.parametrize("name", ["golden", "empty", "rtl"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(
    browser: Any, pages: dict[str, str], name: str, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": 640, "height": 800}, color_scheme=scheme)
    page.set_content(pages[name])
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 5
    assert [(ratio, text) for ratio, text in contrasts if ratio < 4.5] == []
    page.close()


@pytest.mark.chromium
def test_answers_are_large_enough_for_a_thumb(browser: Any, pages: dict[str, str]) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 800})
    page.set_content(pages["golden"])
    heights = page.evaluate("[...document.querySelectorAll('.answer')].map((e) => e.getBoundingClientRect().height)")
    assert heights
    assert min(heights) >= 44
    page.close()


@pytest.mark.spamassassin
@pytest.mark.parametrize("empty", [False, True])
def test_a_spam_filter_finds_nothing_to_say(renderer: Renderer, empty: bool) -> None:
    data = message(renderer.render(view([]) if empty else golden_view())).data
    command = [os.environ["NEWSLETTER_TEST_SPAMASSASSIN"], "-L", "-t"]
    answer = subprocess.run(command, input=data, capture_output=True, check=True, timeout=120).stdout.decode()
    report = answer[answer.rindex("Content analysis details:") :]
    scored = [line for line in report.splitlines() if line.strip()[:1].isdigit() and not line.strip().startswith("0.0")]
    assert scored == []
