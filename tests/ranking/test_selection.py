"""The issue as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from newsletter.ranking.candidates import best
from newsletter.ranking.encoder import Vectors
from newsletter.ranking.remembered import Found
from newsletter.ranking.selection import Choice, chosen


def unlike(count: int) -> Vectors:
    return np.eye(count, dtype=np.float32)


class Offer(NamedTuple):
    row: int
    score: float
    interest: str


def choice(made: Sequence[Offer], shares: Mapping[str, float], cards: int) -> Choice:
    numbers = {interest: number for number, interest in enumerate(shares)}
    return Choice(
        rows=np.array([one.row for one in made], np.intp),
        scores=np.array([one.score for one in made], np.float32),
        interests=np.array([numbers.get(one.interest, -1) for one in made], np.intp),
        shares=[*shares.values()],
        cards=cards,
    )


def rows_of(choices: Sequence[Choice], vectors: Vectors) -> list[list[int]]:
    places = chosen(choices, lambda rows: Found(vectors @ vectors.T, np.array(rows, np.intp)))
    return [one.rows[some].tolist() for one, some in zip(choices, places, strict=True)]


def picked_of(made: Sequence[Offer], vectors: Vectors, shares: Mapping[str, float], *, cards: int) -> list[int]:
    return rows_of([choice(made, shares, cards)], vectors)[0]


def offers(*scores: float, interest: str = "sand") -> list[Offer]:
    return [Offer(row, score, interest) for row, score in enumerate(scores)]


def test_where_all_are_unlike_and_of_one_interest_the_best_are_taken_in_order() -> None:
    assert picked_of(offers(1, 3, 2, 3, 0), unlike(5), {"sand": 1}, cards=3) == [1, 3, 2]


def test_of_four_that_tell_the_same_two_unlike_ones_come_before_the_last() -> None:
    vectors = unlike(6)
    same = np.zeros(6, np.float32)
    same[0] = 1
    vectors[1], vectors[2], vectors[3] = same, same, same
    picked = picked_of(offers(5, 4.9, 4.8, 4.7, 4, 3), vectors, {"sand": 1}, cards=3)
    assert picked == [0, 4, 5]


def test_one_knitter_among_fifty_chemists_is_seen() -> None:
    many = offers(*np.linspace(6, 4, 30), interest="rna")
    picked = picked_of([*many, Offer(30, 1.0, "knitting")], unlike(31), {"rna": 50, "knitting": 1}, cards=8)
    assert picked[-1] == 30
    assert picked[:7] == list(range(7))


def test_two_equal_interests_share_the_list() -> None:
    many = offers(*np.linspace(6, 5, 20), interest="a")
    fewer = [Offer(20 + n, 5.2 - n / 10, "b") for n in range(20)]
    picked = picked_of([*many, *fewer], unlike(40), {"a": 1, "b": 1}, cards=10)
    assert 3 <= sum(row >= 20 for row in picked) <= 5


def test_seats_take_no_more_than_half_of_the_list() -> None:
    strong = offers(9, 8.9, 8.8, 8.7, interest="main")
    others = [Offer(4 + n, 1.0, f"side {n}") for n in range(20)]
    shares = {"main": 1000.0} | {f"side {n}": 1.0 for n in range(20)}
    picked = picked_of([*strong, *others], unlike(24), shares, cards=4)
    assert len([row for row in picked if row < 4]) >= 2


def test_nothing_gives_nothing() -> None:
    assert picked_of([], unlike(0), {}, cards=5) == []


@given(
    given=st.lists(st.tuples(st.floats(-5, 9, width=32), st.sampled_from("abc")), max_size=15),
    cards=st.integers(1, 8),
    seed=st.integers(0, 99),
)
def test_any_offers_give_a_list_of_distinct_papers_in_the_order_of_their_scores(
    given: list[tuple[float, str]], cards: int, seed: int
) -> None:
    made = [Offer(row, score, interest) for row, (score, interest) in enumerate(given)]
    vectors = np.random.default_rng(seed).normal(size=(len(given), 4)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    shares = {"a": 3.0, "b": 1.0}
    picked = picked_of(made, vectors, shares, cards=cards)
    assert len(picked) == len(set(picked)) == min(cards, len(given))
    assert [given[row][0] for row in picked] == sorted((given[row][0] for row in picked), reverse=True)
    assert picked == picked_of(list(reversed(made)), vectors, shares, cards=cards)
    if given:  # the best paper is always there
        assert max(score for score, _ in given) == given[picked[0]][0]


OFFERS = st.lists(st.tuples(st.floats(-5, 9, width=32), st.sampled_from("abc")), max_size=12)


@given(st.lists(st.tuples(OFFERS, st.integers(0, 8)), max_size=5), st.integers(0, 99))
def test_many_lists_chosen_together_are_those_chosen_alone(
    readers: list[tuple[list[tuple[float, str]], int]], seed: int
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(12, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    choices = [
        choice([Offer(row, *one) for row, one in enumerate(given)], {"a": 3.0, "b": 1.0}, cards)
        for given, cards in readers
    ]
    assert rows_of(choices, vectors) == [rows_of([one], vectors)[0] for one in choices]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans())), st.integers(0, 12))
def test_the_best_are_those_of_a_stable_order_of_all(papers: list[tuple[int, bool]], count: int) -> None:
    allowed = [row for row, (_, may) in enumerate(papers) if may]
    found = best(
        np.array([score for score, _ in papers], np.float32), np.array([may for _, may in papers], bool), count
    )
    assert found.tolist() == sorted(allowed, key=lambda row: -papers[row][0])[:count]
