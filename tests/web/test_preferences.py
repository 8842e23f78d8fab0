"""The page with everything of a profile: shown, changed, removed, checked; rated papers; a library."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from newsletter.model import Cadence, InterestProfile, NewSubscriber, QuietDay, Subscriber, SubscriberStatus
from tests.store.rows import dump
from tests.web.house import HOSTILE, House, words

DATA = Path(__file__).parent.parent / "data/sources/bibliographies"
PROFILE = InterestProfile(
    topics=(("robotics", 1.0), ("speech-recognition", 2.5)),
    keywords=("dunes", "sand ripples"),
    muted=("survey",),
    authors=("Ada Lovelace",),
    interests="How does sand keep time?",
    liked=("arxiv:2508.00001",),
)
WHOLE: dict[str, Any] = {
    "topics": ["robotics", "3d-vision"],
    "weight-robotics": "0.5",
    "keywords": "tides\r\nwaves; currents\r\n\r\n",
    "muted": "",
    "authors": "Marie Curie",
    "interests": "How do tides\r\nkeep time?",
    "cadence": "weekly",
    "hour": "21",
    "timezone": "Asia/Kolkata",
    "papers": "7",
    "language": "pt-BR",
    "quiet": "silence",
    "name": "Ada L.",
    "do": "save",
}


@pytest.fixture
def reader(house: House) -> Subscriber:
    return house.subscriber(profile=PROFILE, timezone="Europe/Berlin", name="Ada")


def filled(page: httpx.Response) -> dict[str, Any]:
    """Give what the first form of a page would send if nothing were touched."""
    text = re.search(r"<form.*?</form>", page.text, re.DOTALL)[0]  # type: ignore[index]
    values: dict[str, Any] = {"topics": re.findall(r'name="topics" value="([^"]+)" checked', text)}
    for name, value in re.findall(r'<input type="(?:text|number)"[^>]* name="(\w+)" value="([^"]*)"', text):
        values[name] = html.unescape(value)
    for name, value in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', text, re.DOTALL):
        values[name] = html.unescape(value)
    for name, options in re.findall(r'<select[^>]* name="([\w-]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        values[name] = "".join(re.findall(r'<option value="([^"]+)" selected', options))
    return values


def test_opening_the_page_changes_nothing_and_shows_everything(house: House, reader: Subscriber) -> None:
    before = dump(house.store)
    page = house.get(house.preferences(reader))
    assert dump(house.store) == before
    shown = filled(page)
    assert shown["topics"] == ["robotics", "speech-recognition"]
    assert shown["weight-speech-recognition"] == "2.5"
    assert shown["keywords"] == "dunes\nsand ripples"
    assert (shown["muted"], shown["authors"], shown["interests"]) == ("survey", "Ada Lovelace", PROFILE.interests)
    assert (shown["cadence"], shown["hour"], shown["timezone"], shown["papers"]) == (
        "daily",
        "7",
        "Europe/Berlin",
        "10",
    )
    assert (shown["language"], shown["quiet"], shown["name"]) == ("en", "note", "Ada")
    assert "Dunes that sing" in words(page)


def test_saving_an_untouched_form_changes_nothing(house: House, reader: Subscriber) -> None:
    before = dump(house.store)
    page = house.post(house.preferences(reader), filled(house.get(house.preferences(reader))))
    assert "Saved" in words(page)
    assert dump(house.store) == before


def test_everything_can_be_changed_at_once(house: House, reader: Subscriber) -> None:
    assert house.post(house.preferences(reader), WHOLE).status_code == 200
    now = house.again(reader)
    assert now.profile.topics == (("robotics", 0.5), ("3d-vision", 1.0))
    assert now.profile.keywords == ("tides", "waves", "currents")
    assert now.profile.muted == ()
    assert now.profile.authors == ("Marie Curie",)
    assert now.profile.interests == "How do tides keep time?"
    assert now.profile.liked == PROFILE.liked
    assert (now.cadence, now.hour, now.timezone, now.papers) == (Cadence.WEEKLY, 21, "Asia/Kolkata", 7)
    assert (now.language, now.quiet, now.name) == ("pt-BR", QuietDay.SILENCE, "Ada L.")
    assert (now.email, now.status, now.public_id) == (reader.email, reader.status, reader.public_id)


def test_how_often_is_the_readers_own_choice_once_they_change_it(house: House, reader: Subscriber) -> None:
    house.post(house.preferences(reader), {**WHOLE, "cadence": "daily"})
    assert house.again(reader).cadence_chosen_at is None
    house.post(house.preferences(reader), WHOLE)
    assert house.again(reader).cadence_chosen_at == house.clock()


def test_who_has_paused_is_told_so(house: House, reader: Subscriber) -> None:
    house.store.choices.pause(reader.public_id, house.clock() + timedelta(days=30))
    assert "are paused until Saturday" in words(house.get(house.preferences(reader)))
    house.post(house.preferences(reader), {**WHOLE, "cadence": "paused"})
    assert "are paused until you choose below" in words(house.get(house.preferences(reader)))


def test_who_is_kept_in_a_file_is_told_what_of_it_is_theirs(house: House, reader: Subscriber) -> None:
    told = "keeps your settings in a file"
    assert told not in words(house.get(house.preferences(reader)))
    new = NewSubscriber("ben@lab.example", PROFILE, status=SubscriberStatus.ACTIVE)
    house.store.subscribers.keep_in_step([new], [], now=house.clock())
    assert told in words(house.get(house.preferences(house.store.subscribers.get("ben@lab.example"))))


def test_every_part_can_be_taken_out(house: House, reader: Subscriber) -> None:
    empty = dict.fromkeys(("keywords", "muted", "authors", "interests", "name"), "")
    house.post(house.preferences(reader), {**WHOLE, **empty, "topics": []})
    assert house.again(reader).profile == InterestProfile(liked=PROFILE.liked)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("topics", "no-such-topic", "No such topic"),
        ("keywords", "x" * 300, "300 characters"),
        ("muted", "\n".join(map(str, range(600))), "600 entries"),
        ("authors", "y" * 201, "201 characters"),
        ("interests", "z" * 5001, "5001 characters"),
        ("cadence", "hourly", "one of daily"),
        ("hour", "24", "from 0 to 23"),
        ("hour", "soon", "whole number"),
        ("papers", "51", "from 1 to 50"),
        ("papers", "", "whole number"),
        ("papers", "9" * 5000, "whole number"),
        ("timezone", "Mars/Base", "no time zone"),
        ("timezone", "../../etc/passwd", "no time zone"),
        ("language", "English please", "a tag"),
        ("quiet", "maybe", "one of note"),
        ("name", "n" * 201, "201 characters"),
        ("weight-robotics", "heavy", "it is a number"),
        ("weight-robotics", "nan", "over 0"),
        ("weight-robotics", "11", "at most 10"),
    ],
)
def test_a_mistake_is_told_beside_its_field_and_nothing_is_saved(
    house: House, reader: Subscriber, field: str, value: str, said: str
) -> None:
    page = house.post(house.preferences(reader), {**WHOLE, field: value})
    assert page.status_code == 422
    named = "topics" if field.startswith("weight") else field
    [fault] = re.findall(rf'id="{named}-fault">([^<]*)<', page.text)
    assert said in html.unescape(fault)
    assert house.again(reader) == reader
    assert filled(page)["authors"] == (value if field == "authors" else "Marie Curie")  # what was typed is kept


def test_all_mistakes_are_told_at_once(house: House, reader: Subscriber) -> None:
    wrong = {"hour": "99", "timezone": "Nowhere", "papers": "0", "name": "n" * 300}
    page = house.post(house.preferences(reader), {**WHOLE, **wrong})
    assert set(re.findall(r'id="(\w+)-fault"', page.text)) == set(wrong)
    assert page.text.count('aria-invalid="true"') == len(wrong)


def test_finding_a_topic_without_script_keeps_what_was_typed_and_saves_nothing(
    house: House, reader: Subscriber
) -> None:
    page = house.post(
        house.preferences(reader), {**WHOLE, "sought": "reinforcement LEARNING", "do": "find", "hour": "x"}
    )
    assert page.status_code == 200
    assert "topics fit" in words(page) or "topic fits" in words(page)
    offered = set(re.findall(r'name="topics" value="([^"]+)">', page.text))
    assert "reinforcement-learning" in offered
    assert "number-theory" not in offered
    assert filled(page)["authors"] == "Marie Curie"
    assert filled(page)["topics"] == ["robotics", "3d-vision"]
    assert house.again(reader) == reader


def test_control_characters_and_line_ends_cannot_reach_a_header(house: House, reader: Subscriber) -> None:
    name = "Ada\r\nBcc: all@lab.example\x00"
    house.post(house.preferences(reader), {**WHOLE, "name": name, "keywords": "a\x00b\x1b"})
    now = house.again(reader)
    assert now.name == "Ada Bcc: all@lab.example"
    assert now.profile.keywords == ("a b",)


def test_what_was_typed_is_shown_as_text_only(house: House, reader: Subscriber) -> None:
    typed = {"name": HOSTILE, "keywords": HOSTILE, "interests": f"</textarea>{HOSTILE}", "timezone": '"><script>'}
    for page in (
        house.post(house.preferences(reader), {**WHOLE, **typed}),
        house.post(house.preferences(reader), {**WHOLE, **typed, "timezone": "UTC"}),
        house.get(house.preferences(reader)),
    ):
        assert not re.search(r"<script(?! src)|</textarea>&lt;script|<b on", page.text)
    assert house.again(reader).profile.interests.startswith("</textarea>")


def test_answers_and_library_are_listed_and_removed_one_by_one(house: House, reader: Subscriber) -> None:
    house.post(house.feedback(reader, "hostile", liked=False))
    page = house.get(house.preferences(reader))
    assert "not for me, 2026-08-20" in words(page)
    [answered, named] = map(html.unescape, re.findall(r'name="remove" value="([^"]+)"', page.text))
    assert named == "arxiv:2508.00001"
    after = house.post(f"{house.preferences(reader)}/papers", {"remove": answered})
    assert "Removed" in words(after)
    assert house.answers(reader) == []
    house.post(f"{house.preferences(reader)}/papers", {"remove": named})
    assert house.again(reader).profile.liked == ()
    assert "None yet" in words(house.get(house.preferences(reader)))


@pytest.mark.parametrize("reset", ["answers", "library"])
def test_a_reset_forgets_one_kind_and_leaves_the_other(house: House, reader: Subscriber, reset: str) -> None:
    house.post(house.feedback(reader, "hostile", liked=False))
    house.post(f"{house.preferences(reader)}/papers", {"reset": reset})
    now = house.again(reader).profile
    assert (len(now.answers), len(now.liked)) == ((0, 1) if reset == "answers" else (1, 0))


def test_removing_what_one_never_said_changes_nothing(house: House, reader: Subscriber) -> None:
    before = dump(house.store)
    for data in ({"remove": "arxiv:2508.00003"}, {"remove": HOSTILE}, {"reset": "everything"}, {}):
        assert house.post(f"{house.preferences(reader)}/papers", data).status_code == 200
    assert dump(house.store) == before


def test_many_papers_are_shown_page_by_page(house: House, reader: Subscriber) -> None:
    text = "".join(f"@article{{k{n},title={{A study of tides number {n}}},year=2020}}\n" for n in range(45))
    page = house.post(f"{house.preferences(reader)}/library", files={"file": ("x.bib", text.encode())})
    assert "Papers read: 45" in words(page)
    assert len(house.again(reader).profile.liked) == 46
    seen = set()
    for number in (1, 2, 3):
        page = house.get(f"{house.preferences(reader)}?page={number}")
        seen |= set(re.findall(r'name="remove" value="([^"]+)"', page.text))
        assert f"Page {number} of 3" in words(page)
    assert len(seen) == 46
    for beyond in ("0", "-5", "99999999999999999999"):
        assert house.get(f"{house.preferences(reader)}?page={beyond}").status_code == 200
    assert house.get(f"{house.preferences(reader)}?page=x").status_code == 422


@pytest.mark.parametrize("name", ["shelf.bib", "shelf.ris", "library.csl.json", "shelf.enw", "shelf.endnote.xml"])
def test_a_library_of_any_format_is_taken(house: House, reader: Subscriber, name: str) -> None:
    path = f"{house.preferences(reader)}/library"
    page = house.post(path, files={"file": ("../../evil", (DATA / name).read_bytes())})
    assert "Papers read" in words(page)
    assert len(house.again(reader).profile.liked) > 1
    assert house.post(path, files={"file": ("again", (DATA / name).read_bytes())}).text.count("of which 0") == 1


def test_a_list_of_ids_that_are_known_needs_no_network(house: House, reader: Subscriber) -> None:
    page = house.post(f"{house.preferences(reader)}/library", {"ids": "https://arxiv.org/abs/2508.00003v2\n"})
    assert "Papers read: 1" in words(page)
    assert "arxiv:2508.00003" in house.again(reader).profile.liked


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Choose a file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "What you sent"),
        ("".join(f"2401.{n:05d}\n" for n in range(1, 300)).encode(), "at once can be looked up"),
    ],
)
def test_a_library_that_is_none_is_refused_with_a_reason(
    house: House, reader: Subscriber, data: bytes, said: str
) -> None:
    before = dump(house.store)
    page = house.post(f"{house.preferences(reader)}/library", files={"file": ("x", data)})
    assert page.status_code == 422
    assert said in words(page)
    assert "/tmp" not in page.text
    after = dump(house.store)
    assert after.pop("attempts") is not None
    assert after == {name: rows for name, rows in before.items() if name != "attempts"}


def test_a_library_beyond_the_limit_is_refused(house: House, reader: Subscriber) -> None:
    page = house.post(f"{house.preferences(reader)}/library", files={"file": ("x.bib", b"%" * 10_100_000)})
    assert page.status_code == 413


def test_an_expired_or_foreign_link_shows_and_changes_nothing(house: House, reader: Subscriber) -> None:
    path = house.preferences(reader)
    foreign = house.unsubscribe(reader).replace("unsubscribe", "preferences")
    before = dump(house.store)
    house.clock.pass_(days=91)
    for tail in ("", "/papers", "/library"):
        assert house.post(path + tail, {**WHOLE, "reset": "library", "ids": "2508.00003"}).status_code == 410
        assert house.post(foreign + tail, {**WHOLE, "reset": "library"}).status_code == 404
    assert house.get(path).status_code == 410
    assert dump(house.store) == before


def test_who_gets_no_mail_is_told_so(house: House) -> None:
    reader = house.subscriber(status=SubscriberStatus.UNSUBSCRIBED)
    assert "at the moment" in words(house.get(house.preferences(reader)))


def test_a_topic_that_left_the_catalogue_does_not_keep_one_from_saving(house: House) -> None:
    reader = house.subscriber(profile=InterestProfile(topics=(("alchemy", 1.0), ("robotics", 1.0))))
    page = house.post(house.preferences(reader), filled(house.get(house.preferences(reader))))
    assert page.status_code == 200
    assert house.again(reader).profile.topics == (("robotics", 1.0),)
