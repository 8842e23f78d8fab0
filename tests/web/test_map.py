"""A day's papers as a map."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from newsletter.model import Topic
from newsletter.web.map import HEIGHT, WIDTH, group_names, placed

DRAWING = """
import sys, numpy
from newsletter.web.map import placed
placed(numpy.eye(6, 8, dtype=numpy.float32))
print(*sys.modules)
"""


def test_papers_that_are_alike_are_near_on_the_map_and_it_is_the_same_at_each_drawing() -> None:
    chance = np.random.default_rng(20260820)
    subjects = np.repeat(np.eye(3, 24), 8, axis=0)
    vectors = (subjects + chance.normal(scale=0.05, size=subjects.shape)).astype(np.float32)
    places = placed(vectors)
    assert np.array_equal(places, placed(vectors))
    assert ((places >= 0) & (places <= [WIDTH, HEIGHT])).all()
    far = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(far, np.inf)
    assert np.array_equal(far.argmin(axis=1) // 8, np.arange(24) // 8)


def topics_of(field: str, count: int) -> list[Topic]:
    return [Topic(f"{field}-{n}", f"{field} {n}", field, "About it.", (), ()) for n in range(count)]


def test_papers_of_few_topics_are_grouped_by_topic_those_of_many_by_field() -> None:
    stars, cells = topics_of("Stars", 12), topics_of("Cells", 12)
    assert group_names(stars[:2] * 5) == ["Stars 0", "Stars 1"] * 5
    assert set(group_names([*stars, *cells] * 2)) == {"Stars", "Cells"}


def test_where_all_papers_are_of_one_field_its_commonest_topics_are_the_groups() -> None:
    stars = topics_of("Stars", 14)
    named = group_names([*stars * 2, topics_of("Cells", 1)[0]])
    assert len(set(named)) == 8
    assert named.count("Other subjects") == 15
    assert "Stars" not in named


def test_who_draws_maps_does_not_load_what_places_papers() -> None:
    done = subprocess.run([sys.executable, "-c", DRAWING], capture_output=True, text=True, check=True)
    assert "sklearn" not in done.stdout.split()


def test_where_no_other_process_can_run_places_are_an_error_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(subprocess.CalledProcessError):
        placed(np.eye(6, 8, dtype=np.float32))
