"""The garbage collector rests, and goes on."""

from __future__ import annotations

import gc

import pytest

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
