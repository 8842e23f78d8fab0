"""Backups, and back again, on both dialects."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from newsletter.errors import StoreError
from newsletter.store import Store
from newsletter.store.backup import load, save
from tests.store.rows import NOW, digest, dump, new_subscriber, queued, record

pytestmark = pytest.mark.usefixtures("_clients")


@pytest.fixture
def _clients(request: pytest.FixtureRequest) -> None:
    if "postgresql" in request.node.name and not shutil.which("pg_dump"):
        pytest.fail("needs pg_dump: postgresql-client has it", pytrace=False)


@pytest.fixture
def full(store: Store) -> Store:
    store.papers.add(digest(record("Dunes that sing")), source="dunes", now=NOW)
    queued(store, 3)
    return store


def test_what_was_saved_comes_back(full: Store, url: str, tmp_path: Path) -> None:
    before, path = dump(full), tmp_path / "saved"
    assert save(url, path) == path.stat().st_size > 1000
    assert path.stat().st_mode & 0o077 == 0
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".part")] == []
    full.subscribers.add(new_subscriber("later@example.test"), now=NOW)
    load(url, path, overwrite=True)
    with Store(url) as again:
        assert dump(again) == before


def test_a_database_that_holds_something_is_left_alone_unless_one_insists(
    full: Store, url: str, tmp_path: Path
) -> None:
    save(url, tmp_path / "saved")
    before = dump(full)
    with pytest.raises(StoreError, match="holds something") as caught:
        load(url, tmp_path / "saved", overwrite=False)
    assert "--overwrite" in caught.value.hint
    assert dump(full) == before


def test_it_is_made_while_others_write(full: Store, url: str, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            full.subscribers.add(new_subscriber(f"writer{number}@example.test"), now=NOW)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        save(url, tmp_path / "saved")
    finally:
        stop.set()
        writer.join()
    load(url, tmp_path / "saved", overwrite=True)
    with Store(url) as again:
        again.check_intact()
        assert again.subscribers.get("p1@example.test").key


def test_where_there_is_no_database_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        save(f"sqlite:///{tmp_path / 'newsletter.db'}", tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_not_overwritten(full: Store, url: str, tmp_path: Path) -> None:
    (tmp_path / "saved").write_text("precious")
    with pytest.raises(StoreError, match="is there already"):
        save(url, tmp_path / "saved")
    assert (tmp_path / "saved").read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", b"SQLite format 3\0" + b"x" * 5000])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "saved").write_bytes(content)
    with pytest.raises(StoreError, match=r"is no backup|no backup of a newsletter|is damaged"):
        load(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "saved", overwrite=False)
    assert not (tmp_path / "new.db").exists()


def test_a_damaged_copy_is_found(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'newsletter.db'}"
    with Store(url) as store:
        queued(store, 200)
    save(url, tmp_path / "saved")
    data = bytearray((tmp_path / "saved").read_bytes())
    data[8192:40960] = b"\xff" * (40960 - 8192)
    (tmp_path / "saved").write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        load(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "saved", overwrite=False)


def test_a_backup_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved").write_bytes(b"PGDMP\x01")
    with pytest.raises(StoreError, match="is a backup of postgresql, the database is sqlite"):
        load(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "saved", overwrite=False)


@pytest.mark.postgresql
def test_a_missing_program_is_named(postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(postgresql_url).close()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match="pg_dump is not installed") as caught:
        save(postgresql_url, tmp_path / "saved")
    assert "postgresql-client" in caught.value.hint
