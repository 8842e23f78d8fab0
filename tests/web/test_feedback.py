"""Answers to papers: opening the link changes nothing, one button does, and it can be taken back."""

from __future__ import annotations

import pytest

from newsletter.model import InterestProfile, PaperRecord
from newsletter.subscriptions.signup import address_hash
from tests.store.rows import digest, dump
from tests.web.house import HOSTILE, House, words

DUNES = "arxiv:2508.00001"


@pytest.mark.parametrize("liked", [True, False])
def test_opening_the_link_changes_nothing_and_one_button_records_the_answer(house: House, liked: bool) -> None:
    reader = house.subscriber()
    path = house.feedback(reader, "dunes", liked=liked)
    before = dump(house.store)
    page = house.get(path)
    assert house.client.head(path).status_code == 200
    assert dump(house.store) == before
    assert page.text.count("<button") == 1
    assert "Dunes that sing" in words(page)
    assert ("rank higher" if liked else "rank lower") in words(page)
    done = house.post(path)
    assert "Noted" in words(done)
    assert house.answers(reader) == [(DUNES, liked)]


def test_answering_twice_is_answering_once_and_keeps_the_first_date(house: House) -> None:
    reader = house.subscriber()
    path = house.feedback(reader, "dunes", liked=True)
    house.post(path)
    first = house.again(reader).profile.answers
    house.clock.pass_(days=3)
    assert house.post(path).status_code == 200
    assert house.again(reader).profile.answers == first


def test_an_answer_is_taken_back_by_its_button(house: House) -> None:
    reader = house.subscriber()
    path = house.feedback(reader, "dunes", liked=True)
    assert 'name="undo" value="nothing"' in house.post(path).text
    assert "Taken back" in words(house.post(path, {"undo": "nothing"}))
    assert house.answers(reader) == []


def test_taking_back_restores_what_was_said_before(house: House) -> None:
    reader = house.subscriber(profile=InterestProfile(liked=(DUNES,)))
    path = house.feedback(reader, "dunes", liked=False)
    assert "You said before" in words(house.get(path))
    assert 'value="liked"' in house.post(path).text
    assert house.answers(reader) == [(DUNES, False)]
    house.post(path, {"undo": "liked"})
    assert house.again(reader).profile.liked == (DUNES,)
    assert house.answers(reader) == []


def test_the_last_of_two_answers_stands(house: House) -> None:
    reader = house.subscriber()
    house.post(house.feedback(reader, "dunes", liked=True))
    house.post(house.feedback(reader, "dunes", liked=False))
    assert house.answers(reader) == [(DUNES, False)]


def test_a_page_opened_again_after_the_answer_offers_to_undo_it(house: House) -> None:
    reader = house.subscriber()
    path = house.feedback(reader, "dunes", liked=True)
    house.post(path)
    assert "Undo" in words(house.get(path))


def test_a_hostile_title_is_only_text(house: House) -> None:
    page = house.get(house.feedback(house.subscriber(), "hostile", liked=True))
    assert " ".join(HOSTILE.split()) in words(page)
    assert "<script>alert" not in page.text
    assert "<b onmouseover" not in page.text


def test_an_expired_link_says_so_and_records_nothing(house: House) -> None:
    reader = house.subscriber()
    path = house.feedback(reader, "dunes", liked=True)
    house.clock.pass_(days=91)
    for answer in (house.get(path), house.post(path)):
        assert answer.status_code == 410
        assert "has expired" in words(answer)
    assert house.answers(reader) == []


def test_links_of_who_is_forgotten_and_for_other_purposes_record_nothing(house: House) -> None:
    reader = house.subscriber()
    path = house.feedback(reader, "dunes", liked=True)
    assert house.post(house.preferences(reader).replace("preferences", "feedback")).status_code == 404
    hashed = address_hash(reader.email, house.parts.secret)
    house.store.subscribers.forget(reader.email, address_hash=hashed, now=house.clock())
    before = dump(house.store)
    assert house.get(path).status_code == house.post(path).status_code == 410
    assert dump(house.store) == before


def test_an_answer_to_a_paper_that_turned_out_to_be_another_is_one_to_that(house: House) -> None:
    first = PaperRecord("Tides of the deep sea and their clocks", authors=("Ada Lovelace",), doi="10.1000/tides")
    second = PaperRecord("On deep tides and how they keep time", authors=("Ada Lovelace",), arxiv_id="2508.00009")
    house.store.papers.add(digest(first, second), source="two", now=house.clock())
    keys = house.store.papers.keys(["doi:10.1000/tides", "arxiv:2508.00009"])
    reader = house.subscriber()
    both = PaperRecord(
        "On deep tides and how they keep time", authors=("Ada Lovelace",), doi="10.1000/tides", arxiv_id="2508.00009"
    )
    house.store.papers.add(digest(both), source="two", now=house.clock())
    for key in keys.values():
        token = house.tokens.feedback(reader.public_id, key, liked=True, day=house.clock().date())
        assert house.post(f"/feedback/{token}").status_code == 200
    assert len(set(keys.values())) == 2
    assert house.answers(reader) == [("arxiv:2508.00009", True)]


def test_a_paper_that_is_gone_is_answered_kindly(house: House) -> None:
    reader = house.subscriber()
    token = house.tokens.feedback(reader.public_id, 4711, liked=True, day=house.clock().date())
    assert house.get(f"/feedback/{token}").status_code == house.post(f"/feedback/{token}").status_code == 410
