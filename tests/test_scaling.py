"""The model of a fleet says what a simulation shows that knows nothing of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scaling import STALLED, Fleet, model, needed, simulated

READERS = 400_000


@pytest.mark.parametrize(
    ("fleet", "limit"),
    [
        (Fleet(cores=4), "workers"),
        (Fleet(cores=64, writes=2000), "database"),
        (Fleet(cores=64, writes=2000, databases=2, servers=1000), "mail servers"),
        (Fleet(cores=64, writes=1000, databases=2), "database"),
    ],
)
def test_the_slowest_station_is_the_limit_and_the_simulation_agrees(fleet: Fleet, limit: str) -> None:
    said = model(fleet, READERS)
    assert said["limit"] == limit
    assert simulated(fleet, READERS) == pytest.approx(said["seconds"], rel=0.05)


def test_deaths_cost_little_more_than_the_work_that_is_done_again() -> None:
    calm = simulated(Fleet(cores=8), READERS)
    deadly = simulated(Fleet(cores=8, deaths=20), READERS)  # one in three minutes, for each core
    assert calm < deadly < 1.5 * calm
    assert deadly - calm > STALLED / 8


@pytest.mark.parametrize("readers", [100_000, 1_000_000])
def test_what_is_needed_is_enough_and_half_of_it_is_not(readers: int) -> None:
    fit = needed(Fleet(), readers, 1.0)
    assert simulated(fit, readers) <= 3600
    assert simulated(replace(fit, servers=fit.servers / 2), readers) > 3600
