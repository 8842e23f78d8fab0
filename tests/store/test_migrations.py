"""From an empty database to the schema, and what is said about every other one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from newsletter.errors import StoreError
from newsletter.model import Cadence
from newsletter.store import Store, schema
from newsletter.store.engine import open_engine
from tests.store.rows import NOW, dump, new_subscriber, queued

MIGRATIONS = Path(schema.__file__).with_name("migrations")
OPEN_WHEN_TOLD = """
import sys
from newsletter.store import Store
print("ready", flush=True)
sys.stdin.readline()
with Store(sys.argv[1]) as store:
    print(store.secret())
"""


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def tables(engine: Engine) -> set[str]:
    """Give the names of all tables but those of the index of words, which only its own migration knows."""
    return {name for name in sa.inspect(engine).get_table_names() if not name.startswith("paper_index")}


def _not_of_the_index(name: str | None, _kind: str, _parents: object) -> bool:
    return not (name or "").startswith("paper_index")


COMPARED = {"compare_type": True, "compare_server_default": True, "include_name": _not_of_the_index}


def at_version(engine: Engine, url: str, version: str) -> None:
    Store(url).close()
    run(engine, f"UPDATE alembic_version SET version_num = '{version}'")


def test_a_migrated_database_has_exactly_the_tables_of_the_schema(url: str, engine: Engine) -> None:
    Store.migrate(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, schema.metadata) == []
    assert tables(engine) == {*schema.metadata.tables, "alembic_version"}


def test_foreign_keys_cascade_as_the_schema_says(url: str, engine: Engine) -> None:
    """Alembic does not compare what happens on delete."""
    Store.migrate(url)
    for table in schema.metadata.tables.values():
        found = {
            (*key["constrained_columns"], key["referred_table"], key["options"].get("ondelete"))
            for key in sa.inspect(engine).get_foreign_keys(table.name)
        }
        assert found == {(key.parent.name, key.column.table.name, key.ondelete) for key in table.foreign_keys}


def test_the_revision_that_the_program_needs_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.REVISION]


def test_opening_or_migrating_again_changes_nothing(store: Store, url: str) -> None:
    queued(store, 2)
    before = dump(store)
    Store.migrate(url)
    with Store(url) as again:
        assert dump(again) == before


def test_a_store_can_be_opened_after_it_was_closed(url: str) -> None:
    with Store(url) as first:
        first.subscribers.add(new_subscriber(), now=NOW)
    with Store(url) as second:
        assert len(second.subscribers.all()) == 1


def test_processes_that_open_a_new_database_at_once_make_it_together(url: str) -> None:
    command = [sys.executable, "-c", OPEN_WHEN_TOLD, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    everyone = [subprocess.Popen(command, text=True, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    for one in everyone:
        assert one.stdout.readline() == "ready\n"
    for one in everyone:
        one.stdin.write("now\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60) for one in everyone]
    assert [(one.returncode, errors) for one, (_, errors) in zip(everyone, said, strict=True)] == [(0, "")] * 4
    assert len({secret for secret, _ in said}) == 1


@pytest.mark.parametrize("revision", [None, "0001", "ab12cd34"])
def test_the_database_of_another_program_is_refused_and_left_alone(
    url: str, engine: Engine, revision: str | None
) -> None:
    """Whether or not that program uses Alembic too, and numbers its revisions as we do."""
    run(engine, "CREATE TABLE papers (paper TEXT)", "INSERT INTO papers VALUES ('theirs')")
    if revision:
        run(
            engine,
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            f"INSERT INTO alembic_version VALUES ('{revision}')",
        )
    before = tables(engine)
    for attempt in (Store, Store.migrate):
        with pytest.raises(StoreError) as caught:
            attempt(url)
        assert "a database" in caught.value.hint
        assert "of its own" in caught.value.hint
    assert tables(engine) == before
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT paper FROM papers")) == "theirs"


def test_tables_of_other_names_may_stand_beside_ours(url: str, engine: Engine) -> None:
    run(engine, "CREATE TABLE notes (note TEXT)")
    Store(url).close()
    assert tables(engine) == {*schema.metadata.tables, "alembic_version", "notes"}


def test_an_older_database_is_refused_until_it_is_migrated(url: str, engine: Engine) -> None:
    at_version(engine, url, "0000")
    with pytest.raises(StoreError, match=f"is at schema 0000, this program needs {schema.REVISION}") as caught:
        Store(url)
    assert caught.value.hint == "run `newsletter migrate`"


def test_a_newer_database_that_says_so_is_worked_on(url: str, engine: Engine) -> None:
    """As while a cluster is brought to a version that only adds to the schema: old workers go on beside new ones."""
    at_version(engine, url, "9999")
    said = "INSERT INTO installation (name, value) VALUES ('oldest program for 9999', '{}')"
    run(engine, "ALTER TABLE deliveries ADD COLUMN later TEXT", said.format(schema.REVISION))
    with Store(url) as store:
        assert len(queued(store, 2)[1]) == 2
    run(engine, "UPDATE installation SET value = '9998' WHERE name = 'oldest program for 9999'")
    with pytest.raises(StoreError, match="is at schema 9999"):
        Store(url)


def test_a_newer_database_is_refused_also_by_migrate(url: str, engine: Engine) -> None:
    at_version(engine, url, "9999")
    for attempt in (Store, Store.migrate):
        with pytest.raises(StoreError, match=f"is at schema 9999, this program needs {schema.REVISION}") as caught:
            attempt(url)
        assert "install the version of newsletter that made it" in caught.value.hint


REVISIONS = [
    one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions() if one.revision != schema.REVISION
]
PROFILE = {"topics": [["robotics", 1]], "keywords": ["dunes"], "muted": [], "authors": [], "interests": ""}
VALUES = {
    "profile": PROFILE, "picks": [{"paper": 1, "rank": 1, "section": "for_you", "score": 0.5, "reasons": []}],
    "wishes": {}, "authors": ["Ada Lovelace"], "categories": [], "cadence": "daily", "status": "active",
    "quiet": "silence", "origin": "person", "timezone": "UTC", "public_id": "an-id", "email": "ada@example.test",
    "address": "ada@example.test", "same_as": None,
}  # fmt: skip


def up_to(engine: Engine, revision: str) -> None:
    """Give an empty database the tables of a revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def sample(column: sa.Column[Any], table: str) -> Any:
    """Give a value that a column may hold."""
    if table in {"issues", "deliveries"} and column.name == "state":
        return "open" if table == "issues" else "sent"
    if column.name in VALUES:
        return VALUES[column.name]
    kinds = {
        sa.Boolean: True,
        sa.Integer: 1,
        sa.Float: 1.5,
        schema.UtcDateTime: NOW,
        sa.Date: NOW.date(),
        sa.LargeBinary: b"\0\0",
    }
    return next((value for kind, value in kinds.items() if isinstance(column.type, kind)), "a text")


