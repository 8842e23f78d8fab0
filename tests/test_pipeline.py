"""The pipeline by itself: what may be repeated, what may race, and what a bad part must not spoil."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
from pydantic import SecretStr

from newsletter import bootstrap
from newsletter.config import Database, DeliverySettings, Ranking, Settings, Site, SourceKind
from newsletter.delivery.maildir import MaildirTransport
from newsletter.delivery.policy import Policy
from newsletter.delivery.transport import Session
from newsletter.errors import NotFoundError, UsageError
from newsletter.letters import StoredLetters
from newsletter.model import (
    Cadence,
    DeliveryState,
    Digest,
    InterestProfile,
    Issue,
    IssueState,
    NewSubscriber,
    Outcome,
    PaperRecord,
    QuietDay,
    Section,
    Subscriber,
    SubscriberStatus,
    Window,
)
from newsletter.pipeline import Newsletter
from newsletter.store import Store
from newsletter.store.schema import suppressions
from newsletter.subscriptions.signup import address_hash

SEEDS = Path(__file__).parent.parent / "seeds"
MONDAY = datetime(2026, 8, 17, 6, tzinfo=UTC)
EVER = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
SUBJECTS = ("speech recognition", "galaxy clusters", "protein folding", "number theory")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        site=Site(secret=SecretStr("a secret for tests")),
        database=Database(url=f"sqlite:///{tmp_path / 'newsletter.db'}"),
        delivery=DeliverySettings(maildir=tmp_path / "mail"),
        ranking=Ranking(encoder="wordllama"),
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with bootstrap.open_store(settings) as opened:
        yield opened


@pytest.fixture
def newsletter(settings: Settings, store: Store) -> Newsletter:
    return bootstrap.newsletter(settings, store)


def publish(newsletter: Newsletter, day: int) -> None:
    """Let a source announce four papers on the given day after the Monday."""
    records = tuple(
        PaperRecord(f"Advances in {subject}, report {day}", f"We study {subject}.", arxiv_id=f"2608.{day:02}{n:03}")
        for n, subject in enumerate(SUBJECTS)
    )
    newsletter.store.papers.add(Digest("Reports", records), source="reports", now=MONDAY + timedelta(days=day))


def subscribe(newsletter: Newsletter, name: str, *, cadence: Cadence = Cadence.DAILY, papers: int = 1) -> None:
    profile = InterestProfile(keywords=("protein folding",))
    new = NewSubscriber(f"{name}@lab.example", profile, cadence=cadence, papers=papers, status=SubscriberStatus.ACTIVE)
    newsletter.store.subscribers.add(new, now=MONDAY)


def send(newsletter: Newsletter, folder: Path, day: int) -> Counter[DeliveryState]:
    now = MONDAY + timedelta(days=day)
    issues = newsletter.open_issues(now.date(), now=now)
    for issue in issues:
        newsletter.rank(issue, now=now)
    return newsletter.deliver(issues, MaildirTransport(folder), Policy(), now=now, connections=2).states


def recipients(folder: Path) -> list[str]:
    heads = (BytesHeaderParser().parsebytes(path.read_bytes()) for path in (folder / "new").iterdir())
    return sorted(str(head["To"]) for head in heads)


def test_a_source_that_fails_stops_no_other(newsletter: Newsletter, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("Dear diary,\n\nnothing happened today.\n")
    paths = [tmp_path / "gone.txt", tmp_path / "diary.txt", SEEDS / "hf-daily-2025-08-20.json", tmp_path]
    pulled = list(newsletter.ingest(bootstrap.files(settings, paths, SourceKind.AUTO), now=MONDAY))
    assert [bool(one.error) for one in pulled] == [True, True, False, True]
    assert [one.new for one in pulled] == [0, 0, 14, 0]
    assert newsletter.store.papers.count() == 14


def test_an_announced_replacement_is_no_news(newsletter: Newsletter, settings: Settings, tmp_path: Path) -> None:
    feed = (
        '<rss version="2.0" xmlns:arxiv="http://arxiv.org/schemas/atom"><channel><title>cs updates on arXiv.org</title>'
        "{}</channel></rss>"
    )
    item = (
        "<item><title>Report {0}</title><link>https://arxiv.org/abs/2608.0000{0}</link>"
        "<description>arXiv:2608.0000{0}v1 Announce Type: {1}\nAbstract: We study {0} things at length.</description>"
        "<arxiv:announce_type>{1}</arxiv:announce_type></item>"
    )
    kinds = ("new", "cross", "replace", "replace-cross")
    (tmp_path / "feed.xml").write_text(feed.format("".join(item.format(n, kind) for n, kind in enumerate(kinds, 1))))
    [pulled] = newsletter.ingest(bootstrap.files(settings, [tmp_path / "feed.xml"], SourceKind.AUTO), now=MONDAY)
    assert pulled.digest is not None
    assert pulled.new == len(pulled.digest.records) == 2


def test_windows_touch_so_that_no_paper_is_missed_and_none_comes_twice(newsletter: Newsletter) -> None:
    for day in range(10):
        publish(newsletter, day)
        now = MONDAY + timedelta(days=day)
        newsletter.open_issues(now.date(), now=now)
    for cadence, count in ((Cadence.DAILY, 10), (Cadence.WEEKDAYS, 8), (Cadence.WEEKLY, 2)):
        windows = sorted(
            (issue.window for issue in newsletter.store.issues.all() if issue.cadence is cadence), key=lambda w: w.start
        )
        assert len(windows) == count
        assert all(one.end == other.start for one, other in itertools.pairwise(windows))
    dailies = [issue for issue in newsletter.store.issues.all() if issue.cadence is Cadence.DAILY]
    assert sum(newsletter.store.papers.count(issue.window) for issue in dailies) == 40


def test_a_week_of_issues_gives_nobody_a_paper_twice(newsletter: Newsletter, tmp_path: Path) -> None:
    for name, cadence in (("ada", Cadence.DAILY), ("bob", Cadence.WEEKDAYS), ("cid", Cadence.WEEKLY)):
        subscribe(newsletter, name, cadence=cadence, papers=3)
    for day in range(8):
        publish(newsletter, day)
        send(newsletter, tmp_path / "mail", day)
        send(newsletter, tmp_path / "mail", day)
    assert Counter(recipients(tmp_path / "mail")) == {
        "<ada@lab.example>": 8,
        "<bob@lab.example>": 6,
        "<cid@lab.example>": 2,
    }
    for subscriber in newsletter.store.subscribers.all():
        given = [
            pick.paper_key
            for issue in newsletter.store.issues.all()
            for pick in newsletter.store.issues.picks(issue.key, [subscriber.key]).get(subscriber.key, ())
        ]
        assert given
        assert len(set(given)) == len(given)


def test_on_a_day_without_anything_for_them_readers_get_a_note_or_nothing_as_they_choose(
    newsletter: Newsletter, tmp_path: Path
) -> None:
    for name, quiet in (("note", QuietDay.NOTE), ("silence", QuietDay.SILENCE)):
        profile = InterestProfile(keywords=("medieval falconry",))
        newsletter.store.subscribers.add(
            NewSubscriber(f"{name}@lab.example", profile, quiet=quiet, status=SubscriberStatus.ACTIVE), now=MONDAY
        )
    publish(newsletter, 1)
    sent = send(newsletter, tmp_path / "mail", 2)
    assert sent[DeliveryState.SENT] == 1
    assert recipients(tmp_path / "mail") == ["<note@lab.example>"]


def test_a_change_of_cadence_repeats_nothing(newsletter: Newsletter, tmp_path: Path) -> None:
    publish(newsletter, 0)
    subscribe(newsletter, "ada", papers=2)
    send(newsletter, tmp_path / "mail", 0)
    [ada] = newsletter.store.subscribers.all()
    changed = NewSubscriber(ada.email, ada.profile, cadence=Cadence.WEEKLY, papers=2, status=ada.status)
    newsletter.store.subscribers.replace([changed], now=MONDAY)
    send(newsletter, tmp_path / "mail", 0)
    before = newsletter.store.issues.already_picked([ada.key], EVER)[ada.key]
    issues = newsletter.store.issues.all()
    assert sum(len(newsletter.store.issues.picks(one.key, [ada.key]).get(ada.key, ())) for one in issues) == len(before)


def test_two_senders_at_once_send_each_mail_once(settings: Settings, newsletter: Newsletter, tmp_path: Path) -> None:
    publish(newsletter, 0)
    for number in range(30):
        subscribe(newsletter, f"reader{number:02}")
    tallies: list[Counter[DeliveryState]] = []

    def sender() -> None:
        with bootstrap.open_store(settings) as own:
            tallies.append(send(bootstrap.newsletter(settings, own), tmp_path / "mail", 0))

    threads = [threading.Thread(target=sender) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tallies) == 3
    assert sum((tally[DeliveryState.SENT] for tally in tallies), 0) == 30
    assert recipients(tmp_path / "mail") == [f"<reader{number:02}@lab.example>" for number in range(30)]


def test_an_issue_without_papers_needs_no_model_and_is_not_opened(settings: Settings, store: Store) -> None:
    made = bootstrap.newsletter(settings, store)

    def no_ranker() -> None:
        raise AssertionError("the model was loaded for nothing")

    idle = Newsletter(store, no_ranker, made.letterhead, made.edited, made.returns)  # type: ignore[arg-type]
    subscribe(idle, "ada")
    assert idle.open_issues(MONDAY.date(), now=MONDAY) == []
    [sketch, *_] = idle.issues_due(MONDAY.date(), now=MONDAY)
    [edition] = idle.picking(sketch).editions(store.subscribers.all())
    assert edition.picks == ()


def test_who_is_suppressed_is_not_waiting(newsletter: Newsletter) -> None:
    publish(newsletter, 0)
    subscribe(newsletter, "ada")
    subscribe(newsletter, "bob")
    store, secret = newsletter.store, newsletter.letterhead.secret
    hashed = address_hash("ADA@lab.example", secret)
    store.subscribers.forget("ada@lab.example", address_hash=hashed, now=MONDAY)
    subscribe(newsletter, "ada")  # by another way than ours
    [daily, *_] = newsletter.open_issues(MONDAY.date(), now=MONDAY)
    assert [one.email for some in newsletter.waiting(daily) for one in some] == ["bob@lab.example"]


def test_who_is_suppressed_after_the_ranking_gets_nothing(newsletter: Newsletter, tmp_path: Path) -> None:
    publish(newsletter, 0)
    subscribe(newsletter, "ada")
    subscribe(newsletter, "bob")
    [issue] = [one for one in newsletter.open_issues(MONDAY.date(), now=MONDAY) if one.cadence is Cadence.DAILY]
    newsletter.rank(issue, now=MONDAY)
    entry = {"address_hash": address_hash("ada@lab.example", newsletter.letterhead.secret), "reason": "complaint"}
    with newsletter.store._database.writing() as connection:
        connection.execute(suppressions.insert(), {**entry, "added_at": MONDAY})
    assert send(newsletter, tmp_path / "mail", 0) == {DeliveryState.SENT: 1, DeliveryState.SKIPPED: 1}
    assert recipients(tmp_path / "mail") == ["<bob@lab.example>"]
    skipped = newsletter.store.deliveries.page(9999, above=0, issue_keys=[issue.key])[0]
    assert (skipped.state, skipped.response) == (DeliveryState.SKIPPED, "the address is suppressed: complaint")


def test_a_message_keeps_the_id_it_was_queued_with_whatever_is_set_later(
    newsletter: Newsletter, settings: Settings, tmp_path: Path
) -> None:
    """Or one that is sent again would not be known for a double."""
    publish(newsletter, 0)
    subscribe(newsletter, "ada")
    for issue in newsletter.open_issues(MONDAY.date(), now=MONDAY):
        newsletter.rank(issue, now=MONDAY)
    site = settings.site.model_copy(update={"secret": SecretStr("another secret"), "sender": "P <p@other.example>"})
    moved = bootstrap.newsletter(settings.model_copy(update={"site": site}), newsletter.store)
    send(moved, tmp_path / "mail", 0)
    [kept] = newsletter.store.deliveries.page(9999, above=0)
    [file] = (tmp_path / "mail" / "new").iterdir()
    assert BytesHeaderParser().parsebytes(file.read_bytes())["Message-ID"] == kept.message_id


def test_a_held_issue_is_ranked_and_not_sent(newsletter: Newsletter, tmp_path: Path) -> None:
    publish(newsletter, 0)
    subscribe(newsletter, "ada")
    for issue in newsletter.open_issues(MONDAY.date(), now=MONDAY):
        newsletter.store.issues.set_state(issue, IssueState.PAUSED)
    assert send(newsletter, tmp_path / "mail", 0) == {}
    for issue in newsletter.store.issues.all():
        newsletter.store.issues.set_state(issue, IssueState.OPEN)
    assert send(newsletter, tmp_path / "mail", 0)[DeliveryState.SENT] == 1


def test_every_edition_has_a_message_id_of_its_own_before_and_after_its_issue_is_opened(newsletter: Newsletter) -> None:
    publish(newsletter, 0)
    subscribe(newsletter, "ada")
    subscribe(newsletter, "bob")
    people = newsletter.store.subscribers.all()
    sketched = newsletter.issues_due(MONDAY.date(), now=MONDAY)
    opened = newsletter.open_issues(MONDAY.date(), now=MONDAY)
    publish(newsletter, 1)
    later = newsletter.open_issues(MONDAY.date() + timedelta(days=1), now=MONDAY + timedelta(days=1))

    def ids(issues: list[Issue]) -> list[str]:
        return [newsletter.letterhead.message_id(issue, one) for issue in issues for one in people]

    assert ids([*sketched]) == ids([*opened])
    every = ids([*opened, *later])
    assert len(set(every)) == len(every) == 10


def test_a_preview_records_nothing(newsletter: Newsletter) -> None:
    with pytest.raises(NotFoundError, match="no papers yet"):
        newsletter.preview(_reader(newsletter), MONDAY.date(), now=MONDAY)
    publish(newsletter, 0)
    [ada] = newsletter.store.subscribers.all()
    for _ in range(2):
        edition = newsletter.preview(ada, MONDAY.date(), now=MONDAY).edition
        assert edition.issue.key == 0
    assert newsletter.store.issues.all() == []
    assert newsletter.store.issues.already_picked([ada.key], EVER) == {}


def _reader(newsletter: Newsletter) -> Subscriber:
    subscribe(newsletter, "ada")
    return newsletter.store.subscribers.all()[0]


def test_days_to_come_have_no_issues(newsletter: Newsletter) -> None:
    publish(newsletter, 0)
    with pytest.raises(UsageError, match="still to come"):
        newsletter.open_issues(date(2026, 8, 18), now=MONDAY)


def test_who_is_forgotten_between_the_claim_and_the_letter_gets_none(newsletter: Newsletter) -> None:
    publish(newsletter, 1)
    for name in ("ada", "bob"):
        subscribe(newsletter, name)
    now = MONDAY + timedelta(days=1)
    issues = newsletter.open_issues(now.date(), now=now)
    for issue in issues:
        newsletter.rank(issue, now=now)
    keys = [issue.key for issue in issues]
    deliveries = newsletter.store.deliveries
    claimed = deliveries.claim(keys, owner="me", due=now, now=now, lease=timedelta(minutes=1), limit=9)
    everyone = newsletter.store.subscribers.by_key(delivery.subscriber_key for delivery in claimed)
    leaving = everyone[claimed[0].subscriber_key]
    newsletter.store.subscribers.forget(leaving.email, address_hash="hash", now=now)
    letters = StoredLetters(newsletter.store, newsletter.letterhead, issues, now=now)(claimed)
    assert letters[claimed[0].key] == Outcome(DeliveryState.SKIPPED, "the subscriber was forgotten")
    assert callable(letters[claimed[1].key])


@pytest.mark.parametrize(("quiet", "expected"), [(QuietDay.SILENCE, [1, 0, 0]), (QuietDay.MISSED, [1, 1, 0])])
def test_a_quiet_day_brings_what_was_missed_to_who_wants_that(
    newsletter: Newsletter, quiet: QuietDay, expected: list[int]
) -> None:
    def announce(day: int, *titles: str) -> None:
        records = tuple(PaperRecord(title, f"{title}, in short.") for title in titles)
        newsletter.store.papers.add(Digest("Reports", records), source="reports", now=MONDAY + timedelta(days=day))

    newsletter = replace(newsletter, edited=replace(newsletter.edited, also_today=0))
    profile = InterestProfile(keywords=("protein folding",))
    new = NewSubscriber("ada@lab.example", profile, papers=1, quiet=quiet, status=SubscriberStatus.ACTIVE)
    newsletter.store.subscribers.add(new, now=MONDAY)
    announce(0, "Protein folding by heat", "Protein folding by cold", "Galaxies")
    announce(1, "Number theory of dunes")
    announce(2, "Galaxies of sand")
    [ada], cards = newsletter.store.subscribers.all(), []
    for day in range(3):
        now = MONDAY + timedelta(days=day)
        [issue] = [one for one in newsletter.open_issues(now.date(), now=now) if one.cadence is Cadence.DAILY]
        newsletter.rank(issue, now=now)
        cards.append(len(newsletter.store.issues.picks(issue.key, [ada.key])[ada.key]))
    assert cards == expected


def test_who_missed_some_issues_is_given_of_the_whole_gap_and_the_preview_says_the_same(
    newsletter: Newsletter, settings: Settings, tmp_path: Path
) -> None:
    subscribe(newsletter, "ada", papers=8)
    subscribe(newsletter, "ben", papers=8)
    for day in range(4):
        publish(newsletter, day)
        now = MONDAY + timedelta(days=day)
        reader = newsletter.store.subscribers.get("ada@lab.example")
        cadence = Cadence.DAILY if day in {0, 3} else Cadence.PAUSED
        newsletter.store.choices.keep_to(reader.public_id, cadence, now=now)
        if day < 3:
            send(newsletter, tmp_path / "mail", day)
    reader = newsletter.store.subscribers.get("ada@lab.example")
    foreseen = newsletter.preview(reader, now.date(), now=now)
    before = foreseen.edition
    assert before.since == MONDAY + timedelta(microseconds=1)
    assert {pick.paper_key for pick in before.picks if pick.section is Section.FOR_YOU} == {7, 11, 15}
    send(newsletter, tmp_path / "mail", 3)
    sent = newsletter.preview(reader, now.date(), now=now)
    assert (sent.edition.picks, sent.edition.since) == (before.picks, before.since)
    assert sent.message.data == foreseen.message.data
    ben = newsletter.preview(newsletter.store.subscribers.get("ben@lab.example"), now.date(), now=now)
    assert ben.edition.since is None


def told(store: Store) -> list[tuple[str, str]]:
    """Give the calls that wait: the event, and the day of the issue or the kind of bounce."""
    calls = store.webhooks.take(50, now=MONDAY + timedelta(days=99), lease=timedelta(0))
    return [(call.event, str(call.data.get("day") or call.data["kind"])) for call in calls]


def test_webhooks_are_told_of_an_issue_when_it_opens_and_when_its_last_mail_has_left_once_each(
    newsletter: Newsletter, tmp_path: Path
) -> None:
    events = ("issue.opened", "issue.sent")
    newsletter.store.webhooks.add("https://hooks.lab.example/", events, now=MONDAY)
    subscribe(newsletter, "ada")
    publish(newsletter, 1)
    day = (MONDAY + timedelta(days=1)).date()
    now = MONDAY + timedelta(days=1)
    [issue] = newsletter.open_issues(day, now=now, cadences=(Cadence.DAILY,))
    newsletter.open_issues(day, now=now, cadences=(Cadence.DAILY,))
    assert told(newsletter.store) == [("issue.opened", "2026-08-18")]
    newsletter.rank(issue, now=now, due=lambda reader: now + timedelta(hours=1))
    mail = MaildirTransport(tmp_path)
    newsletter.deliver([issue], mail, Policy(), now=now, connections=1)
    assert len(told(newsletter.store)) == 1  # its reader's hour is still to come
    for _ in range(2):
        newsletter.deliver([issue], mail, Policy(), now=now + timedelta(hours=1), connections=1)
    assert told(newsletter.store) == [("issue.opened", "2026-08-18"), ("issue.sent", "2026-08-18")]


def test_webhooks_are_told_of_who_is_suppressed_by_what_came_back(newsletter: Newsletter) -> None:
    newsletter.store.webhooks.add("https://hooks.lab.example/", ("subscriber.suppressed",), now=MONDAY)
    subscribe(newsletter, "ada")
    publish(newsletter, 1)

    class Refusing:
        @contextmanager
        def session(self) -> Iterator[Session]:
            yield self

        def deliver(self, _: object) -> Outcome:
            return Outcome(DeliveryState.BOUNCED, "550 5.1.1 no such user")

    now = MONDAY + timedelta(days=1)
    [issue] = newsletter.open_issues(now.date(), now=now, cadences=(Cadence.DAILY,))
    newsletter.rank(issue, now=now)
    newsletter.deliver([issue], Refusing(), Policy(), now=now, connections=1)
    assert newsletter.store.subscribers.get("ada@lab.example").status is SubscriberStatus.SUPPRESSED
    assert told(newsletter.store) == [("subscriber.suppressed", "hard")]
