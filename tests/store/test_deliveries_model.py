"""The delivery rows against a model of them: whatever two senders do, in whatever order, and whoever dies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from newsletter.model import DeliveryState
from newsletter.store import Store
from newsletter.store.deliveries import Settlement
from newsletter.store.schema import deliveries
from tests.store.rows import MINUTE, NOW, clear, queued

S = DeliveryState
WAITING = (S.QUEUED, S.DEFERRED, S.UNCERTAIN)
OWNERS = st.sampled_from(["ada", "kurt"])
MINUTES = st.integers(0, 20).map(lambda number: number * MINUTE)


@dataclass
class Row:
    state: S = S.QUEUED
    attempts: int = 0
    owner: str = ""
    until: datetime | None = None
    again: datetime | None = NOW


class Queue(RuleBasedStateMachine):
    """What the rows should be after each act."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.now = NOW
        self.rows: dict[int, Row] = {}

    @initialize(count=st.integers(1, 5))
    def queue(self, count: int) -> None:
        clear(self.store)
        issue, made = queued(self.store, count)
        self.issue = issue.key
        self.rows = {row.key: Row() for row in made}

    @rule(owner=OWNERS, limit=st.integers(1, 4), lease=MINUTES)
    def claim(self, owner: str, limit: int, lease: timedelta) -> None:
        claimed = self.store.deliveries.claim(
            [self.issue], owner=owner, due=self.now, now=self.now, lease=lease, limit=limit
        )
        free = [
            key
            for key, row in self.rows.items()
            if row.state in WAITING
            and row.again is not None
            and row.again <= self.now
            and (row.until is None or row.until < self.now)
        ]
        assert [row.key for row in claimed] == free[:limit]
        for row in claimed:
            assert (row.state, row.attempts) == (self.rows[row.key].state, self.rows[row.key].attempts)
            self.rows[row.key].owner, self.rows[row.key].until = owner, self.now + lease

    @rule(owner=OWNERS, lease=MINUTES, choice=st.randoms(use_true_random=False))
    def start(self, owner: str, lease: timedelta, choice: Random) -> None:
        keys = [key for key in self.rows if choice.random() < 0.6]
        mine = {key for key in keys if self.rows[key].owner == owner and self.rows[key].state in WAITING}
        assert self.store.deliveries.start(keys, owner=owner, now=self.now, lease=lease) == mine
        for key in mine:
            row = self.rows[key]
            row.state, row.attempts, row.until = S.SENDING, row.attempts + 1, self.now + lease

    @rule(
        owner=OWNERS,
        state=st.sampled_from([S.SENT, S.DEFERRED, S.FAILED, S.BOUNCED, S.UNCERTAIN]),
        wait=st.none() | MINUTES,
        choice=st.randoms(use_true_random=False),
    )
    def settle(self, owner: str, state: S, wait: timedelta | None, choice: Random) -> None:
        sending = [key for key, row in self.rows.items() if row.state is S.SENDING]  # whoever's: the fence is tried too
        keys = [key for key in sending if choice.random() < 0.6]
        again = None if wait is None else self.now + wait
        self.store.deliveries.settle(
            [Settlement(key, state, "as told", again) for key in keys], owner=owner, now=self.now
        )
        for row in (self.rows[key] for key in keys if self.rows[key].owner == owner):
            row.state, row.again, row.owner, row.until = state, again, "", None

    @rule(owner=OWNERS)
    def release(self, owner: str) -> None:
        self.store.deliveries.release(owner)
        for row in self.rows.values():
            if row.owner == owner and row.state in WAITING:
                row.owner, row.until = "", None

    @rule(dead=st.sets(OWNERS), resend=st.booleans())
    def expire(self, dead: set[str], resend: bool) -> None:
        lost = [
            row
            for row in self.rows.values()
            if row.state is S.SENDING and (row.owner in dead or (row.until is not None and row.until < self.now))
        ]
        assert self.store.deliveries.expire(now=self.now, dead=sorted(dead), resend=resend) == len(lost)
        for row in self.rows.values():
            if row.owner in dead and row.state in WAITING:
                row.owner, row.until = "", None
        for row in lost:
            row.state, row.owner, row.until = S.UNCERTAIN, "", None
            row.again = row.again if resend else None

    @precondition(lambda self: self.rows)
    @rule(minutes=MINUTES)
    def wait(self, minutes: timedelta) -> None:
        self.now += minutes

    @invariant()
    def the_rows_are_what_they_should_be(self) -> None:
        with self.store._database.reading() as connection:
            found = connection.execute(sa.select(deliveries)).all()
        assert {
            row.key: Row(S(row.state), row.attempts, row.lease_owner, row.leased_until, row.next_attempt_at)
            for row in found
        } == self.rows

    @invariant()
    def the_owners_and_the_counts_agree(self) -> None:
        if self.rows:
            assert sorted(self.store.deliveries.owners()) == sorted({row.owner for row in self.rows.values()} - {""})
            states = [row.state for row in self.rows.values()]
            counts = self.store.deliveries.counts([self.issue])
            assert counts == {state: states.count(state) for state in set(states)}


def test_the_rows_do_what_the_model_does(store: Store) -> None:
    clear(store)

    class OfThisStore(Queue):
        def __init__(self) -> None:
            super().__init__(store)

    run_state_machine_as_test(
        OfThisStore,
        settings=settings(
            max_examples=25, stateful_step_count=25, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )
