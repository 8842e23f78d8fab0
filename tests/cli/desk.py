"""A folder of its own in which commands are run: within this process for speed, or as a process where that matters."""

from __future__ import annotations

import email
import email.policy
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from newsletter.cli import main

ROOT = Path(__file__).parent.parent.parent
SEEDS = ROOT / "seeds"
AUGUST = SEEDS / "daily-papers-aug-20.txt"
HUGGING = SEEDS / "hf-daily-2025-08-20.json"
PHYSICS = SEEDS / "arxiv-physics-biology-mathematics.xml"
THURSDAY = "2026-08-20T06:00:00Z"
FRIDAY = "2026-08-21T06:00:00Z"
SATURDAY = "2026-08-22T06:00:00Z"
MONDAY = "2026-08-24T06:00:00Z"


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit status, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


class Desk:
    """Runs `newsletter …` in a folder. Keyword arguments are settings: `smtp__port=25` is NEWSLETTER_SMTP__PORT."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: dict[str, str] = {}

    def environment(self, now: str | None, settings: dict[str, Any]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
        given = {**self.settings, **{name: str(value) for name, value in settings.items()}}
        ours = {f"NEWSLETTER_{name.upper()}": value for name, value in given.items()} | {"PYTHONPATH": str(ROOT)}
        # A clock that is not asked for is a fixed one all the same: tests must not depend on the day they run.
        return {**kept, "HOME": str(self.folder), **ours, **({"NEWSLETTER_NOW": now} if now else {})}

    def __call__(self, *words: object, status: int = 0, now: str | None = THURSDAY, **settings: Any) -> Finished:
        """Run a command in this process, and check its exit status."""
        with self._as_if_alone(words, self.environment(now, settings)) as (out, err):
            try:
                main()
            except SystemExit as leaving:
                code = leaving.code
        finished = Finished(int(code or 0), _text(out), _text(err))
        assert finished.status == status, finished
        assert "Traceback" not in finished.err
        return finished

    @contextmanager
    def _as_if_alone(
        self, words: tuple[object, ...], environment: dict[str, str]
    ) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
        out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ.keys() - environment.keys():
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["newsletter", *map(str, words)])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            yield out, err

    def start(
        self, *words: object, now: str | None = THURSDAY, stderr: int = subprocess.PIPE, **settings: Any
    ) -> subprocess.Popen[bytes]:
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "newsletter", *map(str, words)],
            cwd=self.folder,
            env=self.environment(now, {**settings}) | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )

    def process(self, *words: object, status: int = 0, now: str | None = THURSDAY, **settings: Any) -> Finished:
        """Run a command as a process of its own, and check its exit status."""
        with self.start(*words, now=now, **settings) as process:
            out, err = process.communicate(timeout=60)
        finished = Finished(process.returncode, out.decode(), err.decode())
        assert finished.status == status, finished
        assert "Traceback" not in finished.err
        return finished

    def shell(self, line: str, *, now: str | None = THURSDAY, **settings: Any) -> Finished:
        """Run a shell line in which `newsletter` is the command."""
        environment = self.environment(now, settings) | {"PYTHONPATH": str(ROOT), "PYTHON": sys.executable}
        done = subprocess.run(
            ["/bin/sh", "-c", f'newsletter() {{ "$PYTHON" -m newsletter "$@"; }}\n{line}'],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        finished = Finished(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in finished.err, finished
        assert "Exception ignored" not in finished.err, finished
        return finished

    @staticmethod
    def command() -> list[str]:
        """The words that start the program."""
        return [sys.executable, "-m", "newsletter"]

    @staticmethod
    def seed() -> Path:
        """A digest file."""
        return AUGUST

    def subscribe(self, address: str, *words: str) -> None:
        """Add an active subscriber."""
        self("subscribers", "add", address, "--confirmed", *words)

    def mails(self) -> list[bytes]:
        """The raw messages in the Maildir, in the order they came."""
        files = sorted((self.folder / "mail" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_bytes() for path in files]

    def mails_of(self, address: str) -> list[bytes]:
        """The raw messages to one address."""
        return [mail for mail in self.mails() if f"\r\nTo: <{address}>\r\n".encode() in mail]

    def picked(self, address: str) -> list[list[int]]:
        """The papers of each of a subscriber's editions, by paper key."""
        with sqlite3.connect(self.folder / "newsletter.db") as connection:
            rows = connection.execute(
                "SELECT picks FROM editions JOIN subscribers ON subscribers.key = subscriber_key "
                "WHERE address = ? ORDER BY issue_key",
                (address,),
            ).fetchall()
        connection.close()
        return [[pick["paper"] for pick in json.loads(row[0])] for row in rows]

    def dump(self) -> list[str]:
        """The whole database as SQL."""
        connection = sqlite3.connect(self.folder / "newsletter.db")
        try:
            return list(connection.iterdump())
        finally:
            connection.close()


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8")


def parsed(raw: bytes) -> EmailMessage:
    """Parse a raw message."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def prepare(folder: Path) -> Path:
    """Make a database with the papers of August 20, and the vectors of all papers in seeds/."""
    every, august = Desk(folder / "every"), Desk(folder / "august")
    for desk, files in ((every, (AUGUST, HUGGING, PHYSICS)), (august, (AUGUST,))):
        desk.folder.mkdir()
        desk("ingest", *(word for file in files for word in ("--file", file)))
    (every.folder / "me.toml").write_text('topics = ["speech-recognition"]\nkeywords = ["CTC"]\n')
    every("preview", "--profile", "me.toml")
    connection = sqlite3.connect(august.folder / "newsletter.db")
    connection.execute("ATTACH ? AS every", (str(every.folder / "newsletter.db"),))
    with connection:
        connection.execute("INSERT INTO vectors SELECT * FROM every.vectors")
    connection.close()
    return august.folder / "newsletter.db"


MakeDesk = Callable[[], Desk]


def desks(prepared: Path, tmp_path: Path) -> MakeDesk:
    """Give a maker of folders, each with a copy of the prepared database."""

    def make() -> Desk:
        folder = tmp_path / f"desk{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        shutil.copy(prepared, folder / "newsletter.db")
        return Desk(folder)

    return make
