"""Asking to be mailed, and saying yes: nobody is subscribed by somebody else, and nobody learns who is."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from newsletter.model import Cadence, InterestProfile, SubscriberStatus
from newsletter.subscriptions.signup import address_hash
from newsletter.web import happenings
from tests.store.rows import dump
from tests.web.house import HOSTILE, House, running, words

WISH: dict[str, Any] = {
    "email": "Ada@Lab.example",
    "topics": ["robotics"],
    "keywords": "dunes\nsand ripples",
    "interests": "How does sand keep time?",
    "cadence": "weekdays",
    "do": "subscribe",
}
ACTIVE, PENDING, LEFT = SubscriberStatus.ACTIVE, SubscriberStatus.PENDING, SubscriberStatus.UNSUBSCRIBED


def plain(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link(mail: EmailMessage) -> str:
    """Give the path that a mail leads to."""
    found = re.search(r"https://newsletter\.example\.org(/\S+)", plain(mail))
    assert found
    return found[1]


def asked(house: House, **changes: Any) -> str:
    """Ask, and give the path of the confirmation."""
    house.post("/subscribe", {**WISH, **changes})
    return link(house.mails()[-1])


def test_the_first_page_and_the_form_change_nothing(house: House) -> None:
    before = dump(house.store)
    for path in ("/", "/subscribe"):
        assert house.get(path).status_code == house.client.head(path).status_code == 200
    assert dump(house.store) == before


def test_who_asks_is_pending_until_they_say_yes_by_the_link(house: House) -> None:
    path = asked(house)
    assert house.store.subscribers.get("ada@lab.example").status is PENDING
    before = dump(house.store)
    page = house.get(path)
    assert house.client.head(path).status_code == 200
    assert dump(house.store) == before
    assert "Robotics" in words(page)
    assert "dunes, sand ripples" in words(page)
    done = house.post(path)
    assert "You are subscribed" in words(done)
    reader = house.store.subscribers.get("ada@lab.example")
    assert (reader.status, reader.cadence) == (ACTIVE, Cadence.WEEKDAYS)
    assert reader.profile == InterestProfile(
        topics=(("robotics", 1.0),), keywords=("dunes", "sand ripples"), interests="How does sand keep time?"
    )
    assert house.get(re.findall(r'href="(/preferences/[^"]+)"', done.text)[0]).status_code == 200


def test_what_was_agreed_to_is_kept_with_the_time_and_a_hash_of_the_place(house: House) -> None:
    shown = house.get("/subscribe")
    path = asked(house)
    house.clock.pass_(hours=2)
    house.post(path)
    reader = house.store.subscribers.get("ada@lab.example")
    [consent] = house.store.consents.of_subscriber(reader.key)
    assert consent.wording in words(shown)
    assert consent.confirmed_at == house.clock()
    assert consent.asked_at == house.clock() - timedelta(hours=2)
    assert "127.0.0.1" not in repr(dump(house.store))
    token = house.tokens.my_data(reader.public_id, house.clock().date())
    assert house.get(f"/my-data/{token}").json()["consents"][0]["wording"] == consent.wording


@pytest.mark.parametrize("known", ["nobody", "pending", "active", "unsubscribed", "suppressed", "forgotten"])
def test_the_answer_is_the_same_whoever_it_is_asked_for(house: House, known: str) -> None:
    if known not in {"nobody", "forgotten"}:
        house.subscriber("ada@lab.example", status=SubscriberStatus(known))
    if known == "forgotten":
        reader = house.subscriber("ada@lab.example")
        hashed = address_hash(reader.email, house.parts.secret)
        house.store.subscribers.forget(reader.email, address_hash=hashed, now=house.clock())
    answer = house.post("/subscribe", WISH)
    other = house.post("/subscribe", {**WISH, "email": "eve@lab.example"})
    assert answer.status_code == 200
    assert answer.text.replace("Ada@lab", "eve@lab") == other.text
    mails = [mail for mail in house.mails() if "Ada@" in mail["To"]]
    assert len(mails) == (0 if known in {"suppressed", "forgotten"} else 1)
    for mail in mails:
        assert link(mail).startswith("/preferences/" if known == "active" else "/confirm/")


def test_a_subscription_that_is_there_stays_as_it_is_whoever_asks_for_it(house: House) -> None:
    reader = house.subscriber("ada@lab.example")
    house.post("/subscribe", WISH)
    house.mails()
    assert house.again(reader) == reader


def test_who_left_comes_back_with_what_they_ask_for_now(house: House) -> None:
    reader = house.subscriber("ada@lab.example", status=LEFT)
    path = asked(house)
    assert house.again(reader) == reader
    house.post(path)
    assert house.again(reader).status is ACTIVE
    assert house.again(reader).profile.topics == (("robotics", 1.0),)


def test_the_mail_holds_nothing_that_was_typed_and_no_header_of_the_list(house: House) -> None:
    house.post("/subscribe", {**WISH, "keywords": "BUY THIS NOW", "interests": HOSTILE})
    [mail] = house.mails()
    for unwanted in ("BUY THIS", "alert(1)"):
        assert unwanted not in mail.as_string()
        assert unwanted not in plain(mail)
    assert "List-Unsubscribe" not in mail
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "Please confirm your subscription to Daily Papers"
    html = mail.get_body(("html",))
    assert html is not None
    assert link(mail) in html.get_content()


def test_a_link_is_good_for_once(house: House) -> None:
    path = asked(house)
    house.post(path)
    reader = house.store.subscribers.get("ada@lab.example")
    house.post(house.unsubscribe(reader), {"act": "unsubscribe"})
    assert "has been used" in words(house.post(path))
    assert house.again(reader).status is LEFT


def test_saying_yes_twice_changes_nothing_more(house: House) -> None:
    path = asked(house)
    house.post(path)
    before = dump(house.store)
    assert "You are subscribed" in words(house.post(path))
    assert dump(house.store) == before


def test_of_two_requests_the_one_that_is_confirmed_counts(house: House) -> None:
    first, second = asked(house), asked(house, topics=["3d-vision"], keywords="evil")
    assert first != second
    house.post(first)
    house.post(second)
    assert house.store.subscribers.get("ada@lab.example").profile.topics == (("robotics", 1.0),)


def test_a_link_expires_after_a_week_and_serves_no_other_purpose(house: House) -> None:
    path = asked(house)
    token = path.rpartition("/")[2]
    for other in ("preferences", "unsubscribe", "feedback", "my-data"):
        assert house.get(f"/{other}/{token}").status_code == 404
    house.clock.pass_(days=8)
    assert house.get(path).status_code == house.post(path).status_code == 410
    assert house.store.subscribers.get("ada@lab.example").status is PENDING


def test_who_never_says_yes_is_erased_in_time(house: House) -> None:
    asked(house)
    kept = house.subscriber("added@by.hand.example", status=PENDING)
    house.clock.pass_(days=31)
    asked(house, email="eve@lab.example")
    assert {one.email for one in house.store.subscribers.all()} == {kept.email, "eve@lab.example"}


def test_who_was_suppressed_meanwhile_is_not_mailed(house: House) -> None:
    path = asked(house)
    with house.store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE subscribers SET status = 'suppressed'")
    assert "No mail will come" in words(house.post(path))
    assert house.store.subscribers.get("ada@lab.example").status is SubscriberStatus.SUPPRESSED


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@lab.example",
        "ada@lab.example\r\nBcc: all@lab.example",
        "ada@lab.example, eve@lab.example",
        "Ada <ada@lab.example>",
        "ada@lab..example",
        "a" * 400 + "@lab.example",
        '"><script>alert(1)</script>@x.example',
    ],
)
def test_what_is_no_address_is_told_beside_the_field_and_nothing_is_kept(house: House, email: str) -> None:
    before = dump(house.store)
    page = house.post("/subscribe", {**WISH, "email": email})
    assert page.status_code == 422
    assert 'id="email-fault"' in page.text
    assert "<script>alert" not in page.text
    assert house.mails() == []
    assert dump(house.store) == before


def test_mistakes_in_all_fields_are_told_at_once_and_what_was_typed_stays(house: House) -> None:
    page = house.post("/subscribe", {**WISH, "email": "x", "keywords": "k" * 300, "cadence": "hourly"})
    assert set(re.findall(r'id="(\w+)-fault"', page.text)) == {"email", "keywords", "cadence"}
    assert "Please look at your email address , keywords , how often ." in words(page)
    assert "How does sand keep time?" in page.text
    assert 'value="robotics" checked' in page.text


def test_finding_a_topic_without_script_asks_for_nothing_yet(house: House) -> None:
    page = house.post("/subscribe", {**WISH, "sought": "vision", "do": "find"})
    assert page.status_code == 200
    assert 'value="3d-vision"' in page.text
    assert house.mails() == []


def test_programs_that_fill_in_every_field_get_the_same_answer_and_nothing_is_done(house: House) -> None:
    before = dump(house.store)
    trapped = house.post("/subscribe", {**WISH, "website": "https://spam.example"})
    assert house.mails() == []
    assert dump(house.store) == before
    assert trapped.text == house.post("/subscribe", WISH).text


def test_one_place_can_ask_twenty_times_an_hour_and_others_all_the_same(house: House) -> None:
    def ask(number: int, place: str) -> int:
        data = {**WISH, "email": f"a{number}@lab.example"}
        return house.post("/subscribe", data, headers={"X-Forwarded-For": place}).status_code

    assert {ask(number, "192.0.2.1") for number in range(20)} == {200}
    assert ask(20, "192.0.2.1") == 429
    assert ask(21, "2001:db8::1") == 200
    house.clock.pass_(minutes=61)
    assert ask(22, "192.0.2.1") == 200
    assert len(house.mails()) == 22


def test_one_address_is_written_to_three_times_a_day_and_nobody_can_tell(house: House) -> None:
    pages = {house.post("/subscribe", WISH).text for _ in range(5)}
    assert len(pages) == 1
    assert len(house.mails()) == 3
    house.clock.pass_(hours=25)
    house.post("/subscribe", WISH)
    assert len(house.mails()) == 4


def test_an_inbox_is_one_whatever_stands_behind_the_plus(house: House) -> None:
    for number in range(5):
        house.post("/subscribe", {**WISH, "email": f"ada+{number}@lab.example"})
    house.post("/subscribe", {**WISH, "email": "bob+0@lab.example"})
    assert [mail["To"].addresses[0].username for mail in house.mails()] == ["ada+0", "ada+1", "ada+2", "bob+0"]


def test_what_takes_seconds_to_read_is_read_twenty_times_an_hour_for_one_place(house: House) -> None:
    book = {"examples": "@article{dunes, title={Dunes that sing and how sand keeps time}}", "email": "nobody"}
    assert [house.post("/subscribe", book).status_code for _ in range(21)] == [422] * 20 + [429]
    assert house.post("/subscribe", {**book, "examples": "2508.00001"}).status_code == 422  # of ids that is no matter
    house.clock.pass_(minutes=61)
    assert house.post("/subscribe", book).status_code == 422


def test_coming_back_by_the_button_is_kept_as_an_agreement_too(house: House) -> None:
    reader = house.subscriber(status=LEFT)
    for _ in range(2):
        house.post(house.unsubscribe(reader), {"act": "back"})
    [consent] = house.store.consents.of_subscriber(reader.key)
    assert consent.confirmed_at == house.clock()


def test_erasure_takes_the_agreements_along(house: House) -> None:
    house.post(asked(house))
    reader = house.store.subscribers.get("ada@lab.example")
    token = house.tokens.my_data(reader.public_id, house.clock().date())
    house.post(f"/my-data/{token}", {"sure": "yes"})
    assert dump(house.store)["consents"] == []


def test_mail_that_cannot_be_sent_is_no_concern_of_the_page(house: House, caplog: pytest.LogCaptureFixture) -> None:
    (house.folder / "mail").write_text("not a folder")
    assert house.post("/subscribe", WISH).status_code == 200
    house.parts.errands.finish()
    assert "mail put off" in caplog.text
    waiting = house.store.outbox.waiting()
    assert waiting.count == 1
    assert "cannot write mail" in waiting.response
    (house.folder / "mail").unlink()
    house.clock.pass_(minutes=1)
    happenings.write_again(house.parts)
    [mail] = house.mails()
    assert house.get(link(mail)).status_code == 200


def test_who_asks_of_pages_that_are_being_replaced_is_told_to_ask_again(tmp_path: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'newsletter.db'}", tmp_path) as house:
        house.parts.errands.close()  # as when settings are read again while somebody fills in the form
        assert house.post("/subscribe", WISH).status_code == 503
