"""Mail to single readers: a welcome with a first issue, a lost link, a new address, a goodbye; an issue on a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.model import DeliveryState, InterestProfile, NewSubscriber, SubscriberStatus
from newsletter.subscriptions.signup import address_hash
from tests.store.rows import EVER, dump, edition, message_ids, sketch
from tests.web.house import House, running, words
from tests.web.test_subscribe import WISH, asked, link, plain


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An installation with an issue of today that went out already; the model is loaded once for all tests."""
    folder: Path = tmp_path_factory.mktemp("mail")
    with running(f"sqlite:///{folder / 'newsletter.db'}", folder) as house:
        house.store.issues.open(replace(sketch(house.clock().date()), window=EVER), now=house.clock())
        yield house


def to(house: House, address: str) -> list[EmailMessage]:
    return [mail for mail in house.mails() if address in mail["To"].lower()]


def test_who_confirms_is_welcomed_and_gets_a_first_small_issue_at_once(warm: House) -> None:
    other = warm.subscriber("waits@lab.example")
    warm.post(asked(warm, email="new@lab.example", keywords="dunes", topics=[], papers="10"))
    _, welcome, first = to(warm, "new@lab.example")
    assert "Welcome" in welcome["Subject"]
    assert "A small selection" in " ".join(plain(welcome).split())
    assert "21 August 2026" in " ".join(plain(welcome).split())
    assert "Dunes that sing" in plain(first)
    assert "List-Unsubscribe" in first
    reader = warm.store.subscribers.get("new@lab.example")
    [sent] = warm.store.deliveries.of_subscriber(reader.key)
    assert sent.state is DeliveryState.SENT
    assert warm.store.deliveries.of_subscriber(other.key) == []
    [(_, picks)] = warm.store.issues.of_subscriber(reader.key)
    assert 0 < len([pick for pick in picks if pick.section.value == "for_you"]) <= 5


def test_the_first_issue_is_ranked_by_the_papers_that_were_named(warm: House) -> None:
    warm.post(asked(warm, email="named@lab.example", keywords="", interests="", topics=[], examples="2508.00003"))
    assert len(to(warm, "named@lab.example")) == 3
    assert warm.store.subscribers.get("named@lab.example").profile.liked == ("arxiv:2508.00003",)


def test_in_the_browser_an_issue_that_goes_further_back_says_so(warm: House) -> None:
    since = warm.clock() - timedelta(days=9)
    reader = warm.store.subscribers.add(NewSubscriber("ada@lab.example", InterestProfile()), now=since)
    [issue] = warm.store.issues.on(warm.clock().date())
    made = replace(edition(issue, reader, warm.papers["dunes"]), since=since + timedelta(days=2))
    warm.store.issues.publish([made], message_ids([made]), now=warm.clock())
    page = words(warm.get(f"/view/{warm.tokens.view(reader.public_id, issue.day, issue.cadence)}"))
    assert page.startswith("What you missed since 13 Aug")


def test_an_issue_is_shown_in_the_browser_with_reasons_and_answers(warm: House) -> None:
    warm.post(asked(warm, email="browser@lab.example", keywords="dunes", topics=[]))
    mail = to(warm, "browser@lab.example")[-1].get_body(("html",))
    assert mail is not None
    path = re.findall(r'href="https://newsletter\.example\.org(/view/[^"]+)"', mail.get_content())[0]
    before = dump(warm.store)
    page = warm.get(path)
    assert "Dunes that sing" in words(page)
    assert "Keyword “dunes”" in words(page)
    assert dump(warm.store) == before
    answer = re.findall(r'href="https://newsletter\.example\.org(/feedback/[^"]+)"', page.text)[0]
    assert "More like this" in words(warm.get(answer))
    assert page.headers["X-Robots-Tag"] == "noindex"
    for token in ("none", path.rpartition("/")[2][:-2]):
        assert warm.get(f"/view/{token}").status_code == 404
    warm.clock.pass_(days=400)
    assert warm.get(path).status_code == 410
    warm.clock.pass_(days=-400)


def test_a_subscription_without_any_issue_yet_is_welcomed_all_the_same(house: House) -> None:
    house.post(asked(house))
    _, welcome = house.mails()
    assert "A small selection" not in plain(welcome)


