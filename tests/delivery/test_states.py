"""What may become of a delivery: the table, the waits, and a machine that tries every way through them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from newsletter.delivery.states import BACKOFF, CHANGES, TERMINAL, may_change, next_attempt, settle
from newsletter.model import DeliveryState, Outcome

NOW = datetime(2026, 3, 1, 7, tzinfo=UTC)
OUTCOMES = (
    DeliveryState.SENT,
    DeliveryState.DEFERRED,
    DeliveryState.FAILED,
    DeliveryState.BOUNCED,
    DeliveryState.UNCERTAIN,
)
JITTER = st.floats(0, 1, exclude_max=True)


def test_every_state_has_its_place_in_the_table() -> None:
    assert CHANGES.keys() == set(DeliveryState)
    assert frozenset({DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.SKIPPED}) == TERMINAL


def test_no_state_changes_into_itself() -> None:
    assert not any(may_change(state, state, resend_uncertain=True) for state in DeliveryState)


def test_sending_ends_in_whatever_a_transport_may_say() -> None:
    assert CHANGES[DeliveryState.SENDING] == frozenset(OUTCOMES)


def test_what_was_sent_is_never_sent_again() -> None:
    assert CHANGES[DeliveryState.SENT] == {DeliveryState.BOUNCED}


def test_what_is_uncertain_is_sent_again_only_by_policy() -> None:
    assert not may_change(DeliveryState.UNCERTAIN, DeliveryState.SENDING)
    assert may_change(DeliveryState.UNCERTAIN, DeliveryState.SENDING, resend_uncertain=True)


@pytest.mark.parametrize("state", OUTCOMES)
def test_only_a_deferral_is_settled_as_something_else_and_only_at_the_limit(state: DeliveryState) -> None:
    assert settle(Outcome(state), 7, 8) is state
    at_limit = DeliveryState.FAILED if state is DeliveryState.DEFERRED else state
    assert settle(Outcome(state), 8, 8) is at_limit


@given(st.integers(1, 100), st.integers(1, 100), JITTER)
def test_the_wait_is_bounded_and_near_its_step(attempts: int, limit: int, jitter: float) -> None:
    due = next_attempt(Outcome(DeliveryState.DEFERRED), attempts, NOW, limit=limit, jitter=jitter)
    assert (due is None) == (attempts >= limit)
    if due is not None:
        step = BACKOFF[min(attempts, len(BACKOFF)) - 1]
        assert 0.75 * step <= due - NOW <= 1.25 * step
        assert timedelta(minutes=3) < due - NOW < timedelta(hours=8)


@given(JITTER, JITTER)
def test_later_tries_wait_longer_whatever_the_dice_say(one: float, other: float) -> None:
    waits = [
        next_attempt(Outcome(DeliveryState.DEFERRED), attempts, NOW, limit=9, jitter=jitter)
        for attempts, jitter in zip(range(1, 6), (one, other, one, other, one), strict=True)
    ]
    assert all(early is not None and late is not None and early < late for early, late in pairwise(waits))


@pytest.mark.parametrize("state", sorted(set(DeliveryState) - {DeliveryState.DEFERRED}))
def test_only_a_deferral_is_tried_again(state: DeliveryState) -> None:
    assert next_attempt(Outcome(state), 1, NOW, limit=8, jitter=0.5) is None


def test_doubt_is_tried_again_where_the_policy_says_so() -> None:
    uncertain = Outcome(DeliveryState.UNCERTAIN)
    assert next_attempt(uncertain, 1, NOW, limit=8, jitter=0.5, resend_uncertain=True) == NOW + BACKOFF[0]
    assert next_attempt(uncertain, 8, NOW, limit=8, jitter=0.5, resend_uncertain=True) is None


class DeliveryLife(RuleBasedStateMachine):
    """One delivery under a worker that uses nothing but these functions."""

    @initialize(limit=st.integers(1, 6), resend=st.booleans())
    def begin(self, limit: int, resend: bool) -> None:
        self.limit, self.resend = limit, resend
        self.state, self.attempts, self.now = DeliveryState.QUEUED, 0, NOW
        self.due: datetime | None = NOW
        self.past = [self.state]

    def change(self, new: DeliveryState) -> None:
        assert may_change(self.state, new, resend_uncertain=self.resend)
        self.state = new
        self.past.append(new)

    @precondition(lambda self: self.due is not None and self.state is not DeliveryState.SENDING)
    @rule()
    def claim(self) -> None:
        assert self.due is not None
        self.now = max(self.now, self.due)
        self.attempts += 1
        self.change(DeliveryState.SENDING)

    @precondition(lambda self: self.state is DeliveryState.SENDING)
    @rule(state=st.sampled_from(OUTCOMES), jitter=JITTER)
    def record(self, state: DeliveryState, jitter: float) -> None:
        outcome = Outcome(state)
        self.change(settle(outcome, self.attempts, self.limit))
        self.due = next_attempt(
            outcome, self.attempts, self.now, limit=self.limit, jitter=jitter, resend_uncertain=self.resend
        )

    @precondition(lambda self: self.state in {DeliveryState.QUEUED, DeliveryState.DEFERRED})
    @rule()
    def unsubscribe(self) -> None:
        self.change(DeliveryState.SKIPPED)
        self.due = None

    @precondition(lambda self: self.state in {DeliveryState.SENT, DeliveryState.UNCERTAIN})
    @rule()
    def bounce_comes_back(self) -> None:
        self.change(DeliveryState.BOUNCED)
        self.due = None

    @rule(hours=st.integers(0, 48))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def tries_are_bounded(self) -> None:
        assert self.attempts <= self.limit
        assert self.past.count(DeliveryState.SENDING) == self.attempts

    @invariant()
    def a_deferral_always_has_a_next_try_and_an_end_never_has(self) -> None:
        if self.state is DeliveryState.DEFERRED:
            assert self.due is not None
        if self.state in TERMINAL | {DeliveryState.SENT}:
            assert self.due is None

    @invariant()
    def nothing_follows_sent_but_a_bounce(self) -> None:
        if DeliveryState.SENT in self.past:
            after = self.past[self.past.index(DeliveryState.SENT) + 1 :]
            assert after in ([], [DeliveryState.BOUNCED])


TestDeliveryLife = DeliveryLife.TestCase
