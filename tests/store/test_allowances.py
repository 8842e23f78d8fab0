"""How much may be sent how fast, by all senders together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from hypothesis import given
from hypothesis import strategies as st

from newsletter.store import Store
from newsletter.store.allowances import SLOTS, granted

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ASKED = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 6), st.floats(0, 0.999)), max_size=60).map(sorted)


@given(ASKED, st.integers(1, 12))
def test_no_stretch_of_a_window_holds_more_than_its_limit(
    asked: Sequence[tuple[float, int, float]], limit: int
) -> None:
    """Whenever within a slot's time what was granted is used, and however it was asked for; a window is 10 long."""
    length = 10.0
    width = length / SLOTS
    taken: dict[int, int] = {}
    used: list[float] = []
    for moment, most, late in asked:
        taken, count, wait = granted(taken, int(moment / width), limit=limit, most=most)
        assert 0 <= count <= most
        assert (wait > 0) == (count == 0)
        used += [moment + late * width] * count
    used.sort()
    assert all(later - one >= length for one, later in zip(used, used[limit:], strict=False))


@given(st.integers(1, 50), st.integers(1, 60), st.integers(0, 10**9))
def test_after_the_wait_there_is_something_again(limit: int, most: int, slot: int) -> None:
    taken, count, _ = granted({}, slot, limit=limit, most=limit)
    assert count == limit
    taken, nothing, wait = granted(taken, slot, limit=limit, most=most)
    assert (nothing, wait) == (0, SLOTS + 2)
    assert granted(taken, slot + wait, limit=limit, most=most)[1] == min(limit, most)
    assert granted(taken, slot + wait - 1, limit=limit, most=most)[1] == 0


def test_a_limit_is_shared_and_scopes_are_not(store: Store) -> None:
    assert store.allowances.take("hour", limit=10, length=HOUR, most=7).count == 7
    assert store.allowances.take("hour", limit=10, length=HOUR, most=7).count == 3
    refused = store.allowances.take("hour", limit=10, length=HOUR, most=7)
    assert refused.count == 0
    assert 3600 < refused.wait <= 3600 * (SLOTS + 2) / SLOTS
    assert refused.hold == 3600 / SLOTS
    assert store.allowances.take("domain: lab.example", limit=10, length=MINUTE, most=7).count == 7


def test_what_was_taken_is_free_again_after_the_window(store: Store) -> None:
    length = timedelta(seconds=0.2)
    assert store.allowances.take("second", limit=3, length=length, most=3).count == 3
    refused = store.allowances.take("second", limit=3, length=length, most=3)
    until = time.monotonic() + 10
    while not store.allowances.take("second", limit=3, length=length, most=1).count:
        assert time.monotonic() < until
    assert refused.wait <= 0.2 * (SLOTS + 2) / SLOTS + 0.01


def test_a_limit_whose_window_was_changed_does_not_hold_for_ever(store: Store) -> None:
    """The slots of a second are numbered far above those of an hour."""
    assert store.allowances.take("x", limit=3, length=timedelta(seconds=1), most=3).count == 3
    assert store.allowances.take("x", limit=3, length=HOUR, most=3).count == 3


def test_those_who_ask_at_once_are_not_given_more_together(store: Store, url: str) -> None:
    together = Barrier(5, timeout=20)

    def ask(_: int) -> int:
        with Store(url) as own:
            together.wait()
            return sum(own.allowances.take("hour", limit=40, length=HOUR, most=3).count for _ in range(10))

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(ask, range(5))) == 40


def test_what_nobody_asks_for_any_more_is_forgotten(store: Store) -> None:
    store.allowances.take("domain: gone.example", limit=3, length=MINUTE, most=3)
    assert store.allowances.forget(before=datetime.now(UTC) - HOUR) == 0
    assert store.allowances.forget(before=datetime.now(UTC) + HOUR) == 1
