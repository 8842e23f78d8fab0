"""What is written to standard error, and what must not stand in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import logs

LOG = logs.of("delivery")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("newsletter")
    handlers, level = list(root.handlers), ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)


def test_a_program_gets_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json", steady=True)
    logs.event(LOG, "sent", delivery=12, seconds=0.5, response="250 ok\nqueued", again=None)
    [line] = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "info", "area": "delivery", "event": "sent", "delivery": 12, "seconds": 0.5,
        "response": "250 ok\nqueued",
    }  # fmt: skip


def test_a_person_gets_words_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("human", steady=True)
    logs.event(LOG, "deferred", level=logging.WARNING, delivery=12, response="450 later\nplease")
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(" delivery warning: deferred  delivery=12 response=450 later please")


def test_auto_is_json_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(steady=True)
    logs.event(LOG, "sent")
    assert json.loads(capsys.readouterr().err)["event"] == "sent"


def test_a_command_that_ends_writes_warnings_only_unless_told(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    logs.event(LOG, "sent")
    assert capsys.readouterr().err == ""
    logs.set_up("json", "info")
    logs.event(LOG, "sent")
    assert len(capsys.readouterr().err.splitlines()) == 1  # one handler, however often it is set up


def test_no_address_is_written_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    said = "550 <ada@lab.example>: unknown; ask postmaster@lab.example (to: ada@lab.example)"
    logs.set_up("json", steady=True)
    logs.event(LOG, "bounced", response=said)
    assert json.loads(capsys.readouterr().err)["response"] == (
        "550 <***@lab.example>: unknown; ask ***@lab.example (to: ***@lab.example)"
    )
    logs.set_up("json", steady=True, addresses=True)
    logs.event(LOG, "bounced", response=said)
    assert json.loads(capsys.readouterr().err)["response"] == said


def test_warnings_and_errors_of_libraries_are_lines_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    try:
        float("ada@lab.example")
    except ValueError:
        logging.getLogger("a.library").exception("it failed")
    said = json.loads(capsys.readouterr().err)
    assert (said["area"], said["event"], said["level"]) == ("a.library", "it failed", "error")
    assert "***@lab.example" in said["traceback"].splitlines()[-1]


@given(st.text(), st.emails())
def test_whatever_stands_around_an_address_it_is_not_shown(around: str, address: str) -> None:
    text = logs.without_addresses(f"{around} <{address}> {around}")
    assert f"<{address}>" not in text


def test_a_long_text_costs_little() -> None:
    assert logs.without_addresses("a" * 1_000_000) == "a" * 1_000_000
