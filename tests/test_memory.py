"""The garbage collector rests, and goes on."""

from __future__ import annotations

import gc
import math
import weakref

import pytest

from newsletter import memory
from newsletter.memory import uncollected


def test_it_rests_within_and_works_again_after_whatever_happened() -> None:
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="sand"), uncollected():
        raise ValueError("sand")
    assert gc.isenabled()


def test_where_it_was_off_it_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


class _Cycle:
    def __init__(self) -> None:
        self.me = self


@pytest.mark.parametrize("looked_at", [-1e9, math.inf])
def test_old_cycles_go_once_a_minute_in_a_long_task(looked_at: float, monkeypatch: pytest.MonkeyPatch) -> None:
    with uncollected():
        left = weakref.ref(held := _Cycle())
        gc.collect()  # it has grown old
        del held
        monkeypatch.setattr(memory, "_all_looked_at", looked_at)
        memory.collect_new()
        assert (left() is None) == (looked_at < 0)
    gc.collect()
    assert left() is None
