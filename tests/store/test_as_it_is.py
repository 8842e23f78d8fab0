"""Opening a database only to look at it, and asking how it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from newsletter.errors import EmptyDatabaseError, StoreError
from newsletter.model import SubscriberStatus
from newsletter.store import Store
from tests.store.rows import NOW, new_subscriber


def test_an_empty_database_stays_empty(url: str) -> None:
    for _ in range(2):
        with pytest.raises(EmptyDatabaseError, match="is empty"):
            Store(url, as_it_is=True)


def test_a_database_of_ours_is_read_as_ever(url: str) -> None:
    with Store(url) as store:
        store.subscribers.add(new_subscriber(), now=NOW)
    with Store(url, as_it_is=True) as store:
        assert sum(store.subscribers.counts().values()) == 1
        store.check_intact()
        store.check_writable()


def test_subscribers_are_counted_by_status(store: Store) -> None:
    assert store.subscribers.counts() == {}
    added = store.subscribers.add(new_subscriber(), now=NOW)
    assert store.subscribers.counts() == {SubscriberStatus(added.status): 1}


def test_looking_does_not_switch_the_journal_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "newsletter.db"
    Store(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    database.close()
    before = file.read_bytes()
    with Store(f"sqlite:///{file}", as_it_is=True) as store:
        store.check_writable()
        store.check_intact()
    assert file.read_bytes() == before


def test_a_file_that_may_not_be_written_to_is_told_before_anything_is(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/newsletter.db").close()
    with (
        Store(f"sqlite:///file:{tmp_path}/newsletter.db?mode=ro&uri=true", as_it_is=True) as store,
        pytest.raises(StoreError, match="readonly") as caught,
    ):
        store.check_writable()
    assert "may be written by this user" in caught.value.hint


def test_a_page_of_rubbish_is_told(tmp_path: Path) -> None:
    file = tmp_path / "newsletter.db"
    Store(f"sqlite:///{file}").close()
    data = bytearray(file.read_bytes())
    data[-4096:-2048] = b"\xff" * 2048
    file.write_bytes(data)
    with (
        Store(f"sqlite:///{file}", as_it_is=True) as store,
        pytest.raises(StoreError, match=r"damaged|malformed"),
    ):
        store.check_intact()
