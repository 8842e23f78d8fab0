"""Takes the pictures of the README (`make screenshots`): the demo's mail, and the editor's page over it.

Needs Chromium (NEWSLETTER_TEST_CHROMIUM, /usr/bin/chromium by default). Everything it makes but docs/images/*.png goes
into a folder that is deleted again.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

IMAGES = Path(__file__).parent / "images"
READER = "in-context"
NOW = "2025-08-21T06:00:00+00:00"
_HEIGHT = 900
_GAP = 24
_BEHIND = (200, 198, 192)


def main() -> None:
    """Take them all."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (a development dependency)

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("NEWSLETTER_")},
            "NEWSLETTER_NOW": NOW,
            "NEWSLETTER_SITE__URL": "https://papers.lab.example",
            "NEWSLETTER_SITE__SENDER": "Daily Papers <papers@lab.example>",
            "NEWSLETTER_SITE__POSTAL_ADDRESS": "1 Lab Street, 12345 Town",
            "NEWSLETTER_SITE__OPERATOR": "me@lab.example",
            "NEWSLETTER_DATABASE__URL": f"sqlite:///{folder / 'demo' / 'newsletter.db'}",
        }
        command = [sys.executable, "-m", "newsletter"]
        subprocess.run([*command, "demo", "--out", folder / "demo"], env=environment, check=True)
        binary = os.environ.get("NEWSLETTER_TEST_CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        mail = (folder / "demo" / "previews" / READER / "message.html").read_text(encoding="utf-8")
        _mail(browser, mail, folder)
        with _editor([*command, "preview", "--serve"], environment) as address:
            _page(browser, f"{address}?eyes=reader:{READER}@reader.example.org")
        browser.close()


def _mail(browser: Any, html: str, folder: Path) -> None:
    """The mail on a desktop, and on a phone in dark mode, side by side."""
    pictures = []
    for width, scheme in ((720, "light"), (390, "dark")):
        page = browser.new_page(viewport={"width": width, "height": _HEIGHT}, color_scheme=scheme)
        page.set_content(html)
        file = folder / f"{scheme}.png"
        page.screenshot(path=file)
        pictures.append(Image.open(file).convert("RGB"))
        page.close()
    joined = Image.new("RGB", (sum(one.width for one in pictures) + _GAP, _HEIGHT), _BEHIND)
    joined.paste(pictures[0], (0, 0))
    joined.paste(pictures[1], (pictures[0].width + _GAP, 0))
    _small(joined, "email.png")


def _page(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1360, "height": _HEIGHT}, color_scheme="light")
    page.goto(address)
    page.wait_for_selector("iframe[data-loaded]")
    file = IMAGES / "preview.png"
    page.screenshot(path=file)
    _small(Image.open(file).convert("RGB"), file.name)


def _small(picture: Image.Image, name: str) -> None:
    picture.quantize(64, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)


@contextmanager
def _editor(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+/", process.stdout.readline())
        assert found, "the page's address is the first thing that it says"
        yield found[0]
        process.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
