"""What the schedule asks of the store: what is due when, what is taken back, what is done once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from newsletter.errors import NotFoundError
from newsletter.model import Cadence, DeliveryState, InterestProfile, SubscriberStatus
from newsletter.store import Store
from newsletter.store.batches import SIZE
from newsletter.store.deliveries import Settlement
from newsletter.store.trimming import Limits
from tests.store.rows import (
    DAY,
    EVER,
    MINUTE,
    NOW,
    digest,
    edition,
    message_ids,
    new_subscriber,
    people,
    queued,
    record,
    sketch,
)

HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=15)


def made(store: Store, count: int, *, day: int = 0, due: timedelta = HOUR) -> tuple[int, list[int]]:
    """Open an issue whose deliveries are due later; give its key and the readers' keys."""
    issue = store.issues.open(sketch(DAY + timedelta(days=day)), now=NOW)
    readers = people(store, count)
    editions = [edition(issue, one, 1) for one in readers]
    when = {one.key: NOW + due for one in readers}
    store.issues.publish(editions, message_ids(editions), now=NOW, due=when)
    return issue.key, [one.key for one in readers]


def claimed(store: Store, key: int, *, after: timedelta) -> int:
    due = NOW + after
    return len(store.deliveries.claim([key], owner="me:1:x", due=due, now=NOW, lease=LEASE, limit=100))


def test_a_delivery_waits_for_its_hour(store: Store) -> None:
    key, _ = made(store, 3)
    assert store.turns.due(now=NOW) == {}
    assert claimed(store, key, after=HOUR - MINUTE) == 0
    assert store.turns.due(now=NOW + 2 * HOUR) == {key: NOW + HOUR}
    assert claimed(store, key, after=HOUR) == 3


def test_who_says_so_sends_it_now(store: Store) -> None:
    key, _ = made(store, 2)
    store.turns.hasten([key + 1], now=NOW)
    assert claimed(store, key, after=MINUTE) == 0
    store.turns.hasten([key], now=NOW)
    assert claimed(store, key, after=MINUTE) == 2


def test_what_waits_follows_its_reader(store: Store) -> None:
    key, [first, second] = made(store, 2)
    assert store.turns.waiting_times(now=NOW) == [(key, "UTC", 7, NOW + HOUR)]
    store.subscribers.replace([new_subscriber("p2@example.test", timezone="Asia/Tokyo", hour=9)], now=NOW)
    assert sorted(store.turns.waiting_times(now=NOW)) == [
        (key, "Asia/Tokyo", 9, NOW + HOUR),
        (key, "UTC", 7, NOW + HOUR),
    ]
    store.turns.move(key, timezone="Asia/Tokyo", hour=9, old=NOW + HOUR, new=NOW + 3 * HOUR)
    due = {one.subscriber_key for one in store.deliveries.claim(
        [key], owner="me:1:x", due=NOW + HOUR, now=NOW, lease=LEASE, limit=9)}  # fmt: skip
    assert due == {first} != {second}
    assert store.turns.waiting_times(now=NOW + 3 * HOUR) == []


def test_what_never_left_is_taken_back_and_its_papers_are_news_again(store: Store) -> None:
    key, [first, second, third] = made(store, 3)
    later = DAY + timedelta(days=1)
    all_of_them = [(key, reader, NOW + HOUR) for reader in (first, second, third)]
    assert store.turns.untried(before=later, limit=9) == all_of_them
    assert store.turns.untried(before=later, limit=2) == all_of_them[:2]
    assert store.turns.untried(before=later, beyond=(key, second), limit=9) == all_of_them[2:]
    assert store.turns.untried(before=DAY, limit=9) == []
    [one] = store.deliveries.claim([key], owner="me:1:x", due=NOW + HOUR, now=NOW, lease=LEASE, limit=1)
    assert store.turns.withdraw([first, second], before=later, why="too late", now=NOW) == 1
    assert one.subscriber_key == first  # somebody is about to send that one
    rows = store.deliveries.page(9999, above=0, issue_keys=[key])
    states = {each.subscriber_key: (each.state, each.response) for each in rows}
    assert states[second] == (DeliveryState.SKIPPED, "too late")
    assert states[first][0] == states[third][0] == DeliveryState.QUEUED
    assert store.issues.already_picked([first, second, third], EVER).keys() == {first, third}
    assert store.issues.last_ends([first, second], before=later).keys() == {first}
    assert store.turns.withdraw([first, second], before=later, why="too late", now=NOW) == 0


