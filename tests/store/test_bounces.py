"""What a bounce changes: its delivery, the address, the subscription; all at once, and once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from newsletter.model import BounceKind, Delivery, DeliveryState, Issue, SubscriberStatus
from newsletter.store import Store
from newsletter.store.bounces import NewBounce
from newsletter.store.deliveries import Settlement
from tests.store.rows import DAY, NOW, dump, queued
from tests.store.test_deliveries import LEASE, claim

S = DeliveryState
HASH = "a" * 64


def sent(store: Store, count: int = 1) -> tuple[Issue, list[Delivery]]:
    issue, rows = queued(store, count)
    settle(store, issue, rows, S.SENT, "250 ok")
    return issue, rows


def settle(store: Store, issue: Issue, rows: Sequence[Delivery], state: S, response: str) -> None:
    claim(store.deliveries, issue.key)
    keys = [row.key for row in rows]
    store.deliveries.start(keys, owner="me", now=NOW, lease=LEASE)
    store.deliveries.settle([Settlement(key, state, response) for key in keys], owner="me", now=NOW)


def bounce(delivery: Delivery, name: str = HASH, **fields: Any) -> NewBounce:
    given = {
        "kind": BounceKind.HARD,
        "reason": "user unknown",
        "status": "5.1.1",
        "counted": False,
        "bounced": True,
        "changeable": (S.SENT, S.UNCERTAIN, S.SENDING),
    }
    return NewBounce(message_hash=name, delivery_key=delivery.key, **{**given, **fields})


def soft(delivery: Delivery, name: str) -> NewBounce:
    return bounce(delivery, name, kind=BounceKind.SOFT, reason="mailbox full", counted=True)


def record(store: Store, one: NewBounce, reason: str | None = "hard", *, now: datetime = NOW) -> str | None:
    return store.bounces.record(one, address_hash="hash", judge=lambda _: reason, now=now)


def counted(store: Store, one: NewBounce) -> int:
    """Record a bounce, and tell how many soft ones the judge was shown."""
    shown: list[datetime] = []

    def judge(moments: Sequence[datetime]) -> None:
        shown.extend(moments)

    store.bounces.record(one, address_hash="hash", judge=judge, now=NOW)
    return len(shown)


def test_a_hard_bounce_marks_the_delivery_and_suppresses_the_address(store: Store) -> None:
    issue, [row] = sent(store)
    assert record(store, bounce(row)) == "hard"
    [after] = store.deliveries.page(9999, above=0, issue_keys=[issue.key])
    assert (after.state, after.response) == (S.BOUNCED, "5.1.1 user unknown")
    assert store.subscribers.suppressed(["hash", "other"]) == {"hash": "hard"}
    assert [one.status for one in store.subscribers.all()] == [SubscriberStatus.SUPPRESSED]


def test_nobody_else_is_touched(store: Store) -> None:
    issue, [row, _] = sent(store, 2)
    record(store, bounce(row))
    assert [one.state for one in store.deliveries.page(9999, above=0, issue_keys=[issue.key])] == [S.BOUNCED, S.SENT]
    assert [one.status for one in store.subscribers.all()] == [SubscriberStatus.SUPPRESSED, SubscriberStatus.ACTIVE]


def test_the_same_message_twice_counts_once(store: Store) -> None:
    _, [row] = sent(store)
    record(store, bounce(row))
    before = dump(store)
    assert store.bounces.known(HASH)
    assert record(store, bounce(row)) is None
    assert dump(store) == before


def test_a_judge_who_spares_the_address_changes_only_the_delivery(store: Store) -> None:
    issue, [row] = sent(store)
    assert record(store, soft(row, HASH), None) is None
    assert store.deliveries.page(9999, above=0, issue_keys=[issue.key])[0].state is S.BOUNCED
    assert store.subscribers.suppressed(["hash"]) == {}
    assert store.subscribers.all()[0].status is SubscriberStatus.ACTIVE


def test_soft_bounces_of_one_subscriber_add_up_one_for_a_delivery(store: Store) -> None:
    _, [first] = sent(store)
    second = sent_again(store)
    assert counted(store, soft(first, "1" * 64)) == 1
    assert counted(store, soft(first, "2" * 64)) == 1
    assert counted(store, soft(second, "3" * 64)) == 2


def sent_again(store: Store) -> Delivery:
    issue, [row] = queued(store, 1, DAY.replace(day=24))
    settle(store, issue, [row], S.SENT, "250 ok")
    return row


@pytest.mark.parametrize("state", [S.FAILED, S.DEFERRED, S.SKIPPED])
def test_a_delivery_in_another_state_keeps_it(store: Store, state: S) -> None:
    issue, [row] = queued(store, 1)
    settle(store, issue, [row], state, "as it was")
    assert record(store, bounce(row)) == "hard"
    assert store.deliveries.page(9999, above=0, issue_keys=[issue.key])[0].response == "as it was"


def test_a_complaint_leaves_the_delivery_sent(store: Store) -> None:
    issue, [row] = sent(store)
    assert record(store, bounce(row, kind=BounceKind.COMPLAINT, bounced=False), "complaint") == "complaint"
    assert store.deliveries.page(9999, above=0, issue_keys=[issue.key])[0].state is S.SENT
    assert store.subscribers.suppressed(["hash"]) == {"hash": "complaint"}


def test_a_bounce_that_overtakes_its_sender_stands(store: Store) -> None:
    issue, [row] = queued(store, 1)
    claim(store.deliveries, issue.key)
    store.deliveries.start([row.key], owner="me", now=NOW, lease=LEASE)
    record(store, bounce(row))
    store.deliveries.settle([Settlement(row.key, S.SENT, "250 ok")], owner="me", now=NOW)
    assert store.deliveries.page(9999, above=0, issue_keys=[issue.key])[0].state is S.BOUNCED


def test_a_delivery_that_is_gone_changes_nothing(store: Store) -> None:
    _, [row] = sent(store)
    store.subscribers.forget("p1@example.test", address_hash="forgotten", now=NOW)
    before = dump(store)
    assert store.bounces.addressee(row.key) is None
    assert record(store, bounce(row)) is None
    assert dump(store) == before


def test_forgetting_a_subscriber_forgets_their_bounces(store: Store) -> None:
    _, [row] = sent(store)
    record(store, bounce(row))
    store.subscribers.forget("p1@example.test", address_hash="hash", now=NOW)
    assert not store.bounces.known(HASH)
    assert store.subscribers.suppressed(["hash"])


def test_a_message_is_found_by_its_id_only_together_with_its_address(store: Store) -> None:
    _, [row] = sent(store)
    find = store.bounces.addressee_of_message
    found = find([row.message_id], ["P1@example.test "])
    assert found is not None
    assert (found.delivery_key, found.email) == (row.key, "p1@example.test")
    assert find([row.message_id], ["p2@example.test"]) is None
    assert find(["<other@example.test>"], ["p1@example.test"]) is None
    assert find([], []) is None


def test_refusals_are_given_until_they_are_recorded(store: Store) -> None:
    issue, [row, other] = queued(store, 2)
    settle(store, issue, [row], S.BOUNCED, "550 5.1.1 no such user")
    assert [(one.delivery_key, one.response) for one in store.bounces.refused([issue.key])] == [
        (row.key, "550 5.1.1 no such user")
    ]
    record(store, bounce(row))
    assert store.bounces.refused([issue.key]) == []
    assert store.bounces.addressee(other.key) is not None


def test_many_at_once_count_each_of_them(store: Store) -> None:
    _, [row] = sent(store)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: record(store, bounce(row)), range(16)))
    assert sorted(said, key=str) == [None] * 15 + ["hard"]
