from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared"
DATA = Path(__file__).parents[1] / "data" / "sources"


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the checkout, which is never part of it."""
    if not SHARED.is_dir():
        pytest.skip("the data folder beside the checkout is not there")
    return SHARED


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
