"""Messages as files: whole or not at all, whatever happens."""

from __future__ import annotations

import mailbox
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from newsletter.delivery.maildir import MaildirTransport
from newsletter.errors import TransportError
from newsletter.model import DeliveryState
from tests.delivery.messages import message

ENDLESS_SENDER = """
import sys
from pathlib import Path
from newsletter.delivery.maildir import MaildirTransport
from newsletter.model import Message
with MaildirTransport(Path(sys.argv[1])).session() as session:
    while True:
        session.deliver(Message("", "", "", "", "", "", b"x" * 3_000_000 + b"end"))
        print("sent", flush=True)
"""


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """As on a full disk, for this process: writing more than `size` bytes to a file fails."""
    usual, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (usual, most))


def test_the_folder_is_made_and_other_programs_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    with MaildirTransport(folder).session() as session:
        session.deliver(message())
    [read] = mailbox.Maildir(folder, create=False)
    assert read["Subject"] == "Papers"


def test_the_response_names_the_file(tmp_path: Path) -> None:
    with MaildirTransport(tmp_path).session() as session:
        response = session.deliver(message()).response
    assert (tmp_path / response.removeprefix("written as ")).read_bytes() == message().data


def test_mail_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    with MaildirTransport(tmp_path / "mail").session() as session:
        session.deliver(message())
    [file] = (tmp_path / "mail" / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_left_in_tmp(tmp_path: Path) -> None:
    with MaildirTransport(tmp_path).session() as session:
        session.deliver(message())
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("in_the_way", ["mail", "mail/new"])
def test_a_file_in_the_way_is_told(in_the_way: str, tmp_path: Path) -> None:
    path = tmp_path / in_the_way
    path.parent.mkdir(exist_ok=True)
    path.write_text("a plain file")
    with pytest.raises(TransportError, match="mail") as caught, MaildirTransport(tmp_path / "mail").session():
        pass
    assert "delivery.maildir" in caught.value.hint
    assert path.read_text() == "a plain file"


def test_a_folder_that_vanishes_is_told(tmp_path: Path) -> None:
    with MaildirTransport(tmp_path / "mail").session() as session:
        (tmp_path / "mail" / "new").rmdir()
        with pytest.raises(TransportError, match="cannot write mail"):
            session.deliver(message())
    assert not list((tmp_path / "mail" / "tmp").iterdir())


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    # /proc refuses even root, and pretends to nothing.
    with pytest.raises(TransportError, match="/proc/mail"), MaildirTransport(Path("/proc/mail")).session():
        pass


def test_a_full_disk_defers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with MaildirTransport(tmp_path).session() as session:
        with file_size_limit(1000):
            outcome = session.deliver(message(b"x" * 70 + b"\r\n" * 5000))
        assert outcome.state is DeliveryState.DEFERRED
        assert not list((tmp_path / "new").iterdir())
        assert not list((tmp_path / "tmp").iterdir())
        assert session.deliver(message()).state is DeliveryState.SENT


def test_a_kill_in_the_middle_leaves_only_whole_messages_in_new(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENDLESS_SENDER, str(tmp_path / "mail")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}) as sender:
        assert sender.stdout is not None
        for _ in range(3):
            assert sender.stdout.readline() == b"sent\n"
        sender.kill()
        reported = 3 + len(sender.stdout.readlines())
    files = list((tmp_path / "mail" / "new").iterdir())
    assert len(files) >= reported
    assert all(file.stat().st_size == 3_000_003 for file in files)
