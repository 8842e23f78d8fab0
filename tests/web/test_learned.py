"""What we think somebody likes: every part shown, each removable, and what answers did."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.model import InterestProfile, Subscriber
from tests.store.rows import dump
from tests.web.house import HOSTILE, House, running, words

PROFILE = InterestProfile(
    topics=(("robotics", 2.0),),
    keywords=("sand dunes", "quantum gravity"),
    authors=("Ada Lovelace",),
    muted=("survey",),
    interests="How does sand keep time?",
    liked=("arxiv:2508.00001",),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("learned")
    with running(f"sqlite:///{folder / 'newsletter.db'}", folder) as house:
        house.post("/preview")
        house.parts.foretaste.finish()
        yield house


def learned(house: House, reader: Subscriber) -> str:
    return f"{house.preferences(reader)}/learned"


def buttons(page: str) -> list[dict[str, list[str]]]:
    """Give what each button that takes a part out would send."""
    forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
    found = []
    for form in forms:
        fields: dict[str, list[str]] = {}
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
            fields.setdefault(name, []).append(html.unescape(value))
        if fields:
            found.append(fields)
    return found


def test_everything_is_shown_and_looking_changes_nothing(house: House) -> None:
    reader = house.subscriber("all@lab.example", profile=PROFILE)
    before = dump(house.store)
    said = words(house.get(learned(house, reader)))
    for part in ("Robotics", "weight 2", "sand dunes", "quantum gravity", "Ada Lovelace", "survey", "keep time"):
        assert part in said
    assert "Dunes that sing" in said
    assert dump(house.store) == before


def test_each_part_is_taken_out_by_its_button_until_nothing_is_left(house: House) -> None:
    reader = house.subscriber("parts@lab.example", profile=PROFILE)
    page = house.get(learned(house, reader))
    kinds = []
    while found := buttons(page.text):
        kinds += list(found[0])
        page = house.post(learned(house, reader), found[0])
        assert "Taken out." in words(page)
    assert set(kinds) == {"topic", "keywords", "interests", "authors", "papers", "muted"}
    assert house.again(reader).profile == InterestProfile()
    assert "Nothing yet" in words(page)


def test_answers_show_what_they_changed_and_can_be_forgotten(house: House) -> None:
    reader = house.subscriber("taught@lab.example", profile=InterestProfile(keywords=("speech",)), papers=2)
    house.post(house.feedback(reader, "dunes", liked=True))
    said = words(house.get(learned(house, reader)))
    assert "What your answers changed" in said
    assert "would be the same" in said or "because of your 1 answer" in said
    house.post(f"{house.preferences(reader)}/papers", {"reset": "answers"})
    assert "What your answers changed" not in words(house.get(learned(house, reader)))


def test_one_button_starts_afresh_and_keeps_when_and_how_much(house: House) -> None:
    reader = house.subscriber("afresh@lab.example", profile=PROFILE, papers=7, hour=5)
    house.post(learned(house, reader), {"reset": "everything"})
    after = house.again(reader)
    assert (after.profile, after.papers, after.hour, after.status) == (InterestProfile(), 7, 5, reader.status)


def test_nonsense_changes_nothing_and_what_was_typed_is_text(house: House) -> None:
    reader = house.subscriber(
        "hostile@lab.example", profile=InterestProfile(keywords=(HOSTILE,), liked=("doi:10.1000/harm(1)<2>",))
    )
    page = house.get(learned(house, reader))
    assert "<script>alert" not in page.text
    assert house.post(learned(house, reader), {"nonsense": "1"}).status_code == 422
    assert house.post("/preferences/none/learned", {"reset": "everything"}).status_code == 404
    assert house.again(reader) == reader
