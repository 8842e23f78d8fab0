"""Who is mailed what, what they rated, and that nothing is left of who is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from newsletter.delivery.envelope import message_id
from newsletter.errors import NotFoundError, StoreError
from newsletter.model import Cadence, DeliveryState, InterestProfile, NewSubscriber, PaperRecord, SubscriberStatus
from newsletter.store import Store
from newsletter.store.deliveries import Settlement
from newsletter.subscriptions.signup import address_hash
from tests.store.rows import DAY, MINUTE, NOW, digest, dump, edition, new_subscriber, queued, sketch

PROFILE = InterestProfile(
    topics=(("3d-vision", 1.0), ("robotics", 2.5)),
    keywords=("sand ripples", "Dünen"),
    muted=("blockchain",),
    authors=("Ada Lovelace",),
    liked=("arxiv:2508.00002", "arxiv:2508.00001"),
    disliked=("arxiv:2508.00003",),
    interests="How sand moves,\nand why.",
)
HASH = address_hash("ada@example.test", "a secret")


@pytest.fixture
def papers(store: Store) -> dict[str, int]:
    """Three papers, by id."""
    numbers = [f"2508.0000{n}" for n in (1, 2, 3)]
    records = (PaperRecord(f"Paper {n} on dunes and sand", arxiv_id=n) for n in numbers)
    store.papers.add(digest(*records), source="inbox", now=NOW)
    return store.papers.keys(f"arxiv:{n}" for n in numbers)


def test_a_subscriber_comes_back_as_written(store: Store, papers: dict[str, int]) -> None:
    new = NewSubscriber("Ada@Example.test", PROFILE, name="Ada", cadence=Cadence.WEEKLY, timezone="Asia/Kolkata",
                        hour=23, papers=5, language="de", status=SubscriberStatus.PENDING)  # fmt: skip
    added = store.subscribers.add(new, now=NOW)
    for field in ("email", "name", "cadence", "timezone", "hour", "papers", "language", "status"):
        assert getattr(added, field) == getattr(new, field)
    assert added.created_at == NOW
    assert set(added.profile.liked) == set(PROFILE.liked)
    assert added.profile.disliked == PROFILE.disliked
    for field in ("topics", "keywords", "muted", "authors", "interests"):
        assert getattr(added.profile, field) == getattr(PROFILE, field)
    assert len(papers) == 3
    assert store.subscribers.get("ada@example.test") == added
    assert store.subscribers.by_key([added.key, 999]) == {added.key: added}


def test_the_name_in_links_is_random_and_does_not_hold_the_address(store: Store) -> None:
    ids = {store.subscribers.add(new_subscriber(f"ada{n}@example.test"), now=NOW).public_id for n in range(20)}
    assert len(ids) == 20
    assert not any("ada" in name for name in ids)


def test_an_address_is_subscribed_once_whatever_its_case(store: Store) -> None:
    store.subscribers.add(new_subscriber("Größe@Example.test"), now=NOW)
    for same in ("größe@example.test", " GRÖSSE@EXAMPLE.TEST ", "groesse@example.test".replace("oe", "ö")):
        with pytest.raises(StoreError, match="is subscribed already"):
            store.subscribers.add(new_subscriber(same), now=NOW)
        assert store.subscribers.get(same).email == "Größe@Example.test"
    assert len(store.subscribers.all()) == 1


def test_one_of_many_who_subscribe_an_address_at_once_succeeds(store: Store) -> None:
    together = Barrier(4, timeout=20)

    def subscribe(_: int) -> bool:
        together.wait()
        try:
            store.subscribers.add(new_subscriber(), now=NOW)
        except StoreError as error:
            assert "is subscribed already" in error.message  # noqa: PT017
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(subscribe, range(4))) == [False, False, False, True]


def test_who_is_not_subscribed_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError, match="nobody is subscribed as eve@"):
        store.subscribers.get("eve@example.test")


def test_only_active_subscribers_of_the_cadence_get_an_issue(store: Store) -> None:
    for status in SubscriberStatus:
        for cadence in Cadence:
            new = new_subscriber(f"{status}.{cadence}@example.test", status=status, cadence=cadence)
            store.subscribers.add(new, now=NOW)
    assert [*store.subscribers.active(Cadence.WEEKLY).values()] == ["active.weekly@example.test"]
    everyone = store.subscribers.all()
    assert len(everyone) == 16
    assert everyone == sorted(everyone, key=lambda one: one.email)


def test_the_profiles_are_of_all_who_are_active_whatever_their_cadence(store: Store) -> None:
    assert (list(store.subscribers.profiles()), store.subscribers.count_active()) == ([], 0)
    for number in range(3):
        for status in SubscriberStatus:
            profile = InterestProfile(keywords=(f"{status} {number}",))
            cadence = Cadence.PAUSED if number else Cadence.DAILY
            store.subscribers.add(
                new_subscriber(f"{status}{number}@x.example", profile=profile, status=status, cadence=cadence), now=NOW
            )
    found = [profile.keywords for some in store.subscribers.profiles() for profile in some]
    assert found == [("active 0",), ("active 1",), ("active 2",)]
    assert store.subscribers.count_active() == 3


def test_ratings_follow_a_paper_whose_id_becomes_better(store: Store) -> None:
    title = "Ripples on the dunes of Mars move"
    store.papers.add(digest(PaperRecord(title)), source="inbox", now=NOW)
    [paper] = store.papers.recent(1, before=NOW + MINUTE)
    added = store.subscribers.add(new_subscriber(profile=InterestProfile(liked=(paper.id,))), now=NOW)
    store.papers.add(digest(PaperRecord(title, arxiv_id="2508.10433")), source="inbox", now=NOW)
    assert added.profile.liked == (paper.id,)
    assert store.subscribers.get(added.email).profile.liked == ("arxiv:2508.10433",)
    again = new_subscriber(profile=InterestProfile(disliked=(paper.id,)))  # by the name it once had
    store.subscribers.replace([again], now=NOW)
    assert store.subscribers.get(added.email).profile.disliked == ("arxiv:2508.10433",)


def test_papers_that_share_a_title_are_rated_apart(store: Store) -> None:
    shared = (PaperRecord("Introduction", authors=(name,)) for name in ("Ada", "Kurt"))
    store.papers.add(digest(*shared), source="inbox", now=NOW)
    ids = [paper.id for paper in store.papers.recent(9, before=NOW + MINUTE)]
    profile = InterestProfile(liked=(ids[1],), disliked=(ids[0],))
    assert store.subscribers.add(new_subscriber(profile=profile), now=NOW).profile == profile


def test_a_paper_that_is_both_liked_and_disliked_is_liked(store: Store, papers: dict[str, int]) -> None:
    [name, *_] = papers
    profile = InterestProfile(liked=(name, name), disliked=(name,))
    assert store.subscribers.add(new_subscriber(profile=profile), now=NOW).profile == InterestProfile(liked=(name,))


def test_unknown_papers_are_all_named_and_nothing_is_written(store: Store, papers: dict[str, int]) -> None:
    before = dump(store)
    profile = InterestProfile(liked=("arxiv:1", *papers), disliked=("doi:2",))
    with pytest.raises(NotFoundError, match="unknown papers: arxiv:1, doi:2"):
        store.subscribers.add(new_subscriber(profile=profile), now=NOW)
    assert dump(store) == before


def test_replacing_keeps_who_someone_is_and_changes_what_they_want(store: Store, papers: dict[str, int]) -> None:
    before = store.subscribers.add(new_subscriber(profile=PROFILE), now=NOW)
    wanted = InterestProfile(keywords=("waves",), liked=("arxiv:2508.00003",))
    new = new_subscriber("ADA@example.test", profile=wanted, hour=3)
    store.subscribers.replace([new, new_subscriber("kurt@example.test")], now=NOW + MINUTE)
    after = store.subscribers.get(before.email)
    assert (after.key, after.public_id, after.created_at) == (before.key, before.public_id, NOW)
    assert (after.email, after.hour, after.profile) == ("ADA@example.test", 3, wanted)
    assert len(store.subscribers.all()) == 2
    assert len(papers) == 3


def test_replacing_is_all_or_nothing(store: Store, papers: dict[str, int]) -> None:
    store.subscribers.add(new_subscriber(profile=PROFILE), now=NOW)
    before = dump(store)
    bad = new_subscriber("eve@example.test", profile=InterestProfile(liked=("arxiv:1",)))
    with pytest.raises(NotFoundError, match="unknown papers: arxiv:1"):
        store.subscribers.replace([new_subscriber(hour=3), new_subscriber("kurt@example.test"), bad], now=NOW)
    assert dump(store) == before
    assert len(papers) == 3


def test_replacing_the_same_again_changes_nothing(store: Store, papers: dict[str, int]) -> None:
    everyone = [new_subscriber(profile=PROFILE), new_subscriber("kurt@example.test")]
    store.subscribers.replace(everyone, now=NOW)
    before = dump(store)
    store.subscribers.replace(everyone, now=NOW)
    assert dump(store) == before
    assert len(papers) == 3


def test_forgetting_leaves_nothing_but_a_hash(store: Store, papers: dict[str, int]) -> None:
    queued(store, 2)  # others, who stay
    others = dump(store)
    secretive = InterestProfile(interests="zanzibar", keywords=("zanzibar",), liked=tuple(papers))
    ada = store.subscribers.add(new_subscriber("Zanzibar.Lovelace@example.test", name="Zanzibar", profile=secretive),
                                now=NOW)  # fmt: skip
    issue = store.issues.open(sketch(DAY), now=NOW)
    name = message_id(issue.key, ada.public_id, 1, b"secret", "example.test")
    store.issues.publish([edition(issue, ada, *papers.values())], {ada.key: name}, now=NOW)
    [claimed] = [
        one
        for one in store.deliveries.claim([issue.key], owner="me", due=NOW, now=NOW, lease=MINUTE, limit=9)
        if one.subscriber_key == ada.key
    ]
    told = Settlement(claimed.key, DeliveryState.BOUNCED, "550 no zanzibar.lovelace@example.test here")
    store.deliveries.settle([told], owner="me", now=NOW)
    store.deliveries.release("me")
    assert any(word in repr(dump(store)).lower() for word in ("zanzibar", ada.public_id.lower()))

    store.subscribers.forget(" zanzibar.LOVELACE@example.test", address_hash=HASH, now=NOW)
    left = dump(store)
    assert not any(word in repr(left).lower() for word in ("zanzibar", "lovelace@", ada.public_id.lower()))
    assert left == {**others, "suppressions": [(HASH, "forgotten", NOW)]}
    with pytest.raises(NotFoundError):
        store.subscribers.get(ada.email)


def test_who_is_forgotten_stays_suppressed_and_may_be_forgotten_again(store: Store) -> None:
    for later in (0, 1):
        store.subscribers.add(new_subscriber(), now=NOW)
        store.subscribers.forget("ada@example.test", address_hash=HASH, now=NOW + later * timedelta(days=1))
    assert store.subscribers.suppressed([HASH, "another"]) == {HASH: "forgotten"}
    assert store.subscribers.suppressed(str(n) for n in range(2000)) == {}
    assert dump(store)["suppressions"] == [(HASH, "forgotten", NOW)]


def test_forgetting_nobody_is_an_error_and_suppresses_nobody(store: Store) -> None:
    with pytest.raises(NotFoundError, match="eve@"):
        store.subscribers.forget("eve@example.test", address_hash=HASH, now=NOW)
    assert store.subscribers.suppressed([HASH]) == {}
