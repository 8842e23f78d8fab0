"""The queue that a crash cannot lose: claims, leases, fences, outcomes."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from newsletter.model import Delivery, DeliveryState
from newsletter.store import Store
from newsletter.store.deliveries import Deliveries, Settlement
from tests.store.rows import DAY, MINUTE, NOW, dump, edition, message_ids, people, queued, sketch

LEASE = 10 * MINUTE
S = DeliveryState


def claim(
    rows: Deliveries,
    issue: int,
    *,
    owner: str = "me",
    now: datetime = NOW,
    due: datetime | None = None,
    limit: int = 99,
) -> list[int]:
    found = rows.claim([issue], owner=owner, due=due or now, now=now, lease=LEASE, limit=limit)
    return [delivery.key for delivery in found]


def settle(rows: Deliveries, state: S, *keys: int, again: datetime | None = None, owner: str = "me") -> None:
    rows.settle([Settlement(key, state, f"was {state}", again) for key in keys], owner=owner, now=NOW)


def states(rows: Deliveries, issue: int) -> list[S]:
    return [delivery.state for delivery in rows.page(9999, above=0, issue_keys=[issue])]


def test_a_delivery_is_queued_with_its_message_id(store: Store) -> None:
    issue, [first, second] = queued(store, 2)
    assert first == Delivery(first.key, issue.key, first.subscriber_key, S.QUEUED, 0,
                             f"<{issue.key}.{first.subscriber_key}@example.test>", "")  # fmt: skip
    assert second.key > first.key
    assert store.deliveries.counts([issue.key]) == {S.QUEUED: 2}
    assert store.deliveries.counts([]) == {}


def test_what_one_has_claimed_no_other_can(store: Store) -> None:
    issue, rows = queued(store, 3)
    keys = [row.key for row in rows]
    assert claim(store.deliveries, issue.key, owner="me", limit=2) == keys[:2]
    assert claim(store.deliveries, issue.key, owner="you") == keys[2:]
    assert claim(store.deliveries, issue.key, owner="me") == []
    assert sorted(store.deliveries.owners()) == ["me", "you"]


def test_a_claim_takes_what_is_due_of_the_issues_that_are_named(store: Store) -> None:
    one, [first] = queued(store, 1)
    other, [second] = queued(store, 1, DAY + timedelta(days=1))
    assert claim(store.deliveries, one.key, due=NOW - MINUTE) == []
    assert store.deliveries.claim([], owner="me", due=NOW, now=NOW, lease=LEASE, limit=9) == []
    assert claim(store.deliveries, other.key) == [second.key]
    assert claim(store.deliveries, one.key) == [first.key]


def test_a_claim_ends_with_its_lease(store: Store) -> None:
    issue, [row] = queued(store, 1)
    assert claim(store.deliveries, issue.key, owner="me") == [row.key]
    assert claim(store.deliveries, issue.key, owner="you", now=NOW + LEASE) == []
    assert claim(store.deliveries, issue.key, owner="you", now=NOW + LEASE + MINUTE) == [row.key]
    # Who was too slow may neither send it nor say what became of it.
    assert store.deliveries.start([row.key], owner="me", now=NOW, lease=LEASE) == set()
    settle(store.deliveries, S.SENT, row.key, owner="me")
    assert states(store.deliveries, issue.key) == [S.QUEUED]
    assert store.deliveries.owners() == ["you"]


def test_a_row_is_sending_before_it_is_sent_and_only_once(store: Store) -> None:
    issue, [row] = queued(store, 1)
    assert store.deliveries.start([row.key], owner="me", now=NOW, lease=LEASE) == set()  # not claimed yet
    claim(store.deliveries, issue.key)
    assert store.deliveries.start([row.key, 999], owner="me", now=NOW, lease=LEASE) == {row.key}
    assert states(store.deliveries, issue.key) == [S.SENDING]
    assert store.deliveries.start([row.key], owner="me", now=NOW, lease=LEASE) == set()
    settle(store.deliveries, S.SENT, row.key)
    [sent] = store.deliveries.page(9999, above=0, issue_keys=[issue.key])
    assert (sent.state, sent.attempts, sent.response) == (S.SENT, 1, "was sent")
    assert claim(store.deliveries, issue.key, now=NOW + timedelta(days=99)) == []
    assert store.deliveries.owners() == []


def test_starting_gives_the_lease_its_full_length_again(store: Store) -> None:
    issue, [row] = queued(store, 1)
    claim(store.deliveries, issue.key)
    store.deliveries.start([row.key], owner="me", now=NOW + LEASE, lease=LEASE)
    assert store.deliveries.expire(now=NOW + 2 * LEASE, resend=False) == 0
    assert store.deliveries.expire(now=NOW + 2 * LEASE + MINUTE, resend=False) == 1


@pytest.mark.parametrize("state", [S.SENT, S.FAILED, S.BOUNCED, S.SKIPPED, S.UNCERTAIN])
def test_what_is_settled_for_good_is_never_claimed_again(store: Store, state: S) -> None:
    issue, [row] = queued(store, 1)
    claim(store.deliveries, issue.key)
    settle(store.deliveries, state, row.key)
    assert claim(store.deliveries, issue.key, now=NOW + timedelta(days=99)) == []


@pytest.mark.parametrize("state", [S.DEFERRED, S.UNCERTAIN])
def test_what_is_to_be_tried_again_waits_until_it_is_due(store: Store, state: S) -> None:
    issue, [row] = queued(store, 1)
    claim(store.deliveries, issue.key)
    store.deliveries.start([row.key], owner="me", now=NOW, lease=LEASE)
    settle(store.deliveries, state, row.key, again=NOW + 5 * MINUTE)
    assert claim(store.deliveries, issue.key, due=NOW + 4 * MINUTE) == []
    assert claim(store.deliveries, issue.key, due=NOW + 5 * MINUTE) == [row.key]
    assert store.deliveries.start([row.key], owner="me", now=NOW, lease=LEASE) == {row.key}
    assert store.deliveries.page(9999, above=0, issue_keys=[issue.key])[0].attempts == 2


def test_releasing_gives_back_what_was_not_begun(store: Store) -> None:
    issue, [first, second, third] = queued(store, 3)
    claim(store.deliveries, issue.key, limit=2)
    claim(store.deliveries, issue.key, owner="you")
    store.deliveries.start([first.key], owner="me", now=NOW, lease=LEASE)
    store.deliveries.release("me")
    assert claim(store.deliveries, issue.key, owner="new") == [second.key]
    assert states(store.deliveries, issue.key) == [S.SENDING, S.QUEUED, S.QUEUED]
    assert third.key not in claim(store.deliveries, issue.key, owner="new")


def test_the_dead_leave_claims_free_and_messages_in_doubt(store: Store) -> None:
    issue, [first, second, third] = queued(store, 3)
    claim(store.deliveries, issue.key, owner="dead", limit=2)
    claim(store.deliveries, issue.key, owner="alive")
    store.deliveries.start([first.key], owner="dead", now=NOW, lease=LEASE)
    store.deliveries.start([third.key], owner="alive", now=NOW, lease=LEASE)
    assert store.deliveries.expire(now=NOW, dead=["dead", "never was"], resend=False) == 1
    assert states(store.deliveries, issue.key) == [S.UNCERTAIN, S.QUEUED, S.SENDING]
    assert "died" in store.deliveries.page(9999, above=0, issue_keys=[issue.key])[0].response
    assert store.deliveries.owners() == ["alive"]
    settle(store.deliveries, S.SENT, first.key, owner="dead")  # should it not be dead after all
    assert claim(store.deliveries, issue.key, now=NOW + timedelta(days=99)) == [second.key]
    assert store.deliveries.expire(now=NOW, dead=["dead"], resend=False) == 0


@pytest.mark.parametrize("clock", [NOW, NOW + timedelta(days=400)])
def test_by_policy_a_message_in_doubt_is_due_again_at_once(store: Store, clock: datetime) -> None:
    """Also in a replay, where the newsletter's clock is long behind the real one, by which leases end."""
    issue, [row] = queued(store, 1)
    claim(store.deliveries, issue.key, now=clock, due=NOW)
    store.deliveries.start([row.key], owner="me", now=clock, lease=LEASE)
    assert store.deliveries.expire(now=clock + LEASE + MINUTE, resend=True) == 1
    assert claim(store.deliveries, issue.key, owner="you", now=clock + LEASE + MINUTE, due=NOW) == [row.key]
    assert store.deliveries.page(9999, above=0, issue_keys=[issue.key])[0].message_id == row.message_id


