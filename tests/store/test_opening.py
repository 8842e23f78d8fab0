"""What is said where a database cannot be opened: what happened, to which, and what to do; never a password."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.errors import StoreError
from newsletter.store import Store
from tests.store.rows import NOW, new_subscriber


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "no address of a database"),
        ("newsletter.db", "no address of a database"),
        ("sqlite//newsletter.db", "no address of a database"),
        ("postgresql://papers:hunter2/papers", "no address of a database"),  # the host is missing
        ("nonsense://localhost", "database.url names nonsense"),
        ("mysql://localhost/papers", "database.url names mysql"),
        ("sqlite+nonsense:///papers.db", "no address of a database"),
    ],
)
def test_a_wrong_url_is_told(url: str, said: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert said in caught.value.message
    assert caught.value.hint
    assert "hunter" not in str(caught.value)


def test_a_missing_driver_is_told_with_how_to_get_it() -> None:
    with pytest.raises(StoreError, match=r"the driver for postgresql\+pg8000 is missing") as caught:
        Store("postgresql+pg8000://papers:hunter2@localhost/papers")
    assert "pip install 'newsletter[postgresql]'" in caught.value.hint


@pytest.mark.postgresql
def test_the_url_of_a_hosted_postgresql_needs_no_name_of_a_driver(postgresql_url: str) -> None:
    with Store(postgresql_url.replace("postgresql+psycopg://", "postgresql://")) as store:
        assert store.papers.count() == 0


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used: unable to open") as caught:
        Store(f"sqlite:///{tmp_path}/none/newsletter.db")
    assert f"{tmp_path}/none/newsletter.db" in caught.value.message
    assert "check that the folder exists" in caught.value.hint


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path}")


def test_a_folder_that_may_not_be_written_to_is_told() -> None:
    # /proc refuses even root.
    with pytest.raises(StoreError, match="/proc/newsletter") as caught:
        Store("sqlite:////proc/newsletter.db")
    assert "may be written by this user" in caught.value.hint


def test_a_file_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/newsletter.db").close()
    with (
        pytest.raises(StoreError, match="readonly") as caught,
        Store(f"sqlite:///file:{tmp_path}/newsletter.db?mode=ro&uri=true") as store,
    ):
        store.subscribers.add(new_subscriber(), now=NOW)
    assert "may be written by this user" in caught.value.hint


@pytest.mark.parametrize("content", [b"These are my notes.\n" * 100, b"SQLite format 3\0" + bytes(range(256)) * 16])
def test_a_file_that_is_no_database_is_told_and_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="file is not a database") as caught:
        Store(f"sqlite:///{path}")
    assert str(path) in caught.value.message
    assert path.read_bytes() == content


def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "newsletter.db").touch()
    with Store(f"sqlite:///{tmp_path}/newsletter.db") as store:
        assert store.papers.count() == 0


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, and not listening
        port = unused.getsockname()[1]
        with pytest.raises(StoreError, match=f"127.0.0.1:{port}") as caught:
            Store(f"postgresql://papers:hunter2@127.0.0.1:{port}/papers")
    assert "that the server runs" in caught.value.hint
    assert "hunter2" not in str(caught.value)


@pytest.mark.postgresql
def test_a_database_that_is_not_there_is_told_without_the_password(postgresql_url: str) -> None:
    with pytest.raises(StoreError, match="does not exist") as caught:
        Store(f"{postgresql_url}_2")
    assert "***" in caught.value.message


@pytest.mark.postgresql
def test_what_postgresql_refuses_is_told(postgresql_url: str) -> None:
    with Store(postgresql_url) as store, pytest.raises(StoreError, match="refused: value too long"):
        store.subscribers.add(new_subscriber(timezone="x" * 61), now=NOW)


def test_the_command_line_shows_no_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "NEWSLETTER_DATABASE__URL": f"sqlite:///{tmp_path}/none/newsletter.db"}
    command = [sys.executable, "-m", "newsletter", "migrate"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("newsletter: the database sqlite:///")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
