"""Parts of the subscribers, by key: each is in one of them, and no call reads more than one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import EVERYBODY, Cadence, Shard, SubscriberStatus
from newsletter.store import Store
from tests.store.rows import DAY, EVER, MINUTE, NOW, edition, message_ids, new_subscriber, people, queued, sketch


@pytest.mark.parametrize("size", [1, 3, 4, 7, 8])
def test_shards_part_the_subscribers_of_a_cadence(store: Store, size: int) -> None:
    everyone = people(store, 7)
    store.subscribers.add(new_subscriber("weekly@example.test", cadence=Cadence.WEEKLY), now=NOW)
    store.subscribers.add(new_subscriber("gone@example.test", status=SubscriberStatus.UNSUBSCRIBED), now=NOW)
    shards = store.subscribers.shards(Cadence.DAILY, size)
    found = [store.subscribers.without_edition(sketch(), shard) for shard in shards]
    assert [one.key for some in found for one in some] == [one.key for one in everyone]
    assert max(map(len, found)) <= size
    assert shards[-1].upto is None  # so that who subscribes in this moment is in it


def test_where_nobody_is_there_is_one_shard(store: Store) -> None:
    assert store.subscribers.shards(Cadence.DAILY, 500) == [EVERYBODY]


def test_who_has_an_edition_waits_for_none_and_a_page_is_no_longer_than_asked(store: Store) -> None:
    issue = store.issues.open(sketch(), now=NOW)
    everyone = people(store, 6)
    made = [edition(issue, one, 1) for one in everyone[:2]]
    store.issues.publish(made, message_ids(made), now=NOW)
    page = store.subscribers.without_edition(issue, limit=3)
    assert [one.key for one in page] == [one.key for one in everyone[2:5]]
    rest = store.subscribers.without_edition(issue, Shard(after=page[-1].key), limit=3)
    assert [one.key for one in rest] == [everyone[5].key]


def test_a_claim_of_a_shard_leaves_the_others_alone(store: Store) -> None:
    issue, rows = queued(store, 6)
    shard = Shard(rows[1].subscriber_key, rows[3].subscriber_key)
    lease, due = 10 * MINUTE, NOW
    taken = store.deliveries.claim([issue.key], owner="me", due=due, now=NOW, lease=lease, limit=9, shard=shard)
    assert [one.key for one in taken] == [rows[2].key, rows[3].key]
    rest = store.deliveries.claim([issue.key], owner="you", due=due, now=NOW, lease=lease, limit=9)
    assert [one.key for one in rest] == [rows[n].key for n in (0, 1, 4, 5)]


def test_what_is_due_is_cut_into_shards(store: Store) -> None:
    issue, rows = queued(store, 7)
    mine = [row.subscriber_key for row in rows]
    assert store.deliveries.shards(issue.key, due=NOW, now=NOW, size=3) == [
        Shard(mine[0] - 1, mine[2]),
        Shard(mine[2], mine[5]),
        Shard(mine[5], mine[6]),
    ]
    assert store.deliveries.shards(issue.key, due=NOW - MINUTE, now=NOW, size=3) == []
    store.deliveries.claim([issue.key], owner="me", due=NOW, now=NOW, lease=MINUTE, limit=7, shard=Shard(mine[2]))
    assert store.deliveries.shards(issue.key, due=NOW, now=NOW, size=3) == [Shard(mine[0] - 1, mine[2])]


def test_only_issues_that_overlap_may_have_given_a_paper_before(store: Store) -> None:
    """Windows of one cadence touch: a reader's past need not be read, however long it is."""
    [ada] = people(store, 1)
    days = [store.issues.open(sketch(DAY + timedelta(days=n)), now=NOW) for n in range(3)]
    weekly = store.issues.open(sketch(DAY + timedelta(days=1), cadence=Cadence.WEEKLY), now=NOW)
    for number, issue in enumerate((*days[:2], weekly), 1):
        made = [edition(issue, ada, number)]
        store.issues.publish(made, message_ids(made), now=NOW)
    assert store.issues.already_picked([ada.key], days[2].window) == {}
    assert store.issues.already_picked([ada.key], days[1].window) == {ada.key: {2, 3}}
    assert store.issues.already_picked([ada.key], EVER) == {ada.key: {1, 2, 3}}


@given(st.lists(st.integers(1, 9), unique=True), st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9)))
def test_a_shard_holds_the_keys_above_its_start_up_to_its_end(keys: list[int], after: int, upto: int | None) -> None:
    with Store("sqlite://") as store:
        everyone = dict(enumerate(people(store, 9), 1))
        issue = store.issues.open(sketch(), now=NOW)
        made = [edition(issue, everyone[number], 1) for number in everyone if number not in keys]
        store.issues.publish(made, message_ids(made), now=NOW)
        found = {one.key for one in store.subscribers.without_edition(issue, Shard(after, upto))}
    assert found == {key for key in keys if key > after and (upto is None or key <= upto)}
