"""Windows, rests, quotas and alarms: pure, so every moment is an argument."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.policy import Domains, Failures, Quota, SlidingWindow, room, warm_up
from newsletter.model import DeliveryState, Outcome

LATER = Outcome(DeliveryState.DEFERRED, "450 4.2.0 try later")
TIMES = st.lists(st.floats(0, 100), min_size=1, max_size=60).map(sorted)


@given(TIMES, st.integers(1, 8), st.floats(0.1, 20))
def test_no_stretch_of_a_window_holds_more_turns_than_it_may(asked: list[float], limit: int, length: float) -> None:
    window = SlidingWindow(limit, length)
    turns = [window.reserve(now) for now in asked]
    assert all(turn >= now for turn, now in zip(turns, asked, strict=True))
    assert all(one <= other for one, other in pairwise(turns))
    assert all(turns[n + limit] - turns[n] >= length * (1 - 1e-9) for n in range(len(turns) - limit))


def test_a_window_makes_nobody_wait_who_need_not() -> None:
    window = SlidingWindow(2, 10.0)
    assert [window.reserve(now) for now in (0.0, 1.0, 2.0, 3.0, 40.0)] == [0.0, 1.0, 10.0, 11.0, 40.0]


def test_each_domain_has_a_window_of_its_own_and_a_reserved_turn_is_kept() -> None:
    domains = Domains(Quota(2, timedelta(minutes=1)))
    assert [domains.turn("a.test", key, 0.0) for key in (1, 2, 3, 4, 5)] == [0.0, 0.0, 60.0, 60.0, 120.0]
    assert domains.turn("b.test", 6, 0.0) == 0.0
    assert domains.turn("a.test", 3, 30.0) == 60.0  # asked again too early, it keeps its turn
    assert domains.turn("a.test", 3, 60.0) == 60.0
    assert domains.turn("a.test", 7, 61.0) == 120.0


def test_a_domain_that_says_later_three_times_in_a_row_rests_longer_and_longer() -> None:
    domains, now = Domains(), 1000.0
    for _ in range(2):
        domains.told("a.test", LATER, now)
    assert domains.turn("a.test", 1, now) == now
    rests = []
    for _ in range(8):
        domains.told("a.test", LATER, now)
        rests.append(domains.turn("a.test", 1, now) - now)
        now += rests[-1]
        assert domains.turn("a.test", 1, now) == now
    assert rests == [120, 240, 480, 960, 1800, 1800, 1800, 1800]
    assert domains.turn("b.test", 1, 1000.0) == 1000.0


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
    assert domains.turn("a.test", 1, 0.0) == 0.0


def test_failures_raise_an_alarm_once_there_are_enough_to_judge_by() -> None:
    failures = Failures(0.3)
    said = [failures.note(DeliveryState.BOUNCED) for _ in range(50)]
    assert said == [""] * 49 + ["50 of the last 50 messages failed or bounced"]


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


def test_the_room_is_what_the_tightest_quota_leaves() -> None:
    hour, day = Quota(10, timedelta(hours=1)), Quota(15, timedelta(days=1))
    assert room(()) is None
    assert room((hour, day)) == 10
    assert room((hour, day), {hour: 4, day: 12}) == 3
    assert room((hour, day), {hour: 4, day: 99}) == 0


def test_a_warm_up_doubles_each_day() -> None:
    first = date(2026, 3, 1)
    assert [warm_up(50, first, first + timedelta(days=n)) for n in range(5)] == [50, 100, 200, 400, 800]
    assert warm_up(50, first, first - timedelta(days=3)) == 50
    assert warm_up(50, first, first + timedelta(days=9999)) > 10**9
