"""The topics that ship with the program, and what is said about a catalogue that is wrong."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from newsletter import assets, catalogue
from newsletter.errors import ConfigError, ProfileError
from newsletter.model import Topic

SHIPPED = catalogue.load(assets.CONFIG / "topics.toml")
# https://arxiv.org/category_taxonomy: the groups that people read, each with its archives.
FIELDS = {
    "Machine learning": ("cs", "stat"),
    "Computer science": ("cs",),
    "Mathematics": ("math", "math-ph"),
    "Statistics": ("stat", "math"),
    "Physics": ("physics", "astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin",
                "nucl-ex", "nucl-th", "quant-ph"),
    "Biology and medicine": ("q-bio",),
    "Economics and finance": ("econ", "q-fin"),
    "Electrical engineering": ("eess",),
}  # fmt: skip
TOPIC = """
[[topic]]
slug = "dunes"
title = "Dunes"
field = "Physics"
description = "How sand moves."
keywords = ["sand ripples"]
categories = ["physics.geo-ph"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "my-topics.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_catalogue_has_topics_in_every_field() -> None:
    assert len(SHIPPED) >= 40
    counts = Counter(topic.field for topic in SHIPPED.values())
    assert counts.keys() == FIELDS.keys()
    assert min(counts.values()) >= 3


@pytest.mark.parametrize("topic", SHIPPED.values(), ids=SHIPPED)
def test_a_shipped_topic_is_well_formed(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", topic.slug)
    assert len(topic.slug) <= 40
    assert len(topic.title) <= 60
    assert topic.description.endswith(".")
    assert len(topic.keywords) >= 5
    assert all(re.fullmatch(r"\w[\w '*+/&.-]*", keyword) for keyword in topic.keywords)
    assert len({keyword.casefold() for keyword in topic.keywords}) == len(topic.keywords)
    assert topic.categories
    assert len(set(topic.categories)) == len(topic.categories)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*(\.[A-Za-z-]{2,9})?", category) for category in topic.categories)
    assert any(category.split(".")[0] in FIELDS[topic.field] for category in topic.categories)


def test_shipped_titles_and_descriptions_are_all_different() -> None:
    assert len({topic.title.casefold() for topic in SHIPPED.values()}) == len(SHIPPED)
    assert len({topic.description for topic in SHIPPED.values()}) == len(SHIPPED)


def test_a_catalogue_gives_its_topics_in_order(tmp_path: Path) -> None:
    path = written(tmp_path, TOPIC + TOPIC.replace("dunes", "beaches"))
    topics = catalogue.load(path)
    assert list(topics) == ["dunes", "beaches"]
    assert topics["dunes"] == Topic("dunes", "Dunes", "Physics", "How sand moves.", ("sand ripples",),
                                    ("physics.geo-ph",))  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (TOPIC.replace('title = "Dunes"\n', ""), "exactly the fields"),
        (TOPIC + 'colour = "yellow"\n', "exactly the fields"),
        (TOPIC.replace('"Dunes"', '" "'), "not empty"),
        (TOPIC.replace('"Dunes"', "3"), "are texts"),
        (TOPIC.replace('"dunes"', '"Dünen"'), "'Dünen'"),
        (TOPIC.replace('"dunes"', '"dunes--2"'), "'dunes--2'"),
        (TOPIC.replace('["sand ripples"]', '"sand ripples"'), "lists of texts"),
        (TOPIC.replace('["sand ripples"]', '["sand", 3]'), "lists of texts"),
        (TOPIC.replace('["sand ripples"]', '["sand", " "]'), "none of them empty"),
    ],
)
def test_a_bad_topic_is_named_with_its_file_and_place(wrong: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, TOPIC.replace("dunes", "first") + wrong)
    with pytest.raises(ConfigError, match=said) as caught:
        catalogue.load(path)
    assert f"{path}, topic 2: " in caught.value.message


def test_a_slug_that_stands_twice_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, TOPIC + TOPIC)
    with pytest.raises(ConfigError, match="'dunes' stands there twice") as caught:
        catalogue.load(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["", "[[topics]]\n" + TOPIC, TOPIC.replace("[[topic]]", "[topic]"), "topic = 3", TOPIC + "[[topik]]\n", "[[topic]"],
)
def test_a_file_that_is_no_catalogue_is_named(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        catalogue.load(path)
    assert str(path) in caught.value.message


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        catalogue.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'[[topic]]\nslug = "\xe9"')
    with pytest.raises(ConfigError, match=r"latin\.toml"):
        catalogue.load(tmp_path / "latin.toml")


def test_all_unknown_topics_of_a_profile_are_told_with_the_nearest() -> None:
    catalogue.check((("3d-vision", 1.0),), SHIPPED)
    with pytest.raises(ProfileError, match="no such topic: 3d-visions, zzz") as caught:
        catalogue.check((("3d-visions", 1.0), ("3d-vision", 1.0), ("zzz", 2.0)), SHIPPED)
    assert "did you mean 3d-vision?" in caught.value.hint
    assert f"`newsletter topics` lists all {len(SHIPPED)}" in caught.value.hint
