"""`embed`, and what a change of the encoder does to the rest."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from newsletter.ranking.wordllama import WordLlama
from tests.cli.desk import HUGGING, Desk
from tests.ranking.services import Another, Service, answer

READER = ("--topic", "robotics", "--keyword", "CTC", "--keyword", "graph networks", "--interests")
WISH = "I am a PhD student. I study robots that learn from video. I also read about black holes."
MINILM = "all-minilm-l6-v2-int8/192"
WORDLLAMA = "wordllama-l2-supercat-256/512"


@pytest.fixture(scope="module")
def wordllama() -> WordLlama:
    return WordLlama()


@pytest.fixture
def service(wordllama: WordLlama, desk: Desk) -> Iterator[Service]:
    """A service that the desk's settings name as the encoder."""
    with Service(wordllama).running() as running:
        desk.settings = {
            "ranking__encoder": "endpoint",
            "embedding__url": running.url,
            "embedding__model": "wordllama",
            "embedding__batch": "8",
        }
        yield running


def counted(total: int, there: int) -> dict[str, int]:
    return {"total": total, "there": there, "encoded": total - there}


def test_everything_that_the_next_issue_needs_is_encoded_ahead(desk: Desk, service: Service) -> None:
    desk.subscribe("ada@lab.example", *READER, WISH)
    told = desk("embed", "--json").json
    assert told["encoder"].startswith("wordllama@127.0.0.1:")
    assert (told["papers"], told["topics"], told["profiles"]) == (counted(42, 0), counted(79, 0), counted(1, 0))
    texts = service.asked[1:]
    texts.remove(service.asked[0])  # by which it is seen, for the profiles once more, that the model is the same
    assert len(texts) == len(set(texts))
    assert max(len(body["input"]) for body in service.bodies) == 8

    service.bodies.clear()
    again = desk("embed", "--json").json
    assert (again["papers"], again["topics"], again["profiles"]) == (counted(42, 42), counted(79, 79), counted(1, 1))
    assert desk("send", "--json").json["sent"] == 1
    assert service.bodies == []


def test_a_changed_encoder_is_made_up_for_by_the_issue_itself(desk: Desk, service: Service) -> None:
    desk.subscribe("ada@lab.example", *READER, WISH)
    assert desk("send", "--json").json["sent"] == 1
    assert len(service.asked) > 42
    desk("ingest", "--file", HUGGING)
    told = desk("embed", "--json").json
    assert told["papers"]["there"] == 42
    assert told["papers"]["encoded"] > 0


def test_many_profiles_take_few_requests(desk: Desk, service: Service) -> None:
    for number in range(20):
        desk.subscribe(f"r{number}@lab.example", "--keyword", f"keyword {number}", "--keyword", "dunes")
    assert desk("embed", "--json", embedding__batch=64).json["profiles"] == counted(20, 0)
    of_profiles = [body for body in service.bodies if any("keyword" in text for text in body["input"])]
    assert len(of_profiles) <= 3


def test_who_is_not_mailed_is_not_told_to_the_service(desk: Desk, service: Service) -> None:
    desk("subscribers", "add", "pending@lab.example", "--keyword", "secret wish")
    assert desk("embed", "--json").json["profiles"] == counted(0, 0)
    assert not any("secret wish" in text for text in service.asked)


def test_a_killed_run_goes_on_where_it_stopped(desk: Desk, service: Service) -> None:
    reached = threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        reached.set()
        service.never(request)

    service.instead = [None] * 12 + [hang]
    with desk.start("embed") as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    *before, lost = service.bodies
    service.instead.clear()
    service.bodies.clear()
    told = desk.process("embed", "--json").json
    kept = [text for body in before for text in body["input"]]
    touchstone = kept[0]
    assert set(service.asked) & set(kept) == {touchstone}
    assert set(lost["input"]) <= set(service.asked)
    assert told["topics"]["there"] + told["papers"]["there"] == len(kept) - 1
    assert told["papers"]["total"] + told["topics"]["total"] == len(kept) - 1 + len(service.asked) - 1


