"""Documents that were damaged at random: an answer or an error of ours, the same one every time, and soon.

NEWSLETTER_TEST_FUZZ sets how many are tried of each input: 25 by default; 1000 take some minutes.
"""

from __future__ import annotations

import os
import random
import time
from datetime import date
from pathlib import Path

import pytest

from newsletter.config import SourceKind
from newsletter.errors import SourceError
from newsletter.model import Digest
from newsletter.sources.formats import parse
from newsletter.sources.sandbox import SANDBOX

ROOT = Path(__file__).parents[2]
TIMES = int(os.environ.get("NEWSLETTER_TEST_FUZZ", "25"))
TODAY = date(2026, 8, 20)
LONGEST = 10.0  # seconds for one document
INPUTS = sorted(
    path
    for folder in (ROOT / "seeds", ROOT / "tests" / "data" / "sources")
    for path in folder.rglob("*")
    if path.is_file() and path.stat().st_size < 200_000
)
NASTY = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"&#xD800;", b"&#x110000;", b"<![CDATA[", b"]]>", b"<!--", b"-->",
    b"<a " * 200,
    b"{" * 500, b"}" * 50, b"[" * 500, b"]" * 50, b'"', b"\\", b"\r", b"\n\n\n", b"$" * 99, b"\\href{",
    b"1e999", b"NaN",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"\xed\xa0\x80", "\u202e\u200b\u2028".encode(), b"@string{",
    b"\\\\\n", b"0" * 5000,
]  # fmt: skip


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Cut, repeat, overwrite and stuff at random places."""
    for _ in range(dice.randint(1, 6)):
        at, to = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        what = dice.randrange(5)
        if what == 0:
            data = data[:at] + data[min(to, at + 400) :]
        elif what == 1:
            data = data[:to] + data[at : min(to, at + 2000)] + data[to:]
        elif what == 2:
            data = data[:at] + bytes(dice.randrange(256) for _ in range(dice.randint(1, 4))) + data[at + 1 :]
        elif what == 3:
            data = data[:at] + dice.choice(NASTY) + data[at:]
        else:
            data = data[:to] if dice.random() < 0.3 else data
        data = data or b" "
    return data


def outcome(data: bytes) -> Digest | str:
    try:
        return parse(data, kind=SourceKind.AUTO, where="the document", today=TODAY)
    except SourceError as error:
        return str(error) or "an error that says nothing"


def sandboxed(data: bytes) -> Digest | str:
    try:
        return SANDBOX.digest(data, kind=SourceKind.AUTO, where="the document", today=TODAY, timeout=2 * LONGEST)
    except SourceError as error:
        return str(error)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_a_damaged_document_gives_papers_or_an_error_of_ours_the_same_every_time(path: Path) -> None:
    dice = random.Random(path.name)
    whole = path.read_bytes()
    for number in range(TIMES):
        data = damaged(whole, dice)
        began = time.monotonic()
        first = outcome(data)
        assert first != "an error that says nothing"
        assert time.monotonic() - began < 2 * LONGEST  # room for a machine with other work
        assert outcome(data) == first
        if number % 4 == 0:
            assert sandboxed(data) == first
