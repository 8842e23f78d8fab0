"""The garbage collector rests, and goes on."""

from __future__ import annotations

import gc

import pytest

from newsletter.collector import resting


def test_it_rests_within_and_works_again_after_whatever_happened() -> None:
    with resting():
        assert not gc.isenabled()
        with resting():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="sand"), resting():
        raise ValueError("sand")
    assert gc.isenabled()


def test_where_it_was_off_it_stays_off() -> None:
    gc.disable()
    try:
        with resting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
