"""The store as a whole: its secret, its vectors, its times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from newsletter.model import PaperRecord
from newsletter.store import Store
from newsletter.store.schema import suppressions
from tests.store.rows import EVER, NOW, clear, digest


def test_the_secret_is_made_once_and_is_the_same_ever_after(store: Store, url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        secrets = set(pool.map(lambda _: store.secret(), range(8)))
    with Store(url) as again:
        assert {again.secret()} == secrets
    assert len(secrets.pop()) >= 64


def test_two_installations_have_different_secrets(store: Store) -> None:
    with Store("sqlite://") as other:
        assert store.secret() != other.secret()


def test_vectors_come_back_by_encoder_and_text(store: Store) -> None:
    vector = bytes(range(256)) * 6
    store.vectors.save("one", {"a": vector, "b": b""})
    store.vectors.save("other", {"a": b"other"})
    assert store.vectors.load("one", ["a", "b", "c"]) == {"a": vector, "b": b""}
    assert store.vectors.load("other", ["a"]) == {"a": b"other"}
    assert store.vectors.load("third", ["a"]) == {}


def test_a_vector_that_is_there_stays(store: Store) -> None:
    store.vectors.save("one", {"a": b"first"})
    store.vectors.save("one", {"a": b"second", "b": b"second"})
    store.vectors.save("one", {})
    assert store.vectors.load("one", ["a", "b"]) == {"a": b"first", "b": b"second"}


def test_any_number_of_vectors_is_kept_and_found(store: Store) -> None:
    many = {f"{number:x}": number.to_bytes(4, "big") for number in range(1700)}
    store.vectors.save("one", many)
    assert store.vectors.load("one", (name for name in many)) == many


def test_vectors_are_counted_and_dropped_by_encoder(store: Store) -> None:
    assert store.vectors.counts() == {}
    for encoder, count in (("one", 2), ("two", 3), ("three", 1)):
        store.vectors.save(encoder, {str(number): b"" for number in range(count)})
    assert store.vectors.counts() == {"one": 2, "two": 3, "three": 1}
    assert (store.vectors.drop("three"), store.vectors.drop("three")) == (1, 0)
    assert store.vectors.drop_others("two") == {"one": 2}
    assert store.vectors.drop_others("two") == {}
    assert store.vectors.counts() == {"two": 3}


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    naive = datetime(2026, 11, 23, 6)  # noqa: DTZ001  that is the point
    with pytest.raises(StatementError, match="a naive datetime cannot be stored"):
        store.papers.add(digest(PaperRecord("Dunes", published_at=naive)), source="inbox", now=NOW)
    with pytest.raises(StatementError, match="a naive datetime cannot be stored"):
        store.papers.recent(1, before=naive)
    assert store.papers.count() == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    moment=st.datetimes(
        datetime(1900, 1, 1),  # noqa: DTZ001
        datetime(9000, 1, 1),  # noqa: DTZ001
        timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
    )
)
def test_any_time_comes_back_as_the_same_moment_in_utc(store: Store, moment: datetime) -> None:
    clear(store)
    with store._database.writing() as connection:
        connection.execute(suppressions.insert().values(address_hash="a", reason="", added_at=moment))
    with store._database.reading() as connection:
        [kept] = connection.scalars(sa.select(suppressions.c.added_at))
    assert kept == moment
    assert kept.tzinfo is UTC


def test_texts_of_any_script_are_kept(store: Store) -> None:
    title = "Δúnes 砂丘 كثبان 𝒪(𝑛) 🏜 'quoted' \\ %s :name"
    store.papers.add(digest(PaperRecord(title, authors=("Kurt Gödel", "李 明"))), source="ß", now=NOW)
    [paper] = store.papers.in_window(EVER)
    assert (paper.title, paper.authors, paper.announcements[0].source) == (title, ("Kurt Gödel", "李 明"), "ß")
