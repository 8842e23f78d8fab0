"""The whole program killed at random moments: nothing lost, and no more doubled than was on its way.

A few rounds of `benchmarks/crash.py`, which runs as many as one likes.
"""

from __future__ import annotations

import os

import pytest

from benchmarks.crash import measured


@pytest.mark.parametrize("server", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_whatever_moment_it_is_killed_at_every_reader_gets_the_issue(server: str) -> None:
    url = os.environ["NEWSLETTER_TEST_POSTGRESQL"] if server == "postgresql" else None
    found = measured(rounds=2, subscribers=20, connections=3, seed=7, database=url, term_every=2)
    assert found["kills"] > 0
    assert found["terminations"] > 0
    assert (found["lost"], found["papers_lost"]) == (0, 0)
    assert found["duplicates"] <= found["duplicates_allowed"]
    assert found["duplicates_of_another_message_id"] == 0
    assert found["in_doubt_after_termination"] == 0
    assert found["slowest_termination_seconds"] < 10
