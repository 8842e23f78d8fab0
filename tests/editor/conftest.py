"""The editor's page, served once for a module: what a test changes it changes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.editor.office import Office, opened


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("office")) as office:
        yield office
