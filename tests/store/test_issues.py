"""Issues and editions: opened once, published once, whoever does it and however often."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from newsletter.model import Cadence, DeliveryState, Issue, IssueState, Window
from newsletter.store import Store
from tests.store.rows import DAY, EVER, MINUTE, NOW, dump, edition, message_ids, people, sketch

ONE_DAY = timedelta(days=1)


def test_opening_an_issue_again_gives_the_one_that_is_open(store: Store) -> None:
    first = store.issues.open(sketch(), now=NOW)
    before = dump(store)
    other_window = Window(first.window.start, first.window.end + MINUTE)
    again = dataclasses.replace(sketch(), window=other_window, state=IssueState.DRAFT)
    assert first.key
    assert dataclasses.replace(first, key=0) == sketch()
    assert store.issues.open(again, now=NOW + MINUTE) == first
    assert dump(store) == before


@pytest.mark.parametrize("repetition", range(3))
def test_many_who_open_an_issue_at_once_get_the_same_one(store: Store, url: str, repetition: int) -> None:
    together = Barrier(6, timeout=20)

    def open_it(number: int) -> Issue:
        end = NOW + number * MINUTE  # each has a clock of its own
        window = Window(sketch().window.start, end)
        with Store(url) as mine:
            together.wait()
            return mine.issues.open(dataclasses.replace(sketch(), window=window), now=end)

    with ThreadPoolExecutor(6) as pool:
        opened = set(pool.map(open_it, range(6)))
    assert opened == set(store.issues.all())
    assert len(opened) == 1
    assert repetition < 3


def test_two_issues_of_a_cadence_never_begin_at_the_same_moment(store: Store) -> None:
    """Two processes that open different days from the same last issue: the second one gets the first one's."""
    first = store.issues.open(sketch(), now=NOW)
    late = dataclasses.replace(sketch(DAY + ONE_DAY), window=Window(first.window.start, NOW + ONE_DAY))
    assert store.issues.open(late, now=NOW) == first


def test_the_issue_of_the_day_goes_before_one_that_begins_at_the_same_moment(store: Store) -> None:
    yesterday = store.issues.open(sketch(DAY - ONE_DAY), now=NOW)
    today = store.issues.open(sketch(), now=NOW)
    confused = dataclasses.replace(sketch(), window=yesterday.window)
    assert store.issues.open(confused, now=NOW) == today


def test_issues_are_found_by_day_by_key_and_newest_first(store: Store) -> None:
    days = [DAY - ONE_DAY, DAY, DAY + ONE_DAY]
    daily = [store.issues.open(sketch(day), now=NOW) for day in days]
    weekly = store.issues.open(sketch(cadence=Cadence.WEEKLY), now=NOW)
    assert store.issues.on(DAY) == [daily[1], weekly]
    assert store.issues.latest(Cadence.DAILY) == daily[2]
    assert store.issues.latest(Cadence.WEEKDAYS) is None
    assert store.issues.all() == [daily[2], daily[1], weekly, daily[0]]
    assert store.issues.by_key([weekly.key, 999]) == {weekly.key: weekly}


def test_an_issue_is_paused_and_goes_on(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    for state in (IssueState.PAUSED, IssueState.OPEN):
        store.issues.set_state(issue, state)
        assert store.issues.on(DAY) == [dataclasses.replace(issue, state=state)]


def test_an_edition_comes_back_as_published(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    [ada] = people(store, 1)
    made = edition(issue, ada, 7, 3)
    store.issues.publish([made], message_ids([made]), now=NOW)
    assert store.issues.picks(issue.key, [ada.key, 999]) == {ada.key: made.picks}
    assert store.issues.already_picked([ada.key, 999], EVER) == {ada.key: {7, 3}}


def test_publishing_again_changes_nothing(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    editions = [edition(issue, one, 1, 2) for one in people(store, 3)]
    store.issues.publish(editions[:2], message_ids(editions), now=NOW)
    before = dump(store)
    other = [edition(issue, one.subscriber, 9) for one in editions[:2]]
    store.issues.publish(other, dict.fromkeys(message_ids(editions), "<other@example.test>"), now=NOW + MINUTE)
    assert dump(store) == before
    store.issues.publish(editions, message_ids(editions), now=NOW)
    assert len(store.deliveries.page(9999, above=0, issue_keys=[issue.key])) == 3


def test_who_gets_nothing_is_skipped_and_said_why(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    [ada] = people(store, 1)
    empty = edition(issue, ada)
    store.issues.publish([empty], message_ids([empty]), now=NOW)
    [row] = store.deliveries.page(9999, above=0, issue_keys=[issue.key])
    assert (row.state, row.response) == (DeliveryState.SKIPPED, "no papers for this subscriber")
    assert store.deliveries.claim([issue.key], owner="me", due=NOW + ONE_DAY, now=NOW, lease=MINUTE, limit=9) == []
    assert store.issues.picks(issue.key, [ada.key]) == {ada.key: ()}


def test_who_is_forgotten_while_an_edition_is_made_keeps_nobody_from_theirs(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    first, gone, last = people(store, 3)
    made = [edition(issue, one, 1) for one in (first, gone, last)]
    store.subscribers.forget(gone.email, address_hash="x" * 64, now=NOW)
    store.issues.publish(made, message_ids(made), now=NOW)
    rows = store.deliveries.page(9999, above=0, issue_keys=[issue.key])
    assert [one.subscriber_key for one in rows] == [first.key, last.key]
    store.issues.publish(made[1:2], message_ids(made), now=NOW)


def test_threads_that_publish_at_once_queue_each_edition_once(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    editions = [edition(issue, one, 1) for one in people(store, 40)]
    together = Barrier(4, timeout=20)

    def publish(number: int) -> None:
        together.wait()
        store.issues.publish(editions[:: 1 if number % 2 else -1], message_ids(editions), now=NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(4)))
    assert len(store.deliveries.page(9999, above=0, issue_keys=[issue.key])) == 40
    assert len(store.issues.already_picked((one.subscriber.key for one in editions), EVER)) == 40


def test_a_large_issue_is_published_and_read_back(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    editions = [edition(issue, one, 1) for one in people(store, 1100)]
    store.issues.publish(editions, message_ids(editions), now=NOW)
    assert len(store.issues.picks(issue.key, (one.subscriber.key for one in editions))) == 1100
    assert len(store.issues.already_picked((one.subscriber.key for one in editions), EVER)) == 1100
    assert store.deliveries.counts([issue.key]) == {DeliveryState.QUEUED: 1100}
