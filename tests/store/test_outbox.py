"""Single mails that wait, over both dialects: taken by one sender at a time, and gone with who is not to be mailed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from newsletter.store import Store
from newsletter.store.outbox import Waiting
from newsletter.subscriptions.signup import address_hash
from tests.delivery.messages import message
from tests.store.rows import MINUTE, NOW, dump, new_subscriber

LEASE = timedelta(minutes=15)


def test_a_mail_that_is_being_sent_is_left_alone_until_its_lease_is_over(store: Store) -> None:
    sent = message(b"\x00\xff\r\n", recipient="Ada@lab.example")
    letter = store.outbox.add(sent, now=NOW, lease=LEASE)
    assert store.outbox.take(now=NOW + LEASE - MINUTE, lease=LEASE) is None
    again = store.outbox.take(now=NOW + LEASE, lease=LEASE)
    assert again is not None
    assert (again.key, again.attempts, letter.attempts) == (letter.key, 2, 1)
    assert again.message == replace(sent, subject="")  # it stands in the data
    assert store.outbox.take(now=NOW + LEASE, lease=LEASE) is None


def test_who_waits_longest_is_first_and_what_has_left_is_not_kept(store: Store) -> None:
    one, two = (store.outbox.add(message(number=number), now=NOW, lease=LEASE).key for number in (1, 2))
    store.outbox.put_off(one, "450 greylisted", until=NOW + 3 * MINUTE)
    store.outbox.put_off(two, "451 try later", until=NOW + MINUTE)
    assert store.outbox.waiting() == Waiting(2, NOW, "451 try later")
    taken = [store.outbox.take(now=NOW + 3 * MINUTE, lease=LEASE) for _ in range(3)]
    assert [letter and letter.key for letter in taken] == [two, one, None]
    store.outbox.drop(one)
    store.outbox.drop(two)
    assert store.outbox.waiting() == Waiting(0)
    assert dump(store)["outbox"] == []


def test_of_many_senders_one_gets_each_mail(store: Store) -> None:
    for number in range(20):
        store.outbox.put_off(store.outbox.add(message(number=number), now=NOW, lease=LEASE).key, "", until=NOW)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: store.outbox.take(now=NOW, lease=LEASE), range(24)))
    keys = [letter.key for letter in taken if letter]
    assert sorted(keys) == sorted(set(keys))
    assert len(keys) == 20


def test_nothing_leaves_for_who_was_erased(store: Store) -> None:
    reader = store.subscribers.add(new_subscriber("Ada@lab.example"), now=NOW)
    for recipient in ("ada@lab.example", "eve@lab.example"):
        store.outbox.add(message(recipient=recipient), now=NOW, lease=LEASE)
    store.subscribers.forget(reader.email, address_hash=address_hash(reader.email, "s"), now=NOW)
    assert store.outbox.waiting().count == 1
    left = store.outbox.take(now=NOW + LEASE, lease=LEASE)
    assert left is not None
    assert left.message.recipient == "eve@lab.example"
