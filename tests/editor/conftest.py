"""The editor's page, served once for a module: what a test changes it changes back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.editor.office import Office, opened


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (only where there is a browser)

    with sync_playwright() as playwright:
        binary = os.environ["NEWSLETTER_TEST_CHROMIUM"]
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield browser
        browser.close()
