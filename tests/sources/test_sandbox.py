"""Documents in a process of their own: what it gives, and what becomes of it and of them when they are too much."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from newsletter.config import SourceKind
from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Digest
from newsletter.sources import formats, oai_pages, opml
from newsletter.sources.sandbox import MEMORY, Sandbox
from tests.sources.described import DATA

TODAY = date(2026, 8, 20)
RSS = '<rss version="2.0"><channel><title>Dunes</title>{}</channel></rss>'
FEED = RSS.format("<item><title>On Sand</title><description>It moves, $\\pi$ metres.</description></item>").encode()
# feedparser takes quadratic time for it: minutes.
ENDLESS = RSS.format(f"<item><title>x</title><author>{'x' * 200_000}</author></item>").encode()
LARGE = json.dumps([{"paper": {"title": "t", "summary": "a" * 10_000}} for _ in range(1_900)]).encode()

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at the process as only Linux lets one")
needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with_limits = Sandbox()
    yield with_limits
    with_limits.close()


def digest(sandbox: Sandbox, data: bytes, *, timeout: float = 60.0, where: str = "the document") -> Digest:
    return sandbox.digest(data, kind=SourceKind.AUTO, where=where, today=TODAY, timeout=timeout)


def process(sandbox: Sandbox) -> int:
    """Give the number of the process; it must be there."""
    assert sandbox._child is not None
    return sandbox._child._process.pid


def ends(pid: int, seconds: float) -> bool:
    """Wait for a process that need not be ours to end."""
    try:
        there = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([there], [], [], seconds)[0])
    finally:
        os.close(there)


# What comes back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [FEED, b"[]", (DATA / "oai_dc.xml").read_bytes()], ids=["feed", "empty", "oai"])
def test_a_document_gives_what_its_parser_gives(sandbox: Sandbox, data: bytes) -> None:
    expected = formats.parse(data, kind=SourceKind.AUTO, where="the document", today=TODAY)
    assert digest(sandbox, data) == expected
    assert digest(sandbox, data) == expected


def test_the_day_and_the_kind_reach_the_parser(sandbox: Sandbox) -> None:
    page = b"Daily Papers\n\nAug 21\n\nOn Ripples\n\nSand ripples move with the wind and against it, slowly.\n"
    assert digest(sandbox, page).day == date(2025, 8, 21)
    with pytest.raises(NotADigestError, match="the document is not a feed"):
        sandbox.digest(page, kind=SourceKind.FEED, where="the document", today=TODAY, timeout=60)


def test_lists_of_feeds_and_pages_of_repositories_are_read(sandbox: Sandbox) -> None:
    listed = b'<opml version="2.0"><body><outline text="Sand" xmlUrl="https://example.org/feed"/></body></opml>'
    assert sandbox.feeds(listed, where="the list", timeout=60) == opml.parse(listed, where="the list")
    page = (DATA / "oai_dc.xml").read_bytes()
    assert sandbox.oai_page(page, where="the answer", timeout=60) == oai_pages.read(page, where="the answer")


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7",
        FEED.replace(b"Dunes", b"feed error for query: too long"),
        b'<OAI-PMH><error code="badResumptionToken">old</error></OAI-PMH>',
    ],
    ids=["no digest", "permanent", "temporary"],
)
def test_an_error_comes_back_as_it_was_raised(sandbox: Sandbox, data: bytes) -> None:
    with pytest.raises(SourceError) as expected:
        formats.parse(data, kind=SourceKind.AUTO, where="the document", today=TODAY)
    with pytest.raises(SourceError) as caught:
        digest(sandbox, data)
    assert type(caught.value) is type(expected.value)
    assert vars(caught.value) == vars(expected.value)


def test_what_a_parser_warns_of_is_logged_here_under_its_name(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        digest(sandbox, FEED.replace(b"</channel></rss>", b""))
        digest(sandbox, FEED)
    [record] = caplog.records
    assert record.name == "newsletter.sources.feed"
    assert record.levelno == logging.WARNING
    assert "the document: the feed is not well-formed" in record.message


def test_a_name_that_is_not_unicode_is_no_obstacle(sandbox: Sandbox) -> None:
    where = os.fsdecode(b"/inbox/\xff\xfe.bib")
    assert len(digest(sandbox, b"@article{a, title = {On Sand}}", where=where).records) == 1
    assert len(digest(sandbox, b"@article{a, title = {On Sand}}", where="\udcff").records) == 1
    with pytest.raises(NotADigestError) as caught:
        digest(sandbox, b"%PDF-1.7", where=where)
    assert where in caught.value.message


def test_threads_get_each_their_own_answer(sandbox: Sandbox) -> None:
    def title(number: int) -> str:
        [record] = digest(sandbox, FEED.replace(b"On Sand", f"On Sand {number}".encode())).records
        return record.title

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(title, range(64))) == [f"On Sand {number}" for number in range(64)]


# Too much ------------------------------------------------------------------------------------------------------------


def test_a_document_that_takes_too_long_is_stopped_and_the_next_is_read(sandbox: Sandbox) -> None:
    digest(sandbox, FEED)
    before = process(sandbox)
    with pytest.raises(SourceError, match=r"the document could not be parsed within 0\.5 seconds") as caught:
        digest(sandbox, ENDLESS, timeout=0.5)
    assert "fetching.parse_timeout" in caught.value.hint
    assert len(digest(sandbox, FEED).records) == 1
    assert process(sandbox) != before


@needs_limits
@pytest.mark.parametrize("warm", [False, True])
def test_a_document_that_takes_too_much_memory_is_an_error_and_the_next_is_read(warm: bool) -> None:
    small = Sandbox(memory=75_000_000)
    try:
        if warm:
            digest(small, FEED)
        with pytest.raises(SourceError, match="the document could not be parsed: it takes more than 75 MB") as caught:
            digest(small, LARGE)
        assert "split it" in caught.value.hint
        assert len(digest(small, FEED).records) == 1
    finally:
        small.close()


def test_the_limit_is_the_one_that_large_documents_are_measured_with() -> None:
    assert MEMORY == 500_000_000


@needs_limits
def test_a_crash_in_the_middle_is_an_error_that_names_the_document(sandbox: Sandbox) -> None:
    digest(sandbox, FEED)
    crash = threading.Timer(0.3, os.kill, (process(sandbox), signal.SIGSEGV))
    crash.start()
    with pytest.raises(SourceError, match="the document could not be parsed: the parser ended with SIGSEGV"):
        digest(sandbox, ENDLESS)
    crash.join()
    assert len(digest(sandbox, FEED).records) == 1


@needs_limits
def test_a_process_that_died_between_two_documents_costs_neither(sandbox: Sandbox) -> None:
    digest(sandbox, FEED)
    first = process(sandbox)
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert len(digest(sandbox, FEED).records) == 1


@needs_limits
@pytest.mark.parametrize(("program", "said"), [("/bin/false", "status 1"), ("/nowhere/python", ".*No such file")])
def test_a_process_that_cannot_start_says_so(
    sandbox: Sandbox, program: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(SourceError, match=f"the document could not be parsed: .* does not start: {said}") as caught:
        digest(sandbox, FEED)
    assert not caught.value.permanent
    monkeypatch.undo()
    assert len(digest(sandbox, FEED).records) == 1


def test_a_process_gives_way_to_a_fresh_one_after_many_documents(sandbox: Sandbox) -> None:
    digest(sandbox, b"[]")
    first = process(sandbox)
    for _ in range(400):
        digest(sandbox, b"[]")
    assert process(sandbox) == first
    for _ in range(100):
        digest(sandbox, b"[]")
    assert process(sandbox) != first


@needs_linux
def test_a_process_that_has_grown_gives_way_to_a_fresh_one(sandbox: Sandbox) -> None:
    digest(sandbox, FEED)
    first = process(sandbox)
    digest(sandbox, LARGE)
    digest(sandbox, FEED)
    assert process(sandbox) != first


# Surroundings --------------------------------------------------------------------------------------------------------


def test_closing_ends_the_process_and_the_next_document_starts_one(sandbox: Sandbox) -> None:
    digest(sandbox, FEED)
    first = process(sandbox)
    sandbox.close()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert len(digest(sandbox, FEED).records) == 1


@needs_linux
def test_the_process_is_told_no_secrets(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_SMTP__PASSWORD", "open sesame")
    digest(sandbox, FEED)
    assert b"sesame" not in Path(f"/proc/{process(sandbox)}/environ").read_bytes()


def test_a_module_in_the_working_directory_does_not_stand_in_for_one_of_ours(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "feedparser.py").write_text("raise SystemExit(3)", encoding="utf-8")
    (tmp_path / "newsletter").mkdir()
    (tmp_path / "newsletter" / "__init__.py").write_text("raise SystemExit(4)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert len(digest(sandbox, FEED).records) == 1


@needs_limits
def test_ctrl_c_does_not_reach_the_process(sandbox: Sandbox) -> None:
    digest(sandbox, FEED)
    first = process(sandbox)
    assert os.getsid(first) != os.getsid(0)
    os.kill(first, signal.SIGINT)
    digest(sandbox, FEED)
    assert process(sandbox) == first


_PROGRAM = """
import sys
from datetime import date
from newsletter.config import SourceKind
from newsletter.sources.sandbox import SANDBOX
def read(data, timeout=60):
    return SANDBOX.digest(data, kind=SourceKind.AUTO, where="the document", today=date(2026, 8, 20), timeout=timeout)
