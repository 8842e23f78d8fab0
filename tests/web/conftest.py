"""A running installation: the pages served by uvicorn on a port of its own, over a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.house import House, running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The pages over a fresh database with a few papers and nobody subscribed."""
    with running(f"sqlite:///{tmp_path / 'newsletter.db'}", tmp_path) as house:
        yield house


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (only where there is a browser)

    with sync_playwright() as playwright:
        binary = os.environ["NEWSLETTER_TEST_CHROMIUM"]
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield browser
        browser.close()
