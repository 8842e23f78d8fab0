"""Many rows and many keys in one statement, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from newsletter.store import Store
from newsletter.store.bulk import among, given, insert_new, recordset
from newsletter.store.schema import acts, editions, installation, webhook_calls
from tests.store.rows import MINUTE, NOW

TEXTS = ["plain", "", "with space", 'a "quote"', "back\\slash", "{braces, commas}", "NULL", "apostrophe's", "沙丘 🏜"]


def names(store: Store, *where: sa.ColumnElement[bool]) -> set[str]:
    with store._database.reading() as connection:
        return set(connection.scalars(sa.select(acts.c.name).where(*where)))


@pytest.fixture
def acted(store: Store) -> Store:
    with store._database.writing() as connection:
        insert_new(connection, acts, [{"name": text, "at": NOW} for text in TEXTS])
    return store


def test_rows_are_kept_as_they_were_given(acted: Store) -> None:
    assert names(acted) == set(TEXTS)


def test_rows_that_are_there_stay_as_they_are(acted: Store) -> None:
    with acted._database.writing() as connection:
        insert_new(connection, acts, [{"name": text, "at": NOW + MINUTE} for text in ("plain", "new")])
    assert names(acted, acts.c.at == NOW) == set(TEXTS)
    assert names(acted, acts.c.at > NOW) == {"new"}


def test_no_rows_are_no_statement(store: Store) -> None:
    with store._database.writing() as connection:
        insert_new(connection, acts, [])
    assert names(store) == set()


def test_a_naive_time_is_refused(store: Store) -> None:
    naive = datetime(2026, 11, 23, 6)  # noqa: DTZ001
    with store._database.writing() as connection, pytest.raises(sa.exc.StatementError, match="naive"):
        insert_new(connection, acts, [{"name": "then", "at": naive}])


def test_what_json_does_not_know_is_refused(store: Store) -> None:
    with store._database.writing() as connection, pytest.raises(sa.exc.StatementError):
        insert_new(connection, installation, [{"name": "set", "value": {1, 2}}])


@pytest.mark.parametrize("some", [TEXTS, TEXTS[3:4], [], ["nobody's"], ["plain", "plain"]])
def test_texts_are_found_among_others(acted: Store, some: list[str]) -> None:
    assert names(acted, among(acts.c.name, some)) == set(some) & set(TEXTS)


def test_a_list_may_be_longer_than_a_statement_has_parameters(acted: Store) -> None:
    many = [f"nobody's {number}" for number in range(100_000)]
    assert names(acted, among(acts.c.name, [*many, "plain"])) == {"plain"}


ROW: dict[str, sa.types.TypeEngine[Any]] = {
    "number": webhook_calls.c.key.type,
    "yes": sa.Boolean(),
    "at": acts.c.at.type,
    "text": sa.Text(),
    "share": sa.Float(),
    "picks": editions.c.picks.type,
}


def test_rows_are_read_back_from_their_document(store: Store) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    rows = [
        {"number": 1 << 40, "yes": True, "at": NOW.astimezone(there), "text": text, "share": 0.1, "picks": [[text, 1]]}
        for text in TEXTS
    ]
    empty = {"number": 2, "yes": False, "at": None, "text": None, "share": None}
    with store._database.reading() as connection:
        table = recordset(ROW, connection.dialect.name)
        found = [dict(row._mapping) for row in connection.execute(sa.select(table), given([*rows, empty]))]
    assert found == [*({**row, "at": NOW} for row in rows), {**empty, "picks": None}]