def test_many_settlements_are_written_together(store: Store) -> None:
    issue, rows = queued(store, 1200)
    keys = [row.key for row in rows]
    assert claim(store.deliveries, issue.key, limit=5000) == keys
    assert store.deliveries.start(keys, owner="me", now=NOW, lease=LEASE) == set(keys)
    settle(store.deliveries, S.SENT, *keys[::2])
    settle(store.deliveries, S.BOUNCED, *keys[1::2])
    assert store.deliveries.counts([issue.key]) == {S.SENT: 600, S.BOUNCED: 600}


def test_threads_that_claim_at_once_share_the_rows_and_claim_none_twice(store: Store, url: str) -> None:
    issue, rows = queued(store, 120)
    together = Barrier(6, timeout=20)

    def work(number: int) -> list[int]:
        mine: list[int] = []
        with Store(url) as own:
            together.wait()
            while some := claim(own.deliveries, issue.key, owner=f"owner {number}", limit=7):
                mine += own.deliveries.start(some, owner=f"owner {number}", now=NOW, lease=LEASE)
                settle(own.deliveries, S.SENT, *some, owner=f"owner {number}")
        return mine

    with ThreadPoolExecutor(6) as pool:
        taken = Counter(key for mine in pool.map(work, range(6)) for key in mine)
    assert taken == Counter(row.key for row in rows)
    assert {row.attempts for row in store.deliveries.page(9999, above=0, issue_keys=[issue.key])} == {1}


