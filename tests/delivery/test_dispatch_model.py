"""Runs over real rows against a model: whatever servers say, whoever dies or leaves, no row goes a forbidden way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from newsletter.delivery.dispatch import Dispatcher
from newsletter.delivery.policy import Policy
from newsletter.delivery.recovery import give_up
from newsletter.delivery.states import TERMINAL, may_change
from newsletter.model import Delivery, DeliveryState, Message, Outcome, SubscriberStatus
from newsletter.store import Store
from tests.store.letters import PlainLetters
from tests.store.rows import NOW, clear, new_subscriber, queued

S = DeliveryState
LIMIT = 3
EXPIRY = timedelta(hours=30)
# What becomes of a message, and whether it arrived all the same; None is a sender that dies.
FATES = st.lists(
    st.sampled_from([(S.SENT, True), (S.DEFERRED, False), (S.FAILED, False), (S.BOUNCED, False), (S.UNCERTAIN, True),
                     (S.UNCERTAIN, False), (None, True), (None, False)]),
    max_size=6,
)  # fmt: skip


class Died(BaseException):
    """The sender was killed."""


class Fated:
    """A transport that does what it is told, and then takes everything; it remembers what arrived."""

    def __init__(self) -> None:
        self.fates: list[tuple[DeliveryState | None, bool]] = []
        self.arrived: Counter[str] = Counter()

    @contextmanager
    def session(self) -> Iterator[Fated]:
        yield self

    def deliver(self, message: Message) -> Outcome:
        state, arrives = self.fates.pop(0) if self.fates else (S.SENT, True)
        self.arrived[message.message_id] += arrives
        if state is None:
            raise Died
        return Outcome(state, "as told")


class Newsletter(RuleBasedStateMachine):
    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store, self.now, self.transport = store, NOW, Fated()

    @initialize(count=st.integers(1, 4), resend=st.booleans())
    def queue(self, count: int, resend: bool) -> None:
        clear(self.store)
        self.issue, rows = queued(self.store, count)
        self.policy = Policy(LIMIT, resend_uncertain=resend)
        self.before = {row.key: row.state for row in rows}
        self.left: dict[str, int] = {}  # who left, and how many messages they had got by then

    @rule(fates=FATES, limit=st.none() | st.integers(1, 3))
    def run(self, fates: list[tuple[DeliveryState | None, bool]], limit: int | None) -> None:
        self.transport.fates = list(fates)
        letters = PlainLetters(self.store)
        dispatcher = Dispatcher(
            self.store.deliveries, self.store.allowances, self.transport, letters, self.policy, connections=1
        )
        try:
            dispatcher.run([self.issue.key], now=self.now, limit=limit, progress=None)
        except Died:
            dead = self.store.deliveries.owners()
            lost = self.store.deliveries.expire(now=datetime.now(UTC), dead=dead, resend=self.policy.resend_uncertain)
            assert lost == 1
        assert self.store.deliveries.owners() == []

    @rule(number=st.integers(1, 4))
    def leave(self, number: int) -> None:
        address = f"p{number}@example.test"
        subscribers = {one.email: one for one in self.store.subscribers.all()}
        if address in subscribers and address not in self.left:
            gone = new_subscriber(address, status=SubscriberStatus.UNSUBSCRIBED)
            self.store.subscribers.replace([gone], now=self.now)
            [name] = [row.message_id for row in self.rows() if row.subscriber_key == subscribers[address].key]
            self.left[name] = self.transport.arrived[name]

    @rule(hours=st.integers(1, 20))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def expire(self) -> None:
        give_up(self.store.turns, [self.issue.key], EXPIRY, now=self.now)

    def rows(self) -> list[Delivery]:
        return self.store.deliveries.page(9999, above=0, issue_keys=[self.issue.key])

    @invariant()
    def every_row_went_an_allowed_way(self) -> None:
        resend = self.policy.resend_uncertain
        for row in self.rows():
            old, new = self.before[row.key], row.state
            reached, edge = {old}, {old}
            while edge:  # one run may try a message once only, but pass through `sending`
                edge = {s for o in edge for s in S if may_change(o, s, resend_uncertain=resend)} - reached
                reached |= edge
            assert new in reached, (old, new)
            assert new is old or old not in TERMINAL
            self.before[row.key] = new

    @invariant()
    def what_arrived_is_what_the_rows_say(self) -> None:
        arrived = self.transport.arrived
        for row in self.rows():
            assert row.attempts <= LIMIT
            assert arrived[row.message_id] <= (row.attempts if self.policy.resend_uncertain else 1)
            if row.state is S.SENT:
                assert arrived[row.message_id] >= 1
            if row.state is S.SKIPPED:
                assert arrived[row.message_id] == 0
        assert all(arrived[name] == count for name, count in self.left.items())


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_runs_keep_to_the_model(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'n.db'}" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    with Store(url) as store:

        class OfThisStore(Newsletter):
            def __init__(self) -> None:
                super().__init__(store)

        run_state_machine_as_test(
            OfThisStore,
            settings=settings(
                max_examples=25, stateful_step_count=15, suppress_health_check=list(HealthCheck), deadline=None
            ),
        )