read(b"[]")
"""
_TELL = "print(SANDBOX._child._process.pid, flush=True)\n"
_ENDLESS = "data = sys.stdin.buffer.read()\n" + _TELL + "read(data, {timeout})\n"


def program(code: str, data: bytes = b"") -> tuple[subprocess.Popen[bytes], int]:
    """Start a program that parses; give it, and the number of its parsing process."""
    running = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM + code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(data)
    if data:
        running.stdin.close()
    return running, int(running.stdout.readline())


@needs_linux
@pytest.mark.parametrize(
    ("code", "data"), [(_TELL + "input()", b""), (_ENDLESS.format(timeout=1), ENDLESS)], ids=["idle", "busy"]
)
def test_no_process_is_left_when_the_program_is_killed(code: str, data: bytes) -> None:
    running, child = program(code, data)
    running.kill()
    with running:
        running.wait()
    assert ends(child, 30)


@needs_linux
def test_an_interrupted_program_ends_with_its_own_message_alone() -> None:
    running, child = program(_ENDLESS.format(timeout=60), ENDLESS)
    os.killpg(running.pid, signal.SIGINT)
    with running:
        assert running.stderr is not None
        said = running.stderr.read()
        running.wait()
    assert said.count(b"Traceback") == 1
    assert said.rstrip().endswith(b"KeyboardInterrupt")
    assert ends(child, 30)


@needs_linux
def test_a_program_that_ends_leaves_no_process_and_no_complaint() -> None:
    running, child = program(_TELL)
    with running:
        assert running.stderr is not None
        assert running.stderr.read() == b""
    assert running.returncode == 0
    assert ends(child, 0)


@needs_linux
def test_a_fork_of_the_program_has_a_process_of_its_own() -> None:
    code = (
        _TELL
        + """
import os, warnings
warnings.simplefilter("ignore")
first = SANDBOX._child._process.pid
fork = os.fork()
if fork == 0:
    read(b"[]")
    os._exit(SANDBOX._child._process.pid == first)
assert os.waitpid(fork, 0)[1] == 0
read(b"[]")
assert SANDBOX._child._process.pid == first
"""
    )
    running, _ = program(code)
    with running:
        assert running.stderr is not None
        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_the_program_itself_loads_no_parser() -> None:
    code = _PROGRAM + (
        "from newsletter.sources import source, arxiv_api, arxiv_oai\n"
        "print([name for name in ('feedparser', 'listparser', 'bibtexparser', 'rispy', 'pylatexenc', 'lxml',"
        " 'newsletter.sources.formats') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