def test_a_claim_does_not_wait_for_rows_that_another_transaction_holds(store: Store) -> None:
    """PostgreSQL skips locked rows; SQLite has one writer at a time, so there is nothing to skip."""
    issue, rows = queued(store, 4)
    if store._engine.dialect.name == "sqlite":
        assert claim(store.deliveries, issue.key) == [row.key for row in rows]
        return
    with store._engine.connect() as other, other.begin():
        other.exec_driver_sql(f"SELECT 1 FROM deliveries WHERE key = {rows[0].key} FOR UPDATE")
        assert claim(store.deliveries, issue.key) == [row.key for row in rows[1:]]


def test_rows_go_when_their_subscriber_goes(store: Store) -> None:
    issue, [row, _] = queued(store, 2)
    claim(store.deliveries, issue.key)
    store.subscribers.forget("p1@example.test", address_hash="hash", now=NOW)
    assert store.deliveries.start([row.key], owner="me", now=NOW, lease=LEASE) == set()
    settle(store.deliveries, S.SENT, row.key)
    assert len(dump(store)["deliveries"]) == 1


def test_no_delivery_is_given_the_number_of_one_that_is_gone(store: Store) -> None:
    """A number stands in a bounce address: a late bounce to who was forgotten must not be somebody else's."""
    issue = store.issues.open(sketch(), now=NOW)
    [ada] = people(store, 1)
    made = [edition(issue, ada, 1)]
    store.issues.publish(made, message_ids(made), now=NOW)
    [gone] = store.deliveries.of_subscriber(ada.key)
    store.subscribers.forget(ada.email, address_hash="hash", now=NOW)
    [ben] = people(store, 1, first=2)
    made = [edition(issue, ben, 1)]
    store.issues.publish(made, message_ids(made), now=NOW)
    [new] = store.deliveries.of_subscriber(ben.key)
    assert ben.key > ada.key
    assert new.key > gone.key
