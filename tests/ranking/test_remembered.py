"""Rows that are worked out once a text."""

from __future__ import annotations

import numpy as np
import pytest

from newsletter.ranking.encoder import Vectors
from newsletter.ranking.remembered import Remembered


class Lengths:
    """Works out rows of the texts' lengths, and counts how many."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.worked_out = 0

    def __call__(self, places: list[int]) -> Vectors:
        self.worked_out += len(places)
        return np.array([[len(self.texts[place])] * 4 for place in places], np.float32).reshape(-1, 4)


def asked(remembered: Remembered, *texts: str) -> tuple[list[float], int]:
    work = Lengths(list(texts))
    return remembered(texts, work)[:, 0].tolist(), work.worked_out


def test_a_text_is_worked_out_once_and_stands_wherever_it_was_asked_for() -> None:
    remembered = Remembered()
    assert asked(remembered, "aaa", "b", "aaa") == ([3, 1, 3], 2)
    assert asked(remembered, "b", "cc", "aaa") == ([1, 2, 3], 1)
    assert asked(remembered, "cc") == ([2], 0)


def test_no_texts_give_no_rows() -> None:
    assert Remembered()([], Lengths([])).shape == (0, 4)


@pytest.mark.parametrize("most", [0, 8])
def test_memory_is_bounded_and_answers_stay_right(most: int) -> None:
    remembered = Remembered(most)
    assert asked(remembered, "a", "bb", "ccc", "dddd") == ([1, 2, 3, 4], 4)
    assert asked(remembered, "dddd", "eeeee", "a")[0] == [4, 5, 1]
    assert asked(remembered, "a", "ffffff")[0] == [1, 6]


def test_products_have_the_same_shape_whoever_is_asked_for() -> None:
    shapes = []

    def work_out(places: list[int]) -> Vectors:
        shapes.append(len(places))
        return np.array(places, np.float32)[:, None]

    remembered = Remembered(in_blocks=True)
    assert remembered(["a"], work_out).tolist() == [[0]]
    texts = [str(number) for number in range(130)]
    assert remembered(texts, work_out)[:, 0].tolist() == [*range(130)]
    assert len(set(shapes)) == 1


def test_rows_that_are_forgotten_are_worked_out_again_and_those_asked_for_stay() -> None:
    remembered = Remembered(12)  # three texts of four numbers
    assert asked(remembered, "a", "bb") == ([1, 2], 2)
    assert asked(remembered, "bb", "ccc", "dddd") == ([2, 3, 4], 2)  # "a" makes room
    assert asked(remembered, "bb", "a") == ([2, 1], 1)
