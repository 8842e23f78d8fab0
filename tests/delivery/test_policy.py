"""Windows, rests, quotas and alarms: pure, so every moment is an argument."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.policy import Alarm, Domains, Failures, Quota, Tokens, warm_up
from newsletter.model import DeliveryState, Outcome
from newsletter.store.allowances import Taken

LATER = Outcome(DeliveryState.DEFERRED, "450 4.2.0 try later")


def test_turns_are_taken_a_few_at_a_time_and_none_is_used_too_late() -> None:
    asked: list[int] = []

    def take(quota: Quota, most: int) -> Taken:
        asked.append(most)
        return Taken(most, 0.0, hold=3.0)

    tokens = Tokens(Quota(100, timedelta(minutes=1)), take)
    assert [tokens.turn(now) for now in (0.0, 0.0, 1.0, 2.9)] == [0.0, 0.0, 1.0, 2.9]
    assert asked == [5]
    assert tokens.turn(3.0) == 3.0  # the fifth came too late, and is lost
    assert asked == [5, 5]


def test_who_is_refused_is_told_when_to_ask_again_and_asks_nobody_before() -> None:
    answers = iter([Taken(0, 10.0, 3.0), Taken(1, 0.0, 3.0)])
    tokens = Tokens(Quota(2, timedelta(minutes=1)), lambda _quota, _most: next(answers))
    assert [tokens.turn(now) for now in (0.0, 9.0, 10.0)] == [10.0, 10.0, 10.0]
    assert list(answers) == []


def test_each_domain_has_turns_of_its_own_and_those_who_wait_come_back_one_by_one() -> None:
    left = {"a.test": 2, "b.test": 1}

    def tokens(domain: str) -> Tokens:
        def take(_quota: Quota, most: int) -> Taken:
            count = min(most, left[domain])
            left[domain] -= count
            return Taken(count, 0.0 if count else 60.0, 3.0)

        return Tokens(Quota(2, timedelta(minutes=1)), take)

    domains = Domains(tokens, gap=30.0)
    assert [domains.turn("a.test", 0.0) for _ in range(5)] == [0.0, 0.0, 60.0, 90.0, 120.0]
    assert domains.turn("b.test", 0.0) == 0.0


def test_a_domain_that_says_later_three_times_in_a_row_rests_longer_and_longer() -> None:
    domains, now = Domains(), 1000.0
    for _ in range(2):
        domains.told("a.test", LATER, now)
    assert domains.turn("a.test", now) == now
    rests = []
    for _ in range(8):
        domains.told("a.test", LATER, now)
        rests.append(domains.turn("a.test", now) - now)
        now += rests[-1]
        assert domains.turn("a.test", now) == now
    assert rests == [120, 240, 480, 960, 1800, 1800, 1800, 1800]
    assert domains.turn("b.test", 1000.0) == 1000.0


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(DeliveryState.SENT, "250 taken"),
        Outcome(DeliveryState.BOUNCED, "550 5.1.1 no such user"),
        Outcome(DeliveryState.DEFERRED, "connection lost: timed out"),
    ],
)
def test_any_other_answer_ends_the_row(outcome: Outcome) -> None:
    domains = Domains()
    for said in (LATER, LATER, outcome, LATER, LATER):
        domains.told("a.test", said, 0.0)
    assert domains.turn("a.test", 0.0) == 0.0


def test_failures_raise_an_alarm_once_there_are_enough_to_judge_by() -> None:
    failures = Failures(0.3)
    said = [failures.note(DeliveryState.BOUNCED) for _ in range(50)]
    assert said == [None] * 49 + [Alarm(50, 50)]


@given(st.lists(st.sampled_from(sorted(DeliveryState)), max_size=300), st.floats(0.01, 1))
def test_an_alarm_is_raised_just_when_the_share_of_the_last_hundred_is_too_large(
    states: list[DeliveryState], limit: float
) -> None:
    failures = Failures(limit)
    for n, state in enumerate(states, 1):
        last = states[max(0, n - 100) : n]
        wrong = sum(one in {DeliveryState.FAILED, DeliveryState.BOUNCED} for one in last)
        assert bool(failures.note(state)) == (len(last) >= 50 and wrong > limit * len(last))


def test_without_a_limit_there_is_no_alarm() -> None:
    failures = Failures(0)
    assert not any(failures.note(DeliveryState.FAILED) for _ in range(200))


def test_a_warm_up_doubles_each_day() -> None:
    first = date(2026, 3, 1)
    assert [warm_up(50, first, first + timedelta(days=n)) for n in range(5)] == [50, 100, 200, 400, 800]
    assert warm_up(50, first, first - timedelta(days=3)) == 50
    assert warm_up(50, first, first + timedelta(days=9999)) > 10**9