def fill(engine: Engine) -> dict[str, dict[str, Any]]:
    """Put a row into every table of a database, and give them as they are read back."""
    there = sa.MetaData()
    there.reflect(engine, only=sorted(tables(engine)))
    with engine.begin() as connection:
        for table in there.sorted_tables:
            if table.name == "alembic_version":
                continue
            # The types of the schema: SQLite's own know neither JSON nor zones.
            known = schema.metadata.tables[table.name]
            names = [name for name in table.columns.keys() if name != "key"]  # noqa: SIM118  keys are counted: 1
            row = {name: sample(known.columns[name], table.name) for name in names}
            connection.execute(sa.table(table.name, *(sa.column(n, known.columns[n].type) for n in row)).insert(), row)
    return read_back(engine, {name: set(table.columns.keys()) for name, table in there.tables.items()})


def read_back(engine: Engine, columns: dict[str, set[str]]) -> dict[str, dict[str, Any]]:
    found = {}
    with engine.connect() as connection:
        for name, wanted in columns.items():
            if name != "alembic_version":
                known = schema.metadata.tables[name]
                # A migration says there which programs it allows.
                said = known.c.name.not_like("oldest program%") if name == "installation" else sa.true()
                query = sa.select(*(known.columns[column] for column in sorted(wanted))).where(said)
                [row] = connection.execute(query)
                found[name] = dict(row._mapping)
    return found


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_every_older_schema_holds_is_there_after_it_is_migrated(url: str, engine: Engine, revision: str) -> None:
    up_to(engine, revision)
    before = fill(engine)
    assert before["subscribers"]["profile"] == PROFILE
    with pytest.raises(StoreError, match=f"is at schema {revision}"):
        Store(url)
    Store.migrate(url)
    assert read_back(engine, {name: set(row) for name, row in before.items()}) == before
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, schema.metadata) == []
    with Store(url) as store:
        [ada] = store.subscribers.all()
        [issue] = store.issues.all()
        assert store.issues.picks(issue.key, [ada.key])[ada.key][0].paper_key == 1
        assert [one.state for one in store.deliveries.of_subscriber(ada.key)] == ["sent"]
        assert store.issues.not_ranked() == []
        # Keys go on where they were.
        assert store.subscribers.add(new_subscriber("ben@example.test"), now=NOW).key > ada.key


def test_who_had_paused_before_anybody_kept_by_whom_is_taken_to_have_wished_it(url: str, engine: Engine) -> None:
    up_to(engine, "0010")
    fill(engine)
    run(engine, "UPDATE subscribers SET cadence = 'paused', origin = 'file'")
    Store.migrate(url)
    with Store(url) as store:
        store.subscribers.keep_in_step([new_subscriber()], [], now=NOW)
        [ada] = store.subscribers.all()
        assert ada.cadence is Cadence.PAUSED
        assert ada.cadence_chosen_at is not None