def test_what_was_given_up_untried_is_taken_back_too_and_not_made_again(store: Store) -> None:
    key, [first, second] = made(store, 2)
    [issue] = store.issues.by_key([key]).values()
    [one] = store.deliveries.claim([key], owner="me:1:x", due=NOW + HOUR, now=NOW, lease=LEASE, limit=1)
    store.deliveries.start([one.key], owner="me:1:x", now=NOW, lease=LEASE)
    store.deliveries.settle([Settlement(one.key, DeliveryState.DEFERRED, "full", NOW)], owner="me:1:x", now=NOW)
    late = NOW + timedelta(days=3)
    became = store.turns.lapse([key], queued_before=late, why="too late", now=late)
    assert became == {DeliveryState.FAILED: 1, DeliveryState.SKIPPED: 1}
    assert one.subscriber_key == first
    assert store.issues.already_picked([first, second], EVER).keys() == {first}
    assert store.subscribers.without_edition(issue) == []


MANY = SIZE + 3


def test_more_than_is_changed_at_once_is_given_up_whole_and_others_are_left(store: Store) -> None:
    key, readers = made(store, MANY)
    late = NOW + timedelta(days=3)
    [held] = store.deliveries.claim([key], owner="me:1:x", due=NOW + HOUR, now=late, lease=LEASE, limit=1)
    assert store.turns.lapse([key], queued_before=NOW, why="too late", now=late) == {}
    became = store.turns.lapse([key], queued_before=late, why="too late", now=late)
    assert became == {DeliveryState.SKIPPED: MANY - 1}
    assert store.issues.already_picked(readers, EVER).keys() == {held.subscriber_key}
    rows = store.deliveries.page(9999, above=0, issue_keys=[key])
    assert {(one.state, one.response) for one in rows if one.key != held.key} == {(DeliveryState.SKIPPED, "too late")}
    assert store.turns.lapse([key], queued_before=late, why="too late", now=late + 2 * LEASE) == {
        DeliveryState.SKIPPED: 1
    }


def test_what_waited_in_vain_says_what_was_said_before(store: Store) -> None:
    key, _ = made(store, 2)
    [one] = store.deliveries.claim([key], owner="me:1:x", due=NOW + HOUR, now=NOW, lease=LEASE, limit=1)
    store.deliveries.start([one.key], owner="me:1:x", now=NOW, lease=LEASE)
    store.deliveries.settle([Settlement(one.key, DeliveryState.UNCERTAIN, "cut off", NOW)], owner="me:1:x", now=NOW)
    late = NOW + timedelta(days=3)
    became = store.turns.lapse([key], queued_before=late, why="too late", now=late)
    assert became == {DeliveryState.UNCERTAIN: 1, DeliveryState.SKIPPED: 1}
    said = {row.response for row in store.deliveries.page(9, above=0, issue_keys=[key])}
    assert said == {"too late; before: cut off", "too late"}


def test_many_are_hastened_moved_and_found_to_pause(store: Store) -> None:
    key, readers = made(store, MANY)
    store.turns.move(key, timezone="UTC", hour=7, old=NOW + HOUR, new=NOW + 3 * HOUR)
    assert store.turns.waiting_times(now=NOW) == [(key, "UTC", 7, NOW + 3 * HOUR)]
    store.turns.hasten([key], now=NOW)
    assert store.turns.waiting_times(now=NOW) == []
    assert store.turns.paused(now=NOW, limit=9) == []
    everyone = store.subscribers.by_key(readers).values()
    for one in everyone:
        store.choices.pause(one.public_id, NOW + HOUR)
    first = store.turns.paused(now=NOW, limit=SIZE)
    assert first == sorted(readers)[:SIZE]
    assert store.turns.paused(now=NOW, above=first[-1], limit=SIZE) == sorted(readers)[SIZE:]
    assert store.turns.withdraw(readers, why="paused", now=NOW) == MANY


def test_an_issue_is_ranked_once_for_all(store: Store) -> None:
    issue, _ = queued(store, 2)
    assert store.issues.not_ranked() == [issue]
    store.issues.set_ranked(issue, now=NOW)
    assert store.issues.not_ranked() == []
    assert store.issues.newest() == issue


