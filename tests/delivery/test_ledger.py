"""One writer for many connections: what gathers is committed together, and nothing begins that is not durable."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.delivery.ledger import Ledger, Line
from newsletter.errors import StoreError
from newsletter.model import DeliveryState
from newsletter.store import Store
from newsletter.store.deliveries import Deliveries, Settlement
from tests.store.rows import NOW, queued

S = DeliveryState
LEASE = timedelta(minutes=5)


class Slow:
    """Deliveries whose writes wait until one is let go, or all are; counts writes."""

    def __init__(self, real: Deliveries) -> None:
        self.real = real
        self.writes: list[tuple[int, int]] = []
        self.changed = threading.Condition()
        self.permits = 0.0
        self.fail = False

    def comes(self, number: int) -> None:
        """Wait for a write."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.writes) >= number, 20)

    def let_go(self, permits: float = math.inf) -> None:
        """Let so many writes go on, all without a number."""
        with self.changed:
            self.permits += permits
            self.changed.notify_all()

    def advance(self, settlements: list[Settlement], keys: list[int], **how: object) -> set[int]:
        with self.changed:
            self.writes.append((len(settlements), len(keys)))
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.permits > 0, 20)
            self.permits -= 1
        if self.fail:
            raise StoreError("the disk is full")
        return self.real.advance(settlements, keys, **how)  # type: ignore[arg-type]


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    store = Store(f"sqlite:///{tmp_path / 'newsletter.db'}")
    issue, _ = queued(store, 10)
    claimed = store.deliveries.claim([issue.key], owner="me", due=NOW, now=NOW, lease=LEASE, limit=9)
    assert len(claimed) == 9
    return Slow(store.deliveries)


def _waits(ledger: Ledger, count: int) -> None:
    while len(ledger._waiting) < count:
        threading.Event().wait(0.001)


def states(slow: Slow) -> list[S]:
    return [row.state for row in slow.real.page(9999, above=0, issue_keys=[1])]


def test_what_comes_while_it_writes_is_written_at_once_afterwards(slow: Slow) -> None:
    ledger = Ledger(slow, "me", LEASE)  # type: ignore[arg-type]
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(ledger.advance, None, 1)
        slow.comes(1)
        others = [pool.submit(ledger.advance, None, key) for key in range(2, 10)]
        _waits(ledger, 8)
        slow.let_go()
        assert first.result(20)
        assert all(other.result(20) for other in others)
    assert slow.writes == [(0, 1), (0, 8)]
    assert states(slow) == [S.SENDING] * 9 + [S.QUEUED]


def test_who_is_written_goes_on_while_the_next_are_written(slow: Slow) -> None:
    ledger = Ledger(slow, "me", LEASE)  # type: ignore[arg-type]
    with ThreadPoolExecutor(9) as pool:
        begun = [pool.submit(ledger.advance, None, 1)]
        slow.comes(1)
        begun += [pool.submit(ledger.advance, None, key) for key in range(2, 6)]
        _waits(ledger, 4)
        slow.let_go(1)
        slow.comes(2)
        last = pool.submit(ledger.advance, None, 6)
        _waits(ledger, 1)
        slow.let_go(1)
        slow.comes(3)
        assert all(one.result(20) for one in begun)
        assert not last.done()
        slow.let_go()
        assert last.result(20)
    assert slow.writes == [(0, 1), (0, 4), (0, 1)]


def test_an_outcome_goes_with_the_next_beginning(slow: Slow) -> None:
    slow.let_go()
    line = Line(Ledger(slow, "me", LEASE))  # type: ignore[arg-type]
    assert line.begin(1)
    line.settle(Settlement(1, S.SENT, "250 ok", seconds=0.1))
    assert states(slow)[0] is S.SENDING
    assert line.begin(2)
    assert states(slow)[:2] == [S.SENT, S.SENDING]
    line.settle(Settlement(2, S.FAILED, "554 no"))
    line.flush()
    line.flush()
    assert states(slow)[:3] == [S.SENT, S.FAILED, S.QUEUED]
    assert slow.writes == [(0, 1), (1, 1), (1, 0)]


def test_what_is_somebody_elses_does_not_begin(slow: Slow) -> None:
    slow.let_go()
    line = Line(Ledger(slow, "another", LEASE))  # type: ignore[arg-type]
    assert not line.begin(1)
    line.settle(Settlement(2, S.SENT, "250 ok"))
    line.flush()
    assert states(slow) == [S.QUEUED] * 10


def test_where_it_cannot_be_written_nobody_begins(slow: Slow) -> None:
    ledger = Ledger(slow, "me", LEASE)  # type: ignore[arg-type]
    slow.fail = True
    slow.let_go()
    with ThreadPoolExecutor(4) as pool:
        for begun in [pool.submit(ledger.advance, None, key) for key in range(1, 5)]:
            with pytest.raises(StoreError, match="the disk is full"):
                begun.result(20)
    assert states(slow) == [S.QUEUED] * 10
