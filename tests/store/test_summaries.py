"""Summaries in the store: by model and text, once for all."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from newsletter.errors import StoreError
from newsletter.store import Store, schema
from newsletter.store.engine import open_engine
from tests.store.rows import NOW, new_subscriber


def test_a_summary_is_kept_by_model_and_text(store: Store) -> None:
    store.summaries.save("one", "hash", "A loom.")
    store.summaries.save("two", "hash", "")
    assert store.summaries.load("one", ["hash", "other"]) == {"hash": "A loom."}
    assert store.summaries.load("two", ["hash"]) == {"hash": ""}
    assert store.summaries.load("three", ["hash"]) == {}


def test_what_is_there_stays(store: Store) -> None:
    store.summaries.save("one", "hash", "A loom.")
    store.summaries.save("one", "hash", "A mill.")
    assert store.summaries.load("one", ["hash"]) == {"hash": "A loom."}


def test_a_database_without_summaries_is_migrated_and_loses_nothing(url: str) -> None:
    engine = open_engine(url)
    with Store(url) as first:
        first.subscribers.add(new_subscriber(), now=NOW)
    with engine.begin() as connection:  # back to the first revision, which has no way down
        connection.execute(sa.text("DROP TABLE summaries"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(StoreError, match="is at schema 0001"):
        Store(url)
    Store.migrate(url)
    with Store(url) as again:
        assert len(again.subscribers.all()) == 1
        again.summaries.save("one", "hash", "A loom.")
    assert set(sa.inspect(engine).get_table_names()) == {*schema.metadata.tables, "alembic_version"}
    engine.dispose()
