"""What the pages keep: choices by public id, agreements, attempts. Over both dialects."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from newsletter.errors import ExpiredError
from newsletter.model import Cadence, InterestProfile, NewSubscriber, PaperRecord, Subscriber, SubscriberStatus
from newsletter.store import Store
from newsletter.store.choices import Rating
from newsletter.subscriptions.signup import address_hash, origin_hash
from tests.store.rows import NOW, digest, dump, new_subscriber, queued

HOUR = timedelta(hours=1)
MORE, LIBRARY = Rating(liked=True, answer=True), Rating(liked=True, answer=False)


@pytest.fixture
def reader(store: Store) -> Subscriber:
    records = [PaperRecord(f"Paper {n} on dunes and sand", arxiv_id=f"2508.0000{n}") for n in (1, 2, 3)]
    store.papers.add(digest(*records), source="inbox", now=NOW)
    liked = InterestProfile(keywords=("dunes",), liked=("arxiv:2508.00001",))
    return store.subscribers.add(new_subscriber(profile=liked), now=NOW)


def test_a_public_id_leads_to_its_subscriber_and_to_nobody_once_they_are_forgotten(
    store: Store, reader: Subscriber
) -> None:
    assert store.choices.get(reader.public_id) == reader
    store.subscribers.forget(reader.email, address_hash=address_hash(reader.email, "s"), now=NOW)
    for act in (
        lambda: store.choices.get(reader.public_id),
        lambda: store.choices.come_back(reader.public_id),
        lambda: store.choices.keep_to(reader.public_id, Cadence.WEEKLY, now=NOW),
        lambda: store.choices.change(reader.public_id, new_subscriber(), now=NOW),
        lambda: store.choices.arrange(reader.public_id, new_subscriber(), overrule=True),
        lambda: store.choices.rate(reader.public_id, 1, MORE, now=NOW),
        lambda: store.choices.take_back(reader.public_id, ["arxiv:2508.00001"]),
        lambda: store.consents.record(reader.public_id, wording="yes", origin_hash="x", now=NOW),
    ):
        with pytest.raises(ExpiredError):
            act()
    store.choices.leave(reader.public_id)


def test_a_rating_tells_what_was_said_before_and_keeps_its_date_when_said_again(
    store: Store, reader: Subscriber
) -> None:
    key = store.papers.keys(["arxiv:2508.00001"])["arxiv:2508.00001"]
    assert store.choices.rating(reader.public_id, key) == LIBRARY
    assert store.choices.rate(reader.public_id, key, MORE, now=NOW) == LIBRARY
    before = dump(store)
    assert store.choices.rate(reader.public_id, key, MORE, now=NOW + HOUR) == MORE
    assert dump(store) == before
    assert store.choices.rate(reader.public_id, key, None, now=NOW) == MORE
    assert store.choices.rating(reader.public_id, key) is None


def test_a_paper_of_nobody_goes_with_the_last_who_takes_it_back(store: Store, reader: Subscriber) -> None:
    [name] = store.papers.keep([PaperRecord("A paper of a library", doi="10.1000/one")], now=NOW)
    other = store.subscribers.add(new_subscriber("eve@example.test"), now=NOW)
    for one in (reader, other):
        store.subscribers.like(one.email, [name], now=NOW)
    store.choices.take_back(reader.public_id, [name])
    assert name in store.papers.keys([name])
    assert store.choices.take_all_back(other.public_id, answers=False) == 1
    assert store.papers.keys([name, "arxiv:2508.00001"]).keys() == {"arxiv:2508.00001"}


def test_a_change_leaves_address_status_and_ratings_alone(store: Store, reader: Subscriber) -> None:
    new = new_subscriber("eve@example.test", profile=InterestProfile(), papers=3, status=SubscriberStatus.PENDING)
    store.choices.change(reader.public_id, new, now=NOW)
    now = store.choices.get(reader.public_id)
    assert (now.email, now.status, now.papers) == (reader.email, SubscriberStatus.ACTIVE, 3)
    assert now.profile == InterestProfile(liked=("arxiv:2508.00001",))


def _by_sync(store: Store, new: NewSubscriber, *, overrule: bool = False) -> None:
    store.subscribers.keep_in_step([new], [], now=NOW + HOUR, overrule=overrule)


def _by_import(store: Store, new: NewSubscriber, *, overrule: bool = False) -> None:
    store.subscribers.replace([new], now=NOW + HOUR, overrule=overrule)


def _by_api(store: Store, new: NewSubscriber, *, overrule: bool = False) -> None:
    store.choices.arrange(store.subscribers.get(new.email).public_id, new, overrule=overrule)


def _cadence(store: Store) -> tuple[Cadence, datetime | None]:
    [ada] = store.subscribers.all()
    return ada.cadence, ada.cadence_chosen_at


@pytest.mark.parametrize("write", [_by_sync, _by_import, _by_api])
def test_an_operator_changes_no_cadence_that_a_reader_chose_by_themselves(store: Store, write: Any) -> None:
    store.subscribers.keep_in_step([new_subscriber()], [], now=NOW)
    public_id = store.subscribers.get("ada@example.test").public_id
    write(store, new_subscriber(cadence=Cadence.WEEKDAYS))
    assert _cadence(store) == (Cadence.WEEKDAYS, None)  # nobody had chosen
    store.choices.keep_to(public_id, Cadence.WEEKLY, now=NOW)
    write(store, new_subscriber(hour=21))
    assert _cadence(store) == (Cadence.WEEKLY, NOW)
    assert store.subscribers.get("ada@example.test").hour == 21
    write(store, new_subscriber(cadence=Cadence.WEEKLY), overrule=True)  # which is what they chose
    assert _cadence(store) == (Cadence.WEEKLY, NOW)
    write(store, new_subscriber(cadence=Cadence.PAUSED))  # nobody is mailed against the operator's will
    assert _cadence(store) == (Cadence.PAUSED, None)
    write(store, new_subscriber())
    assert _cadence(store) == (Cadence.DAILY, None)
    store.choices.keep_to(public_id, Cadence.PAUSED, now=NOW + HOUR)
    write(store, new_subscriber(cadence=Cadence.PAUSED))  # and stays their own
    write(store, new_subscriber())
    assert _cadence(store) == (Cadence.PAUSED, NOW + HOUR)
    write(store, new_subscriber(), overrule=True)
    assert _cadence(store) == (Cadence.DAILY, None)


def test_who_is_dropped_from_a_file_comes_back_with_it_unless_they_paused_before(store: Store) -> None:
    store.subscribers.keep_in_step([new_subscriber()], [], now=NOW)
    store.subscribers.keep_in_step([], ["Ada@example.test"], now=NOW)
    store.subscribers.keep_in_step([new_subscriber()], [], now=NOW)
    assert _cadence(store) == (Cadence.DAILY, None)
    store.choices.keep_to(store.subscribers.get("ada@example.test").public_id, Cadence.PAUSED, now=NOW)
    store.subscribers.keep_in_step([], ["ada@example.test"], now=NOW + HOUR)
    store.subscribers.keep_in_step([new_subscriber()], [], now=NOW + HOUR)
    assert _cadence(store) == (Cadence.PAUSED, NOW)


def test_saving_other_settings_is_no_choice_of_a_cadence(store: Store, reader: Subscriber) -> None:
    store.choices.change(reader.public_id, new_subscriber(hour=21), now=NOW)
    assert _cadence(store) == (Cadence.DAILY, None)
    store.choices.change(reader.public_id, new_subscriber(cadence=Cadence.WEEKLY), now=NOW)
    store.choices.change(reader.public_id, new_subscriber(cadence=Cadence.WEEKLY, hour=3), now=NOW + HOUR)
    assert _cadence(store) == (Cadence.WEEKLY, NOW)


def test_who_subscribes_anew_with_another_cadence_has_chosen_it(store: Store) -> None:
    store.subscribers.keep_in_step([new_subscriber()], [], now=NOW)
    public_id = store.subscribers.get("ada@example.test").public_id
    store.choices.leave(public_id)
    asked = store.consents.ask(new_subscriber(cadence=Cadence.WEEKLY), wording="yes", origin_hash="x", now=NOW)
    store.consents.confirm(public_id, asked.key, origin_hash="x", now=NOW + HOUR)
    assert _cadence(store) == (Cadence.WEEKLY, NOW + HOUR)


def test_a_request_is_confirmed_once_with_what_it_asked_for(store: Store) -> None:
    new = new_subscriber(papers=4, profile=InterestProfile(topics=(("robotics", 2.0),)))
    asked = store.consents.ask(new, wording="yes", origin_hash="here", now=NOW)
    assert asked.status is SubscriberStatus.PENDING
    confirm = {"origin_hash": "there", "now": NOW + HOUR}
    assert store.consents.confirm(asked.public_id, asked.key, **confirm)  # type: ignore[arg-type]
    assert not store.consents.confirm(asked.public_id, asked.key, **confirm)  # type: ignore[arg-type]
    reader = store.choices.get(asked.public_id)
    assert (reader.status, reader.papers, reader.profile) == (SubscriberStatus.ACTIVE, 4, new.profile)
    assert store.consents.of_subscriber(reader.key)[0].wishes == {}
    again = store.consents.ask(new, wording="yes", origin_hash="here", now=NOW)
    assert (again.status, again.key) == (SubscriberStatus.ACTIVE, 0)


def test_the_request_of_another_cannot_be_confirmed(store: Store, reader: Subscriber) -> None:
    asked = store.consents.ask(new_subscriber("eve@example.test"), wording="", origin_hash="", now=NOW)
    with pytest.raises(ExpiredError):
        store.consents.confirm(reader.public_id, asked.key, origin_hash="", now=NOW)
    assert store.consents.drop_unconfirmed(before=NOW) == 0
    assert store.consents.drop_unconfirmed(before=NOW + HOUR) == 1
    with pytest.raises(ExpiredError):
        store.consents.get(asked.public_id, asked.key)


def test_attempts_are_counted_by_bucket_within_their_time(store: Store) -> None:
    def allowed(bucket: str, minutes: int) -> bool:
        return store.attempts.allow(bucket, most=2, within=HOUR, now=NOW + timedelta(minutes=minutes))

    assert [allowed("a", minute) for minute in (0, 30, 31, 59)] == [True, True, False, False]
    assert allowed("b", 59)
    assert [allowed("a", minute) for minute in (61, 62, 91)] == [True, False, True]
    store.attempts.allow("c", most=1, within=HOUR, now=NOW + timedelta(days=2))
    assert len(dump(store)["attempts"]) == 1


def test_of_many_who_try_at_once_only_so_many_pass(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda _: store.attempts.allow("a", most=3, within=HOUR, now=NOW), range(16)))
    assert sum(passed) == 3


def test_a_subscribers_issues_and_deliveries_are_theirs_alone(store: Store) -> None:
    issue, deliveries = queued(store, 3)
    [(found, picks)] = store.issues.of_subscriber(deliveries[1].subscriber_key)
    assert found == issue
    assert [pick.paper_key for pick in picks] == [1]
    assert store.deliveries.of_subscriber(deliveries[1].subscriber_key) == [deliveries[1]]


def test_places_are_told_apart_by_address_and_by_network_for_ipv6() -> None:
    assert origin_hash("192.0.2.1", "s") != origin_hash("192.0.2.2", "s")
    assert origin_hash("192.0.2.1", "s") == origin_hash("::ffff:192.0.2.1", "s")
    assert origin_hash("2001:db8::1", "s") == origin_hash("2001:db8::2", "s")
    assert origin_hash("2001:db8::1", "s") != origin_hash("2001:db8:1::1", "s")
    assert origin_hash("192.0.2.1", "s") != origin_hash("192.0.2.1", "another")
    assert len({origin_hash(text, "s") for text in ("", "unix:", "not an address")}) == 3
