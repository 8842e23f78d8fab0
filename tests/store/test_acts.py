"""What is done once, whoever does it, and when things were done last."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from newsletter.model import Issue
from newsletter.store import Store
from tests.store.rows import MINUTE, NOW, sketch


def test_an_act_is_done_for_the_first_time_once(store: Store) -> None:
    assert store.acts.first("tidied", now=NOW)
    assert not store.acts.first("tidied", now=NOW + MINUTE)
    assert store.acts.first("read", now=NOW)
    assert store.acts.last("tidied") == NOW


def test_of_all_that_ask_at_once_one_is_the_first(store: Store, url: str) -> None:
    together = Barrier(5, timeout=20)

    def ask(_: int) -> bool:
        with Store(url) as own:
            together.wait()
            return own.acts.first("tidied", now=NOW)

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(ask, range(5))) == [False] * 4 + [True]


def test_what_is_noted_again_is_as_of_the_last_time(store: Store) -> None:
    store.acts.note("read", now=NOW)
    store.acts.note("read", now=NOW + MINUTE)
    assert store.acts.last("read") == NOW + MINUTE
    assert store.acts.last("never") is None


def test_what_goes_with_the_opening_of_an_issue_is_done_once(store: Store) -> None:
    done: list[Issue] = []
    for _ in range(2):
        store.issues.open(sketch(), now=NOW, then=lambda _connection, issue: done.append(issue))
    assert done == store.issues.all()
