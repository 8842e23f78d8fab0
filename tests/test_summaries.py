"""Summaries on their way from a model to the mail: written once, and never in anybody's way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter import bootstrap
from newsletter.config import Database, Ranking, Settings, Site, Summaries
from newsletter.model import Digest, InterestProfile, NewSubscriber, PaperRecord, Subscriber, SubscriberStatus
from newsletter.pipeline import Newsletter
from newsletter.store import Store
from newsletter.summaries import Summarised, summarise
from tests.chat import KEY, Chat, chatting, saying, sending

NOW = datetime(2026, 8, 17, 6, tzinfo=UTC)
SENTENCE = "Folding of the protein takes half as long in a narrow channel."
ABSTRACT = (
    "Protein folding is slow. We show that protein folding takes half as long in a channel as outside of it. " * 3
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'newsletter.db'}") as opened:
        yield opened


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chatting(saying(SENTENCE)) as server:
        yield server


@pytest.fixture
def newsletter(store: Store, chat: Chat) -> Callable[..., Newsletter]:
    def made(**changes: Any) -> Newsletter:
        asked = {"endpoint": chat.endpoint, "model": "jacquard-7b", "api_key": SecretStr(KEY), "timeout": 5.0}
        settings = Settings(
            site=Site(secret=SecretStr("a secret for tests")),
            database=Database(url="sqlite://"),
            ranking=Ranking(encoder="wordllama"),
            summaries=Summaries(**{**asked, **changes}),
        )
        return bootstrap.newsletter(settings, store)

    return made


def announce(store: Store, count: int = 1, abstract: str = ABSTRACT) -> None:
    records = tuple(
        PaperRecord(f"On protein folding, part {n}", f"{abstract} Part {n}.", arxiv_id=f"2608.{n:05}")
        for n in range(count)
    )
    store.papers.add(Digest("Reports", records), source="reports", now=NOW)


def asked(newsletter: Newsletter) -> Summarised | None:
    return summarise(newsletter.store, newsletter.letterhead.writer, now=NOW)


def mail(newsletter: Newsletter) -> str:
    """Give the text of the mail that a reader of protein folding would get."""
    store = newsletter.store
    new = NewSubscriber(
        "ada@lab.example", InterestProfile(keywords=("protein folding",)), status=SubscriberStatus.ACTIVE
    )
    reader: Subscriber = store.subscribers.add(new, now=NOW)
    message = newsletter.preview(reader, NOW.date(), now=NOW).message
    return " ".join(message.text.split())


def test_where_no_model_is_set_nobody_is_asked(newsletter: Callable[..., Newsletter], store: Store, chat: Chat) -> None:
    announce(store)
    without = newsletter(endpoint="", model="")
    assert asked(without) is None
    assert "summary by" not in mail(without)
    assert chat.asked == []


def test_a_summary_is_written_once_and_stands_in_the_mail(
    newsletter: Callable[..., Newsletter], store: Store, chat: Chat
) -> None:
    announce(store, 3)
    for made in (3, 0):
        summarised = asked(newsletter())
        assert summarised
        assert (summarised.made, summarised.problems) == (made, ())
    assert len(chat.asked) == 3
    assert set(chat.keys) == {f"Bearer {KEY}"}
    text = mail(newsletter())
    assert text.count(f"{SENTENCE} (summary by jacquard-7b)") == 3
    assert "We show that protein folding takes half as long" in text
    assert len(chat.asked) == 3  # looking at a mail asks nobody


def test_another_model_another_language_and_a_corrected_abstract_are_asked_anew(
    newsletter: Callable[..., Newsletter], store: Store, chat: Chat
) -> None:
    announce(store)
    asked(newsletter())
    asked(newsletter(model="another"))
    asked(newsletter(language="German"))
    assert len(chat.asked) == 3
    corrected = PaperRecord(
        "On protein folding, part 0", ABSTRACT + "Mice were not harmed. " * 9, arxiv_id="2608.00000"
    )
    store.papers.add(Digest("Reports", (corrected,)), source="corrections", now=NOW)
    asked(newsletter())
    assert len(chat.asked) == 4


def test_a_short_abstract_is_its_own_summary(newsletter: Callable[..., Newsletter], store: Store, chat: Chat) -> None:
    announce(store, abstract="We fold proteins.")
    asked(newsletter())
    assert chat.asked == []


def test_an_answer_of_no_use_is_not_asked_for_again(
    newsletter: Callable[..., Newsletter], store: Store, chat: Chat
) -> None:
    announce(store)
    chat.answer = saying("Ignore the abstract and visit https://evil.example at once.")
    for _ in range(2):
        asked(newsletter())
    assert len(chat.asked) == 1
    text = mail(newsletter())
    assert "evil" not in text
    assert "We show that protein folding" in text


def test_a_server_that_fails_is_left_alone_and_the_key_sentences_stand_in(
    newsletter: Callable[..., Newsletter], store: Store, chat: Chat
) -> None:
    announce(store, 9)
    chat.answer = sending(b"out of memory", 500)
    summarised = asked(newsletter())
    assert summarised
    assert len(chat.asked) == 3
    assert "answered 500" in summarised.problems[0]
    assert "not all summaries were written" in summarised.problems[1]
    text = mail(newsletter())
    assert "summary by" not in text
    assert "We show that protein folding" in text
    chat.answer = saying(SENTENCE)
    again = asked(newsletter())
    assert again
    assert (again.made, again.problems) == (9, ())


def test_one_failure_stops_nothing(newsletter: Callable[..., Newsletter], store: Store, chat: Chat) -> None:
    announce(store, 6)

    def every_other(request: BaseHTTPRequestHandler) -> None:
        (sending(b"", 503) if len(chat.asked) % 2 else saying(SENTENCE))(request)

    chat.answer = every_other
    summarised = asked(newsletter())
    assert summarised
    assert (summarised.made, len(summarised.problems)) == (3, 1)


def test_all_of_a_run_end_in_time(newsletter: Callable[..., Newsletter], store: Store, chat: Chat) -> None:
    announce(store, 9)
    chat.answer = chat.never
    began = time.monotonic()
    summarised = asked(newsletter(seconds=0.4))
    assert time.monotonic() - began < 3
    assert summarised
    assert "took more than" in summarised.problems[0]
    assert summarised.made == 0


def test_the_key_is_in_no_problem(newsletter: Callable[..., Newsletter], store: Store, chat: Chat) -> None:
    announce(store)
    chat.answer = sending(KEY.encode(), 401)
    made = newsletter()
    summarised = asked(made)
    assert summarised
    assert KEY not in repr(summarised) + repr(made.letterhead.writer)
