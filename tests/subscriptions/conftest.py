from __future__ import annotations

from collections.abc import Mapping

import pytest

from newsletter import assets, catalogue
from newsletter.model import Topic


@pytest.fixture(scope="session")
def topics() -> Mapping[str, Topic]:
    """The catalogue that ships."""
    return catalogue.load(assets.CONFIG / "topics.toml")