def test_an_interrupted_run_says_that_it_goes_on(desk: Desk, service: Service) -> None:
    reached = threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        reached.set()
        service.never(request)

    service.instead = [None, None, hang]
    with desk.start("embed") as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"run the command again to go on" in said


def test_other_encoders_vectors_are_told_and_dropped_when_asked(desk: Desk) -> None:
    desk.settings["ranking__encoder"] = "wordllama"
    kept = desk("embed", "--json").json
    assert list(kept["others"]) == [MINILM]
    assert kept["dropped"] == {}
    assert f"{kept['others'][MINILM]} vectors of {MINILM}" in desk("embed").out
    dropped = desk("embed", "--drop-others", "--json").json
    assert (dropped["dropped"], dropped["others"]) == (kept["others"], {})
    assert (dropped["encoder"], dropped["papers"]) == (WORDLLAMA, counted(42, 42))


def test_the_others_stay_where_the_new_encoder_fails(desk: Desk, service: Service) -> None:
    service.instead = [None, None, answer("", 401)]
    assert "embedding.api_key" in desk("embed", "--drop-others", status=1).err
    desk.settings = {}
    assert desk("embed", "--json").json["papers"] == counted(42, 42)


def test_a_model_that_was_replaced_is_noticed_and_encoded_anew(
    desk: Desk, service: Service, wordllama: WordLlama
) -> None:
    desk("embed")
    desk("ingest", "--file", HUGGING)
    service.encoder = Another(wordllama)
    failed = desk("embed", status=1)
    assert "another model behind the same name" in failed.err
    assert "newsletter embed --again" in failed.err
    told = desk("embed", "--again", "--json").json
    assert told["replaced"] == 42 + 79 + 1
    assert (told["papers"]["there"], told["topics"]["there"]) == (0, 0)
    assert desk("embed", "--json").json["papers"]["encoded"] == 0


def test_a_wrong_key_ends_a_sending_with_what_to_do(desk: Desk, service: Service) -> None:
    desk.subscribe("ada@lab.example", *READER, WISH)
    (desk.folder / "key").write_text("sk-of-somebody\n")
    service.instead = [answer('{"error": {"message": "no such key: sk-of-somebody"}}', 401)]
    failed = desk("send", status=1, embedding__api_key_file="key")
    assert service.headers[0]["Authorization"] == "Bearer sk-of-somebody"
    assert "no such key: …" in failed.err
    assert "embedding.api_key" in failed.err
    assert desk("send", "--json").json["sent"] == 1


def test_without_onnxruntime_nothing_is_ranked_by_another_encoder(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.subscribe("ada@lab.example", *READER, WISH)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for command in ("send", "embed"):
        failed = desk(command, status=1)
        assert "minilm cannot be loaded" in failed.err
        assert 'set ranking.encoder = "wordllama"' in failed.err
    assert desk("send", "--json", ranking__encoder="wordllama").json["sent"] == 1


def test_a_terminal_is_shown_a_bar_and_a_pipe_is_not(desk: Desk) -> None:
    desk.settings["ranking__encoder"] = "wordllama"
    desk("ingest", "--file", HUGGING)
    finished = desk.process("embed", "--json")
    assert finished.err == ""
    assert json.loads(finished.out)["topics"]["total"] == 79
    terminal, end = pty.openpty()
    desk("ingest", "--file", HUGGING)
    process = desk.start("embed", "--again", stderr=end)
    os.close(end)
    shown = b""
    while piece := _read(terminal):
        shown += piece
    os.close(terminal)
    out, _ = process.communicate(timeout=60)
    assert b"Encoding" in shown
    assert re.search(rb"(\d+)/\1\D", shown)
    assert b"/s" in shown  # how fast
    assert b"there already" in out


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way of saying that the other end is closed
        return b""
