"""What people say about themselves, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ProfileError
from newsletter.model import Cadence, InterestProfile, SubscriberStatus, Topic
from newsletter.subscriptions.signup import (
    Wishes,
    address_hash,
    checked,
    choice,
    email_address,
    paper_name,
    subscription,
    weighted_topic,
)

NOTHING = Wishes(InterestProfile())


def profile_wishes(**fields: object) -> Wishes:
    return Wishes(replace(InterestProfile(), **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_address", "normal"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada.Lovelace+papers@Example.ORG\n", "Ada.Lovelace+papers@example.org"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("a@bücher.example", "a@bücher.example"),
        ("a@xn--bcher-kva.example", "a@bücher.example"),
        ("root@mail", "root@mail"),
        ("me@localhost", "me@localhost"),
        ("me@Physics.Local", "me@physics.local"),
        ("me@lists.test", "me@lists.test"),
    ],
)
def test_an_address_is_given_in_its_normal_form(given_address: str, normal: str) -> None:
    assert email_address(given_address) == normal


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@@example.org",
        "ada lovelace@example.org",
        "ada@exa mple.org",
        "ada@example..org",
        ".ada@example.org",
        "ada@-example.org",
        "ada@example.invalid",
        "ada@.local",
        "Ada <ada@example.org>",
        "ada@example.org, bob@example.org",
        "ada@example.org;bob@example.org",
        "ädä@example.org",
        "ada@example.org\r\nBcc: all@example.org",
        "ada@example.org\nBcc: all@example.org",
        "ada\r\n@example.org",
        "ada\x00@example.org",
        "ada\x7f@example.org",
        "ada@exa\x00mple.org",
        "ada@example.org\u2028x",
        "\ud800@example.org",
        "ada@\ud800.org",
        f"{'x' * 65}@example.org",
        f"ada@{'x' * 64}.org",
        f"ada@{'x.' * 130}org",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ProfileError, match="is not an email address"):
        email_address(address)


@given(st.text())
def test_any_text_is_an_address_of_one_line_or_refused(text: str) -> None:
    try:
        address = email_address(f"{text}@example.org")
    except ProfileError:
        return
    assert address.isascii()
    assert address.isprintable()
    assert " " not in address
    assert email_address(address) == address


def test_wishes_that_ask_for_nothing_special_pass(topics: Mapping[str, Topic]) -> None:
    assert checked(NOTHING, topics) == NOTHING


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (profile_wishes(topics=(("robots", 1.0),)), "no such topic: robots.*robotics"),
        (profile_wishes(topics=(("robotics", 0.0),)), "weight of the topic robotics is 0"),
        (profile_wishes(topics=(("robotics", -1.0),)), "weight of the topic robotics is -1"),
        (profile_wishes(topics=(("robotics", 11.0),)), "at most 10"),
        (profile_wishes(topics=(("robotics", float("nan")),)), "weight of the topic robotics is nan"),
        (profile_wishes(topics=(("robotics", float("inf")),)), "weight of the topic robotics is inf"),
        (replace(NOTHING, papers=0), "papers is 0.*from 1 to 50"),
        (replace(NOTHING, papers=51), "papers is 51"),
        (replace(NOTHING, hour=24), "hour is 24.*from 0 to 23"),
        (replace(NOTHING, hour=-1), "hour is -1"),
        (replace(NOTHING, timezone="Mars/Olympus"), "no time zone 'Mars/Olympus'.*Europe/Berlin"),
        (replace(NOTHING, timezone=""), "no time zone ''"),
        (replace(NOTHING, timezone="../../etc/passwd"), "no time zone"),
        (replace(NOTHING, timezone="Europe"), "no time zone"),
        (replace(NOTHING, timezone="UTC\x00"), "no time zone"),
        (replace(NOTHING, timezone="localtime"), "no time zone"),  # a file of many machines, and not of all
        (replace(NOTHING, timezone="right/Europe/Berlin"), "no time zone"),
        (replace(NOTHING, language=""), "language is ''.*pt-BR"),
        (replace(NOTHING, language='en"><script>'), "language is"),
        (replace(NOTHING, language="en\n"), "language is"),
        (profile_wishes(keywords=tuple(f"word {n}" for n in range(501))), "keywords has 501 entries.*at most 500"),
        (profile_wishes(muted=("x" * 201,)), "muted: x+… has 201 characters.*at most 200"),
        (profile_wishes(authors=("y" * 201,)), "authors: y+… has 201 characters"),
        (profile_wishes(interests="z" * 5001), "interests has 5001 characters.*at most 5000"),
        (profile_wishes(liked=("that nice one",)), "'that nice one' names no paper"),
        (profile_wishes(disliked=("that bad one",)), "'that bad one' names no paper"),
    ],
)
def test_a_wish_that_cannot_be_met_is_named(wishes: Wishes, said: str, topics: Mapping[str, Topic]) -> None:
    with pytest.raises(ProfileError, match=said):
        checked(wishes, topics)


@pytest.mark.parametrize(
    "wishes",
    [
        replace(NOTHING, papers=1, hour=0),
        replace(NOTHING, papers=50, hour=23, timezone="America/Argentina/Buenos_Aires", language="zh-Hant-TW"),
        profile_wishes(topics=(("robotics", 10.0), ("genomics", 0.01))),
        profile_wishes(keywords=tuple(f"word {n}" for n in range(500)), muted=("x" * 200,), interests="z" * 5000),
    ],
)
def test_wishes_at_the_limits_pass(wishes: Wishes, topics: Mapping[str, Topic]) -> None:
    assert checked(wishes, topics) == wishes


def test_entries_are_tidied(topics: Mapping[str, Topic]) -> None:
    wishes = profile_wishes(
        topics=(("robotics", 1.0), ("genomics", 2.0), ("robotics", 3.0)),
        keywords=("  speech \t recognition ", "CTC", "", "CTC", " ", "OCR; handwriting"),
        muted=("sur\x00vey", "bell\x1b[2J"),
        authors=("Ada\r\nBcc: x", "\ud800"),
        liked=(" arXiv:2508.10433v2", "https://arxiv.org/abs/2508.10433"),
        interests=" black\nholes\x00 ",
    )
    tidy = checked(wishes, topics).profile
    assert tidy.topics == (("robotics", 3.0), ("genomics", 2.0))
    assert tidy.keywords == ("speech recognition", "CTC", "OCR", "handwriting")
    assert tidy.muted == ("sur vey", "bell [2J")
    assert tidy.authors == ("Ada Bcc: x",)
    assert tidy.interests == "black holes"
    assert set(tidy.liked) == {"arxiv:2508.10433"}


@given(st.lists(st.text(max_size=100), max_size=5), st.text(max_size=300))
def test_checking_twice_changes_nothing_and_leaves_one_line_a_text(
    topics: Mapping[str, Topic], entries: list[str], interests: str
) -> None:
    once = checked(profile_wishes(keywords=tuple(entries), interests=interests), topics)
    assert checked(once, topics) == once
    for text in (*once.profile.keywords, once.profile.interests):
        assert text.encode("utf-8").decode().splitlines() in ([], [text])
        assert "\x00" not in text


@pytest.mark.parametrize(
    ("text", "read"),
    [("robotics", ("robotics", 1.0)), (" robotics : 2.5 ", ("robotics", 2.5)), ("robotics:1e-2", ("robotics", 0.01))],
)
def test_a_topic_may_carry_a_weight(text: str, read: tuple[str, float]) -> None:
    assert weighted_topic(text) == read


@pytest.mark.parametrize("text", ["robotics:", "robotics:much", "robotics:1:2", "robotics:1,5"])
def test_a_weight_is_a_number(text: str) -> None:
    with pytest.raises(ProfileError, match="robotics:2"):
        weighted_topic(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2508.10433", "arxiv:2508.10433"),
        ("arXiv:2508.10433v3", "arxiv:2508.10433"),
        ("arxiv:math.GT/0309136", "arxiv:math/0309136"),
        ("https://arxiv.org/abs/2508.10433v1", "arxiv:2508.10433"),
        ("https://arxiv.org/pdf/2508.10433", "arxiv:2508.10433"),
        ("https://huggingface.co/papers/2508.10433", "arxiv:2508.10433"),
        ("https://doi.org/10.48550/arXiv.2508.10433", "arxiv:2508.10433"),
        ("doi:10.1000/ABC", "doi:10.1000/abc"),
        ("https://doi.org/10.1000/abc.", "doi:10.1000/abc"),
        (" 10.1000/abc;2 ", "doi:10.1000/abc;2"),
        ("title:mfrggzdfmztwq2lk", "title:mfrggzdfmztwq2lk"),
    ],
)
def test_a_paper_is_named_by_whatever_people_paste(text: str, name: str) -> None:
    assert paper_name(text) == name
    assert paper_name(name) == name


@pytest.mark.parametrize("text", ["", "arxiv:", "arxiv:latest", "doi:", "title:", "https://example.org/paper", "12"])
def test_what_names_no_paper_is_refused(text: str) -> None:
    with pytest.raises(ProfileError, match="names no paper"):
        paper_name(text)


def test_a_choice_is_read_in_any_case_and_its_words_are_listed_where_it_is_wrong() -> None:
    assert choice(Cadence, " Weekly ", "cadence") is Cadence.WEEKLY
    with pytest.raises(ProfileError, match=r"cadence is 'hourly'.*daily, weekdays, weekly, paused"):
        choice(Cadence, "hourly", "cadence")


def test_only_who_is_vouched_for_is_active() -> None:
    assert subscription("a@example.org", NOTHING).status is SubscriberStatus.PENDING
    assert subscription("a@example.org", NOTHING, confirmed=True).status is SubscriberStatus.ACTIVE


def test_a_name_is_one_line_without_control_characters() -> None:
    new = subscription("a@example.org", NOTHING, name=" Ada\r\nBcc: all@example.org\x00 ")
    assert new.name == "Ada Bcc: all@example.org"
    with pytest.raises(ProfileError, match="name has 201 characters"):
        subscription("a@example.org", NOTHING, name="x" * 201)


def test_the_hash_of_an_address_depends_on_the_key_and_not_on_case_or_spaces() -> None:
    hashed = address_hash("Ada@Example.org", "a secret")
    assert hashed == address_hash(" ada@example.ORG ", "a secret")
    assert hashed != address_hash("ada@example.org", "another secret")
    assert hashed != address_hash("bob@example.org", "a secret")
    assert len(hashed) == 64
    # Kept in databases: another value would let suppressed people be mailed again.
    assert hashed == "871aebf6f31cc11a7538198d2b4a090c6aa12fb0495ae36480421558ee9617bb"
