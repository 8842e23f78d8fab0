"""Broken settings, databases, disks and pipes, and being stopped in the middle: a clear word, and nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.cli.desk import AUGUST, Desk
from tests.delivery.servers import HOST, Mailbox, Sink, sink

READER = ("--topic", "speech-recognition", "--papers", "3")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[site]\nnmae = "x"\n', "site.nmae: no such setting"),
        ("[delivery]\ntransport = 'pigeon'\n", "delivery.transport"),
        ("[smtp]\nport = 99999\n", "smtp.port"),
        ("[[source]]\nname = 'x'\nkind = 'gopher'\n", "source.0.kind"),
        ("[site\n", "mine.toml"),
        ("topics = 'nowhere.toml'\n", "nowhere.toml"),
        (None, "mine.toml"),
    ],
)
def test_wrong_settings_are_named_by_their_path(bare: Desk, text: str | None, named: str) -> None:
    if text is not None:
        (bare.folder / "mine.toml").write_text(text)
    assert named in bare("--config", "mine.toml", "topics", status=1).err
    assert named in bare("topics", status=1, config="mine.toml").err


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("site__nmae", "x", "site.nmae"),
        ("smtp__port", "many", "smtp.port"),
        ("site__secret_file", "gone.txt", "gone.txt"),
        ("site__timezone", "Mars/Olympus", "site.timezone"),
    ],
)
def test_wrong_environment_is_named(bare: Desk, name: str, value: str, named: str) -> None:
    assert named in bare("topics", status=1, **{name: value}).err


def test_a_wrong_password_setting_is_not_printed(bare: Desk) -> None:
    said = bare("topics", status=1, smtp__password="hunter2", smtp__port="x").err
    assert "hunter2" not in said


@pytest.mark.parametrize("words", [("subscribers", "list"), ("ingest", "--file", str(AUGUST)), ("send",)], ids=str)
@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("sqlite:///missing/folder/x.db", "missing/folder/x.db"),
        ("sqlite:///folder", "folder"),
        ("sqlite:///text.db", "text.db"),
        ("mysql://localhost/x", "mysql"),
        ("papers.db", "database.url"),
    ],
)
def test_a_database_that_cannot_be_used_is_named(bare: Desk, words: tuple[str, ...], url: str, named: str) -> None:
    (bare.folder / "folder").mkdir()
    (bare.folder / "text.db").write_text("this is no database, but long enough to be one\n" * 50)
    said = bare(*words, status=1, database__url=url).err
    assert named in said
    assert (bare.folder / "text.db").read_text().startswith("this is no database")


def test_a_damaged_database_is_named(desk: Desk) -> None:
    file = desk.folder / "newsletter.db"
    data = bytearray(file.read_bytes())
    data[4096 * 2 : 4096 * 12] = os.urandom(4096 * 10)
    file.write_bytes(data)
    said = desk("ingest", "--file", AUGUST, status=1).err
    assert "newsletter.db" in said


def test_the_database_of_another_version_is_left_alone(desk: Desk) -> None:
    with sqlite3.connect(desk.folder / "newsletter.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    said = desk("send", status=1).err
    assert "9999" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(desk: Desk) -> None:
    desk.folder.chmod(0o500)
    try:
        assert "newsletter.db" in desk("ingest", "--file", AUGUST, status=1).err
    finally:
        desk.folder.chmod(0o700)


def test_a_maildir_that_cannot_be_made_is_named_and_everything_waits(desk: Desk) -> None:
    desk.subscribe("ada@lab.example", *READER)
    (desk.folder / "mail").write_text("a file")
    said = desk("send", status=1).err
    assert "Maildir mail" in said
    assert "delivery.maildir" in said
    assert "1 message to be sent by the next `newsletter send`" in said
    (desk.folder / "mail").unlink()
    assert desk("send", "--json").json["sent"] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "line", ["newsletter topics", "newsletter topics --json", "newsletter --help", "newsletter -h"]
)
def test_a_full_disk_under_the_output_is_told(bare: Desk, line: str) -> None:
    finished = bare.shell(f"{line} > /dev/full")
    assert finished.status == 1
    assert "No space left on device" in finished.err


def test_a_reader_who_leaves_early_is_no_error(bare: Desk) -> None:
    finished = bare.shell("{ newsletter topics --json; echo $? > status; } | head -n 1")
    assert finished.out == "[\n"
    assert finished.err == ""
    assert (bare.folder / "status").read_text() in {"0\n", "1\n"}


def test_output_is_utf_8_whatever_the_locale(bare: Desk) -> None:
    bare.subscribe("zoe@lab.example", "--name", "Zoë →", "--keyword", "Schrödinger")
    for line in ("subscribers list --json", "subscribers export", "subscribers show zoe@lab.example"):
        finished = bare.shell(f"PYTHONIOENCODING=ascii LC_ALL=C newsletter {line}")
        assert finished.status == 0
        assert "Schrödinger" in finished.out
        assert "Zoë →" in finished.out


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="needs root, to mount a small disk")
def test_a_full_disk_under_the_database_loses_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.subscribe("ada@lab.example", *READER)
    disk = tmp_path / "disk"
    disk.mkdir()
    size = (desk.folder / "newsletter.db").stat().st_size // 1024 + 60
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=False).returncode:
        pytest.skip("cannot mount a small disk here")
    try:
        small = Desk(disk)
        (disk / "newsletter.db").write_bytes((desk.folder / "newsletter.db").read_bytes())
        before = small.dump()
        said = small("ingest", "--file", AUGUST.with_name("arxiv-physics-biology-mathematics.xml"), status=1).err
        assert "full" in said
        assert "free some space" in said
        assert small.dump() == before
    finally:
        subprocess.run(["umount", disk], check=True)


class Holding(Mailbox):
    """Takes a first few messages at once; keeps the sender of every other waiting for its answer."""

    def __init__(self, at_once: int) -> None:
        super().__init__()
        self.at_once = at_once
        self.arrived, self.go_on = threading.Event(), threading.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = await super().handle_DATA(server, session, envelope)
        if len(self.received) > self.at_once:
            self.arrived.set()
            await asyncio.get_running_loop().run_in_executor(None, self.go_on.wait)
        return reply


@contextmanager
def held(at_once: int) -> Iterator[tuple[Sink, Holding]]:
    with sink() as server:
        holding = Holding(at_once)
        server.mailbox = server.handler = holding
        try:
            yield server, holding
        finally:
            holding.go_on.set()


def people(desk: Desk) -> list[str]:
    addresses = [f"reader{number}@lab.example" for number in range(6)]
    (desk.folder / "people.csv").write_text("email,topics\n" + "".join(f"{one},robotics\n" for one in addresses))
    desk("subscribers", "import", "people.csv", "--confirmed")
    desk.settings.update(delivery__transport="smtp", smtp__host=HOST, smtp__connections="2")
    return addresses


@pytest.mark.parametrize(
    ("told", "status", "word"),
    [(signal.SIGINT, 130, "newsletter: interrupted;"), (signal.SIGTERM, 143, "newsletter: stopped;")],
)
def test_ctrl_c_and_sigterm_finish_what_is_on_its_way_and_the_rest_goes_next_time(
    desk: Desk, told: signal.Signals, status: int, word: str
) -> None:
    addresses = people(desk)
    with held(at_once=1) as (server, holding):
        with desk.start("send", smtp__port=server.port) as process:
            assert holding.arrived.wait(30)
            process.send_signal(told)
            holding.go_on.set()
            _, err = process.communicate(timeout=30)
        assert process.returncode == status
        assert err.decode().splitlines()[-1].startswith(word)
        assert "Traceback" not in err.decode()
        first = len(server.received)
        report = desk("send", "--json", smtp__port=server.port).json
    assert (report["sent"], report["uncertain"]) == (6 - first, 0)
    assert sorted(one.recipient for one in holding.received) == addresses


def test_after_a_kill_nobody_gets_a_mail_twice_where_doubt_is_held_and_only_those_on_their_way_are_in_doubt(
    desk: Desk,
) -> None:
    addresses = people(desk)
    desk.settings["delivery__uncertain"] = "hold"
    with held(at_once=1) as (server, holding):
        with desk.start("send", smtp__port=server.port) as process:
            assert holding.arrived.wait(30)
            process.kill()
            process.communicate(timeout=30)
        holding.go_on.set()
        desk("send", smtp__port=server.port)
        [daily, _] = desk("issue", "show", "--json").json
    assert sorted({one.recipient for one in holding.received}) == sorted(one.recipient for one in holding.received)
    lost = set(addresses) - {one.recipient for one in holding.received}
    states = daily["deliveries"]
    assert sum(states.values()) == 6
    assert states.keys() <= {"sent", "uncertain"}
    assert len(lost) <= states["uncertain"] <= 2


def test_after_a_kill_what_is_in_doubt_is_sent_again_under_the_same_message_id(desk: Desk) -> None:
    addresses = people(desk)
    with held(at_once=0) as (server, holding):
        with desk.start("send", smtp__port=server.port) as process:
            assert holding.arrived.wait(30)
            process.kill()
            process.communicate(timeout=30)
        holding.go_on.set()
        desk("send", smtp__port=server.port)  # what is in doubt is due at once
        [daily, _] = desk("issue", "show", "2026-08-20", "--json").json
    assert daily["deliveries"] == {"sent": 6}
    assert {one.recipient for one in holding.received} == set(addresses)
    for address in addresses:
        same = {
            one.content.partition(b"\r\nMessage-ID: ")[2][:60] for one in holding.received if one.recipient == address
        }
        assert len(same) == 1
