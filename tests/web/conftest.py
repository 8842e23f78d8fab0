"""A running installation: the pages served by uvicorn on a port of its own, over a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.house import House, running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The pages over a fresh database with a few papers and nobody subscribed."""
    with running(f"sqlite:///{tmp_path / 'newsletter.db'}", tmp_path) as house:
        yield house
