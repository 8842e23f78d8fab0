"""Summaries at the command line: off unless they are asked for, and never the reason that a command fails."""

from __future__ import annotations

from tests.chat import chatting, saying, sending
from tests.cli.desk import PHYSICS, Desk

SENTENCE = "A telescope of glass and wire sees twice as far as one of glass alone."


def test_ingest_has_them_written_and_preview_shows_them(bare: Desk) -> None:
    (bare.folder / "me.toml").write_text('keywords = ["galaxy"]\npapers = 3\n')
    with chatting(saying(SENTENCE)) as chat:
        bare.settings |= {"summaries__endpoint": chat.endpoint, "summaries__model": "jacquard-7b"}
        assert bare("ingest", "--file", PHYSICS, "--dry-run").status == 0
        assert chat.asked == []
        done = bare("ingest", "--file", PHYSICS, "--json")
        assert (done.status, done.err) == (0, "")
        assert done.json["summaries"] == {"made": len(chat.asked), "problems": []}
        assert chat.asked
    assert bare("preview", "--profile", "me.toml").status == 0
    assert "(summary by jacquard-7b)" in " ".join((bare.folder / "preview/message.txt").read_text().split())


def test_a_server_that_fails_is_told_and_fails_nothing(bare: Desk) -> None:
    with chatting(sending(b"", 500)) as chat:
        bare.settings |= {"summaries__endpoint": chat.endpoint, "summaries__model": "jacquard-7b"}
        done = bare("ingest", "--file", PHYSICS)
    assert done.status == 0
    assert "summaries: " in done.err
    assert "answered 500" in done.err


def test_without_settings_the_report_does_not_speak_of_them(bare: Desk) -> None:
    assert "summaries" not in bare("ingest", "--file", PHYSICS, "--json").json
