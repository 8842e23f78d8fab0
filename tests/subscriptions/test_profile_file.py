"""Profile files, as `preview --profile` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from newsletter.errors import ProfileError
from newsletter.model import Cadence, InterestProfile, Topic
from newsletter.subscriptions.profile_file import read
from newsletter.subscriptions.signup import Wishes

EVERYTHING = """
topics = ["speech-recognition", "robotics:2.5"]
keywords = ["CTC", "end-to-end speech recognition"]
muted = ["survey"]
authors = ["Alex Graves"]
liked = ["arxiv:2508.10433", "https://doi.org/10.1000/abc"]
disliked = ["title:mfrggzdfmztwq2lk"]
interests = "How people learn to speak."
papers = 12
hour = 6
cadence = "weekly"
timezone = "Europe/Berlin"
language = "de"
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "me.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_every_field_is_read(tmp_path: Path, topics: Mapping[str, Topic]) -> None:
    assert read(written(tmp_path, EVERYTHING), topics) == Wishes(
        InterestProfile(
            topics=(("speech-recognition", 1.0), ("robotics", 2.5)),
            keywords=("CTC", "end-to-end speech recognition"),
            muted=("survey",),
            authors=("Alex Graves",),
            liked=("arxiv:2508.10433", "doi:10.1000/abc"),
            disliked=("title:mfrggzdfmztwq2lk",),
            interests="How people learn to speak.",
        ),
        papers=12,
        cadence=Cadence.WEEKLY,
        timezone="Europe/Berlin",
        hour=6,
        language="de",
    )


def test_an_empty_file_asks_for_nothing_special(tmp_path: Path, topics: Mapping[str, Topic]) -> None:
    assert read(written(tmp_path, ""), topics) == Wishes(InterestProfile())


def test_a_byte_order_mark_is_no_matter(tmp_path: Path, topics: Mapping[str, Topic]) -> None:
    assert read(written(tmp_path, b'\xef\xbb\xbfkeywords = ["CTC"]'), topics).profile.keywords == ("CTC",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keyword = ['CTC']", "unknown: keyword.*the fields are topics, keywords"),
        ("colour = 1\nage = 2", "unknown: age, colour"),
        ("keywords = 'CTC'", r'keywords is not a list of texts.*keywords = \["one", "another"\]'),
        ("keywords = ['CTC', 3]", "keywords is not a list of texts"),
        ("topics = {robotics = 2}", "topics is not a list of texts"),
        ("liked = [['arxiv:2508.10433']]", "liked is not a list of texts"),
        ("interests = ['a', 'b']", "interests is not a text"),
        ("cadence = 7", "cadence is not a text"),
        ("timezone = true", "timezone is not a text"),
        ("language = 1", "language is not a text"),
        ("papers = '10'", "papers is not a whole number"),
        ("papers = 10.0", "papers is not a whole number"),
        ("papers = true", "papers is not a whole number"),
        ("hour = 07:00:00", "hour is not a whole number"),
        ("papers = 99", "papers is 99.*from 1 to 50"),
        ("hour = 24", "hour is 24"),
        ("cadence = 'hourly'", "cadence is 'hourly'.*daily, weekdays, weekly, paused"),
        ("timezone = 'Berlin'", "no time zone 'Berlin'"),
        ("language = '?'", "language is"),
        ("topics = ['speach-recognition']", "no such topic: speach-recognition.*did you mean speech-recognition"),
        ("topics = ['robotics:x']", "is no topic"),
        ("topics = ['robotics:99']", "weight of the topic robotics is 99"),
        ("liked = ['what']", "'what' names no paper"),
        ("keywords = [", "cannot read the profile"),
        ("keywords = []\nkeywords = []", "cannot read the profile"),
        ("papers = 1" + "0" * 5000, "cannot read the profile"),
        ("keywords = " + "[" * 3000, "cannot read the profile"),
        (b"keywords = ['\xff']", "cannot read the profile .*: it is not UTF-8, from byte 13 on"),
        (b"keywords = ['\x00']", "cannot read the profile"),
    ],
)
def test_every_mistake_is_named_with_its_file(
    text: str | bytes, said: str, tmp_path: Path, topics: Mapping[str, Topic]
) -> None:
    with pytest.raises(ProfileError, match=said) as caught:
        read(written(tmp_path, text), topics)
    assert str(tmp_path / "me.toml") in caught.value.message


@pytest.mark.parametrize(("name", "why"), [("missing.toml", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(name: str, why: str, tmp_path: Path, topics: Mapping[str, Topic]) -> None:
    with pytest.raises(ProfileError) as caught:
        read(tmp_path / name, topics)
    assert caught.value.message == f"cannot read the profile {tmp_path / name}: {why}"
