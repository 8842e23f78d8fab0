"""`newsletter demo`: the first thing a stranger runs."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from tests.cli.desk import Desk, parsed


def test_the_demo_delivers_three_clearly_different_issues(bare: Desk) -> None:
    said = bare.process("demo", now=None).out
    assert "3 mails delivered" in said
    assert "demo/mail" in said
    mails = sorted((bare.folder / "demo/mail/new").iterdir())
    assert len(mails) == 3
    assert len({parsed(mail.read_bytes())["Subject"] for mail in mails}) == 3
    previews = sorted((bare.folder / "demo/previews").iterdir())
    assert len(previews) == 3
    for one, other in itertools.combinations([_for_you(preview / "picks.json") for preview in previews], 2):
        assert len(one & other) < min(len(one), len(other)) / 2
    shown, sent = ({_dateless(path) for path in paths} for paths in ((p / "message.eml" for p in previews), mails))
    assert shown == sent


def test_the_demo_may_be_repeated_and_keeps_off_the_real_database_and_mailboxes(bare: Desk) -> None:
    bare.settings.update(delivery__transport="smtp", smtp__port="1", database__url="sqlite:///real.db")
    bare.settings.update(schedule__approval="true", ranking__encoder="wordllama")  # faster, and real as well
    assert "3 mails delivered" in bare("demo", "--out", "there").out
    (bare.folder / "there/note.txt").write_text("mine")
    assert "3 mails delivered" in bare("demo", "--out", "there").out
    assert len(list((bare.folder / "there/mail/new").iterdir())) == 3
    assert (bare.folder / "there/note.txt").read_text() == "mine"
    assert sorted(path.name for path in bare.folder.iterdir()) == ["there"]


def _for_you(path: Path) -> set[str]:
    return {pick["id"] for pick in json.loads(path.read_text("utf-8"))["picks"] if pick["section"] == "for_you"}


def _dateless(path: Path) -> bytes:
    """The clock may have moved between sending and showing; the first header is the date."""
    return path.read_bytes().partition(b"\r\n")[2]


def test_the_demo_does_not_touch_what_is_no_demo(bare: Desk) -> None:
    (bare.folder / "mine").mkdir()
    (bare.folder / "mine/thesis.txt").write_text("years of work")
    (bare.folder / "file").write_text("years of work")
    for out in ("mine", "file", "."):
        said = bare("demo", "--out", out, status=1).err
        assert "--out" in said
    assert (bare.folder / "mine/thesis.txt").read_text() == (bare.folder / "file").read_text() == "years of work"
    assert sorted(path.name for path in bare.folder.iterdir()) == ["file", "mine"]