@pytest.mark.parametrize("known", ["nobody", "pending", "active", "unsubscribed", "suppressed", "forgotten"])
def test_a_lost_link_is_mailed_and_the_page_tells_nobody_whether_it_was(house: House, known: str) -> None:
    if known not in {"nobody", "forgotten"}:
        house.subscriber("ada@lab.example", status=SubscriberStatus(known))
    if known == "forgotten":
        reader = house.subscriber("ada@lab.example")
        hashed = address_hash(reader.email, house.parts.secret)
        house.store.subscribers.forget(reader.email, address_hash=hashed, now=house.clock())
    answer = house.post("/preferences", {"email": "Ada@lab.example"})
    other = house.post("/preferences", {"email": "eve@lab.example"})
    assert answer.text.replace("Ada@lab", "eve@lab") == other.text
    mails = house.mails()
    assert len(mails) == (1 if known in {"active", "unsubscribed"} else 0)
    for mail in mails:
        assert house.get(link(mail)).status_code == 200


def test_a_lost_link_can_be_asked_for_three_times_a_day(house: House) -> None:
    house.subscriber("ada@lab.example")
    assert len({house.post("/preferences", {"email": "ada@lab.example"}).text for _ in range(5)}) == 1
    assert len(house.mails()) == 3
    assert house.post("/preferences", {"email": "nobody"}).status_code == 422


def changed(house: House, new: str) -> dict[str, str]:
    """Ask for another address, and give the links that went to either."""
    reader = house.store.subscribers.get("ada@lab.example")
    before = len(house.mails())
    assert "Look into both" in words(house.post(f"{house.preferences(reader)}/address", {"email": new}))
    return {mail["To"].lower(): link(mail) for mail in house.mails()[before:]}


@pytest.mark.parametrize("first", ["ada@lab.example", "ada@home.example"])
def test_an_address_changes_once_both_have_said_yes(house: House, first: str) -> None:
    reader = house.subscriber("ada@lab.example", profile=InterestProfile(keywords=("dunes",)))
    links = changed(house, "ada@home.example")
    second = next(path for address, path in links.items() if address != first)
    before = dump(house.store)
    assert "ada@" not in words(house.get(links[first])).replace("…", "")
    assert dump(house.store) == before
    assert "Now the other address" in words(house.post(links[first]))
    assert house.again(reader).email == "ada@lab.example"
    assert "go to the new address" in words(house.post(second))
    assert house.again(reader) == replace(reader, email="ada@home.example")
    assert "go to the new address" in words(house.post(second))
    assert house.store.consents.of_subscriber(reader.key)[-1].wording == "Change the address"


def test_a_newer_wish_ends_an_older_one_and_a_link_is_for_one_side(house: House) -> None:
    house.subscriber("ada@lab.example")
    old = changed(house, "first@home.example")
    new = changed(house, "second@home.example")
    assert house.post(old["first@home.example"]).status_code == 410
    house.post(new["second@home.example"])
    house.post(new["second@home.example"])
    assert house.store.subscribers.find("second@home.example") is None


def test_an_address_that_is_somebody_elses_is_refused_and_the_asking_page_does_not_tell(house: House) -> None:
    house.subscriber("ada@lab.example")
    eve = house.subscriber("eve@lab.example")
    links = changed(house, "eve@lab.example")
    house.post(links["ada@lab.example"])
    assert "has a subscription" in words(house.post(links["eve@lab.example"]))
    assert house.again(eve) == eve
    assert house.store.subscribers.get("ada@lab.example").email == "ada@lab.example"


def test_who_must_not_be_mailed_is_not_asked_and_a_wrong_address_is_told(house: House) -> None:
    reader = house.subscriber("ada@lab.example")
    gone = house.subscriber("gone@lab.example")
    house.store.subscribers.forget(
        gone.email, address_hash=address_hash(gone.email, house.parts.secret), now=house.clock()
    )
    assert set(changed(house, "gone@lab.example")) == {"ada@lab.example"}
    for typed in ("", "x", "a@b\r\nBcc: c@d"):
        assert house.post(f"{house.preferences(reader)}/address", {"email": typed}).status_code == 422


def test_who_leaves_is_told_once_and_can_come_back_by_the_mail(house: House) -> None:
    reader = house.subscriber()
    for _ in range(2):
        house.post(house.unsubscribe(reader), {"List-Unsubscribe": "One-Click"})
    [mail] = house.mails()
    assert "no more issues" in " ".join(plain(mail).split()).lower()
    house.post(link(mail), {"act": "back"})
    assert house.again(reader).status is SubscriberStatus.ACTIVE
    house.post(house.unsubscribe(reader), {"act": "unsubscribe"})
    assert len(house.mails()) == 1


def test_who_erases_everything_is_told_so_and_never_mailed_again(house: House) -> None:
    reader = house.subscriber()
    token = house.tokens.my_data(reader.public_id, house.clock().date())
    house.post(f"/my-data/{token}", {"sure": "yes"})
    [mail] = house.mails()
    assert link(mail) == "/subscribe"
    house.post("/subscribe", WISH | {"email": reader.email})
    assert len(house.mails()) == 1
