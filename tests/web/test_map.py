"""A day's papers as a map."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from newsletter.web.map import HEIGHT, WIDTH, placed

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


def test_who_draws_maps_does_not_load_what_places_papers() -> None:
    done = subprocess.run([sys.executable, "-c", DRAWING], capture_output=True, text=True, check=True)
    assert "sklearn" not in done.stdout.split()


def test_where_no_other_process_can_run_places_are_an_error_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(subprocess.CalledProcessError):
        placed(np.eye(6, 8, dtype=np.float32))