def test_editions_say_where_they_begin(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    [reader, other] = people(store, 2)
    since = NOW - timedelta(days=9)
    editions = [edition(issue, reader, 4), edition(issue, other, 5)]
    longer = [type(editions[0])(issue, reader, editions[0].picks, since), editions[1]]
    store.issues.publish(longer, message_ids(longer), now=NOW)
    kept = store.issues.editions(issue, [reader, other])
    assert kept == {reader.key: longer[0], other.key: longer[1]}
    assert kept[reader.key].window.start == since
    assert kept[other.key].window == issue.window


def test_the_hours_of_the_world_are_told_once_each(store: Store) -> None:
    people(store, 3)
    store.subscribers.add(new_subscriber("tokyo@example.test", timezone="Asia/Tokyo", cadence=Cadence.WEEKLY), now=NOW)
    store.subscribers.add(new_subscriber("gone@example.test", hour=3, status=SubscriberStatus.UNSUBSCRIBED), now=NOW)
    assert sorted(store.subscribers.hours()) == [(Cadence.DAILY, "UTC", 7), (Cadence.WEEKLY, "Asia/Tokyo", 7)]


def test_of_all_who_do_a_thing_at_once_one_is_the_first(store: Store) -> None:
    said: list[bool] = []
    threads = [threading.Thread(target=lambda: said.append(store.acts.first("alert", now=NOW))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [False] * 5 + [True]
    assert store.acts.first("another", now=NOW)


def test_a_file_rules_over_those_who_came_by_it(store: Store) -> None:
    store.subscribers.add(new_subscriber("own@example.test", hour=3), now=NOW)
    pending = new_subscriber("new@example.test", status=SubscriberStatus.PENDING)
    store.subscribers.keep_in_step([pending, new_subscriber("own@example.test", hour=9)], [], now=NOW)
    assert [one.email for one in store.subscribers.of_file()] == ["new@example.test"]
    assert store.subscribers.get("own@example.test").hour == 3
    assert store.subscribers.get("new@example.test").status is SubscriberStatus.PENDING
    store.subscribers.keep_in_step([new_subscriber("new@example.test", hour=9)], ["own@example.test"], now=NOW)
    [new] = store.subscribers.of_file()
    assert (new.hour, new.status) == (9, SubscriberStatus.ACTIVE)
    assert store.subscribers.get("own@example.test").cadence is Cadence.DAILY
    store.choices.leave(new.public_id)
    store.subscribers.keep_in_step([new_subscriber("new@example.test")], [], now=NOW)
    assert store.subscribers.get("new@example.test").status is SubscriberStatus.UNSUBSCRIBED
    store.subscribers.keep_in_step([], ["NEW@example.test"], now=NOW)
    assert store.subscribers.get("new@example.test").cadence is Cadence.PAUSED
    unknown = new_subscriber("more@example.test", profile=InterestProfile(liked=("arxiv:2608.00009",)))
    with pytest.raises(NotFoundError):
        store.subscribers.keep_in_step([new_subscriber("other@example.test"), unknown], [], now=NOW)
    assert [one.email for one in store.subscribers.of_file()] == ["new@example.test"]  # all of it, or nothing


def test_what_is_past_its_time_is_dropped(store: Store) -> None:
    store.papers.add(digest(record("Dunes"), record("Sands")), source="dunes", now=NOW)
    keys = store.papers.keys(store.papers.in_window(sketch(DAY + timedelta(days=1)).window)[0].id for _ in (0,))
    queued(store, 3)
    store.subscribers.add(new_subscriber("likes@example.test", profile=InterestProfile(liked=tuple(keys))), now=NOW)
    days = timedelta(days=10)
    limits = Limits(days, days, days, texts=lambda paper: [f"vector of {paper.title}", f"summary of {paper.title}"])
    for title in ("Dunes", "Sands"):
        for maker in ("one", "other"):
            store.vectors.save(maker, {f"vector of {title}": b"1"})
        store.summaries.save("a model", f"summary of {title}", "A line.")
    assert not any(store.trimming.trim(limits, now=NOW + days).values())
    queued(store, SIZE, DAY + timedelta(days=1))
    queued(store, SIZE + 2, DAY + timedelta(days=30))  # stays
    dropped = store.trimming.trim(limits, now=NOW + 2 * days)
    assert {name: count for name, count in dropped.items() if count} == {
        "deliveries": SIZE + 3,
        "editions": SIZE + 3,
        "papers": 1,
        "vectors": 2,
        "summaries": 1,
    }
    [kept] = store.papers.in_window(sketch(DAY + timedelta(days=1)).window)
    assert store.vectors.load("one", ["vector of Dunes", "vector of Sands"]) == {f"vector of {kept.title}": b"1"}
    assert not any(store.trimming.trim(limits, now=NOW + 2 * days).values())
