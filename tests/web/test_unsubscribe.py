"""Leaving: by one click in a mail program, by the page, and the way back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.model import Cadence, Issue, IssueState, SubscriberStatus, Window
from newsletter.subscriptions.signup import address_hash
from newsletter.subscriptions.tokens import Tokens
from tests.store.rows import dump
from tests.web.house import House, words

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def test_opening_the_link_changes_nothing_however_often(house: House) -> None:
    path, before = house.unsubscribe(house.subscriber()), dump(house.store)
    for ask in (house.client.get, house.client.head, house.client.get):
        assert ask(path).status_code == 200
    assert dump(house.store) == before


def test_the_page_shows_one_main_button_and_ways_to_fewer_mails(house: House) -> None:
    page = house.get(house.unsubscribe(house.subscriber()))
    assert page.text.count('class="main"') == 1
    assert "Unsubscribe" in words(page)
    assert "Once a week" in words(page)
    assert "Pause" in words(page)


def test_one_click_of_a_mail_program_ends_the_subscription(house: House) -> None:
    """RFC 8058: no cookies, no login, no redirect; in either encoding, and again and again."""
    reader = house.subscriber()
    for _ in range(2):
        for body in ({"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}):
            answer = house.client.post(house.unsubscribe(reader), **body)
            assert answer.status_code == 200
            assert house.again(reader).status is SubscriberStatus.UNSUBSCRIBED


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", ""])
def test_a_post_that_says_nothing_ends_the_subscription_too(house: House, content_type: str) -> None:
    reader = house.subscriber()
    answer = house.client.post(house.unsubscribe(reader), content=b"", headers={"Content-Type": content_type})
    assert answer.status_code == 200
    assert house.again(reader).status is SubscriberStatus.UNSUBSCRIBED


def test_who_left_by_a_slip_comes_back_with_all_their_settings(house: House) -> None:
    reader = house.subscriber()
    gone = house.post(house.unsubscribe(reader), {"act": "unsubscribe"})
    assert "Subscribe again" in words(gone)
    back = house.post(house.unsubscribe(reader), {"act": "back"})
    assert "Welcome back" in words(back)
    assert house.again(reader) == reader


@pytest.mark.parametrize("cadence", list(Cadence))
def test_fewer_mails_and_a_pause_are_one_button(house: House, cadence: Cadence) -> None:
    reader = house.subscriber()
    page = house.post(house.unsubscribe(reader), {"act": cadence.value})
    assert page.status_code == 200
    assert house.again(reader).cadence is cadence
    # Their own choice, which no file of the operator changes; the same as before is none.
    assert house.again(reader).cadence_chosen_at == (None if cadence is reader.cadence else house.clock())
    assert house.again(reader).status is SubscriberStatus.ACTIVE
    assert f'value="{cadence.value}"' not in page.text


def test_who_has_paused_is_offered_mail_again(house: House) -> None:
    page = house.get(house.unsubscribe(house.subscriber(cadence=Cadence.PAUSED)))
    assert "Mail is paused" in words(page)
    assert "Every day" in words(page)


def test_an_act_that_there_is_not_changes_nothing(house: House) -> None:
    reader = house.subscriber()
    assert house.post(house.unsubscribe(reader), {"act": "hourly"}).status_code == 422
    assert house.again(reader) == reader


def test_who_is_suppressed_stays_so(house: House) -> None:
    reader = house.subscriber(status=SubscriberStatus.SUPPRESSED)
    for act in ("unsubscribe", "back", "daily"):
        assert house.post(house.unsubscribe(reader), {"act": act}).status_code == 200
        assert house.again(reader).status is SubscriberStatus.SUPPRESSED
    page = house.get(house.unsubscribe(reader))
    assert "<button" not in page.text
    assert "came back" in words(page)


def test_the_link_of_who_is_forgotten_is_answered_kindly_and_by_programs_as_done(house: House) -> None:
    reader = house.subscriber()
    forgotten = address_hash(reader.email, house.parts.secret)
    house.store.subscribers.forget(reader.email, address_hash=forgotten, now=house.clock())
    assert house.post(house.unsubscribe(reader), ONE_CLICK).status_code == 200
    page = house.get(house.unsubscribe(reader))
    assert page.status_code == 200
    assert "erased" in words(page)
    assert house.post(house.unsubscribe(reader), {"act": "back"}).status_code == 410


def test_the_link_works_for_ever(house: House) -> None:
    reader = house.subscriber()
    path = house.unsubscribe(reader)
    house.clock.pass_(days=4000)
    assert house.post(path, ONE_CLICK).status_code == 200
    assert house.again(reader).status is SubscriberStatus.UNSUBSCRIBED


def test_links_of_others_and_for_other_purposes_are_refused_all_alike(house: House) -> None:
    reader = house.subscriber()
    foreign = Tokens("another secret").unsubscribe(reader.public_id)
    other_purpose = house.tokens.preferences(reader.public_id, house.clock().date())
    cut = house.tokens.unsubscribe(reader.public_id)[:-1]
    pages = set()
    for token in (foreign, other_purpose, cut, "x", "no.such-token"):
        for answer in (house.get(f"/unsubscribe/{token}"), house.post(f"/unsubscribe/{token}", ONE_CLICK)):
            assert answer.status_code == 404
            pages.add(answer.text)
    assert len(pages) == 1
    assert "open it from the mail again" in pages.pop()
    assert house.again(reader) == reader


def test_the_page_does_not_tell_the_whole_address_to_whom_a_mail_was_forwarded(house: House) -> None:
    page = house.get(house.unsubscribe(house.subscriber("grace.hopper@lab.example")))
    assert "gr…@lab.example" in words(page)
    assert "grace" not in page.text


def test_an_issue_that_waits_is_not_sent_to_who_left_meanwhile(house: House) -> None:
    reader = house.subscriber()
    house.post(house.unsubscribe(reader), ONE_CLICK)
    assert not house.store.subscribers.any_active(Cadence.DAILY)


def test_a_pause_of_a_month_ends_by_itself_or_by_a_button(house: House) -> None:
    reader = house.subscriber()
    page = house.post(house.unsubscribe(reader), {"act": "month"})
    assert "no mail comes until Saturday, 19 September 2026" in words(page).replace("Saturday 19", "Saturday, 19")
    assert "goes on by itself" in words(house.get(house.unsubscribe(reader)))
    assert "paused until Saturday" in words(house.get(house.preferences(reader)))
    data = house.get(f"/my-data/{house.tokens.my_data(reader.public_id, house.clock().date())}").json()
    assert data["paused_until"] == "2026-09-19T06:00:00+00:00"
    now = house.clock()

    def mailed(days: int) -> int:
        at = now + timedelta(days=days)
        issue = Issue(0, Cadence.DAILY, at.date(), Window(at - timedelta(days=1), at), IssueState.OPEN)
        return len(house.store.subscribers.without_edition(issue))

    assert [mailed(0), mailed(29), mailed(30)] == [0, 0, 1]
    house.post(house.unsubscribe(reader), {"act": "daily"})
    assert mailed(0) == 1
    assert house.again(reader) == reader
