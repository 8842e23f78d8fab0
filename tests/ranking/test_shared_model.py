"""The model of a process is loaded once, and goes when nobody wants it any more."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from newsletter.bootstrap import encoder, ranking
from newsletter.config import Settings
from newsletter.store import Store


def test_pages_and_schedule_share_it_and_it_goes_with_the_last_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "_LOADED", weakref.WeakValueDictionary())  # other tests keep theirs
    settings = Settings()
    with Store(f"sqlite:///{tmp_path}/newsletter.db") as store:
        pages, schedule = ranking.rankers(settings, store.vectors).encoder, ranking.deferred(settings)
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(lambda one: one.encode(["speech recognition"]), (pages, schedule))
        assert np.allclose(first, second, atol=1e-3)
        model = encoder(settings)
        assert encoder(settings) is model
        left = weakref.ref(model)
        del model, pages
        gc.collect()
        assert left() is not None  # the schedule has it
        del schedule
        gc.collect()
        assert left() is None
