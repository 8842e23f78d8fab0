"""Opening a database: dialect settings, transactions, and the check that its schema is the one this version knows."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from newsletter.errors import EmptyDatabaseError, StoreError
from newsletter.store import schema

_WAL_WAITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # seconds
SUPPORTED = ("sqlite", "postgresql")
_URL_FORM = "for example sqlite:///newsletter.db; in a password, @ : / are written %40 %3A %2F"
# What libpq is told, in seconds but for the last, which is in milliseconds: how soon a dead connection is noticed.
SOUND: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_OLDEST = "oldest program for "  # in the table `installation`, and then the revision
_POOL = 10  # connections that stay; as many more may come for a while
# PostgreSQL's advisory locks are named by numbers: any will do, if they are ours alone.
NEWS_LOCK, _MIGRATION_LOCK = 7_364_001, 7_364_002
_alembic = threading.Lock()  # it keeps what it works on in its modules


def open_engine(url: str, *, as_it_is: bool = False, patience: float = 0.0) -> Engine:
    """Give an engine for a SQLAlchemy URL; nothing is connected yet.

    `as_it_is`: connecting changes no setting that stays with the database. `patience` is how many seconds a server may
    take for one statement; 0 for no limit.

    Raises StoreError: the URL is wrong, or of a database that is not supported.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in SUPPORTED:
            raise StoreError(f"database.url names {parsed.get_backend_name()}", hint="use sqlite:/// or postgresql://")
        server = parsed.get_backend_name() == "postgresql"
        options: dict[str, Any] = {"pool_size": _POOL, "pool_pre_ping": True} if server else {}
        engine = sa.create_engine(parsed, connect_args=_connect_args(parsed, patience) if server else {}, **options)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # What the library says may quote a part of a password that holds a / or an @.
        raise StoreError("database.url is no address of a database", hint=_URL_FORM) from error
    except ImportError as error:
        raise StoreError(
            f"the driver for {parsed.drivername} is missing", hint="pip install 'newsletter[postgresql]'"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, wal=not as_it_is)
    return engine


def _connect_args(url: sa.URL, patience: float) -> dict[str, Any]:
    """Give how a PostgreSQL server is spoken with: neither side waits for ever for one that was cut off."""
    limits = {
        "statement_timeout": round(patience * 1000),
        "idle_in_transaction_session_timeout": 60_000,
        "tcp_user_timeout": 30_000,
        "tcp_keepalives_idle": 10,
    }
    asked = url.query.get("options", "")  # as for a schema of its own
    ours = " ".join(f"-c {name}={value}" for name, value in limits.items())
    options = f"{asked if isinstance(asked, str) else ' '.join(asked)} {ours}"
    # Nothing is prepared: a plan that was made while a table was empty would be kept, and read all of it when full.
    return {**SOUND, "options": options, "prepare_threshold": None}


def _prepare_sqlite(engine: Engine, *, wal: bool) -> None:
    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # Python's own driver begins transactions late and leaves DDL outside; SQLAlchemy begins them below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 30000")
        if wal:
            _use_wal(cursor)
        # FULL: after a power cut a message recorded as sent must still be recorded as sent.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that turns writer in mid-transaction fails at once with "database is locked"; a writer says so first.
        writes = connection.get_execution_options().get("newsletter_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_wal(cursor: Any) -> None:
    """Switch a database to write-ahead logging, once for all.

    Where several processes meet a new database, the switch fails at once with "database is locked", whatever the busy
    timeout (https://www.sqlite.org/wal.html): the timeout does not cover it. One of them will have done it.
    """
    for wait in (*_WAL_WAITS, None):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if wait is None or "locked" not in str(error):
                raise
            time.sleep(wait)
        else:
            return


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what a database driver raises into a StoreError that says what to do."""
    try:
        yield
    except OperationalError as error:
        raise StoreError(f"the database {url} cannot be used: {_reason(error)}", hint=_advice(error)) from error
    except DBAPIError as error:
        raise StoreError(f"the database {url} refused: {_reason(error)}") from error
    except PoolTimeoutError as error:
        raise StoreError(
            f"no connection to the database {url} became free for 30 seconds", hint="use fewer workers"
        ) from error


def _reason(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:300]


def _advice(error: DBAPIError) -> str:
    text = str(error.orig).lower()
    if "statement timeout" in text:
        return "a statement took longer than database.statement_timeout; see what else the server is doing"
    if "full" in text:
        return "free some space; nothing was half written"
    if "locked" in text:
        return "another process has been writing for over 30 seconds; try again when it is done"
    if "readonly" in text or "unable to open" in text:
        return "check that the folder exists and may be written by this user"
    return "check database.url, and that the server runs"


class Database:
    """Transactions on one engine; what every table's class is given."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shown = engine.url.render_as_string(hide_password=True)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent read."""
        with explained(self._shown), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing."""
        with (
            explained(self._shown),
            self._engine.connect().execution_options(newsletter_writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextlib.contextmanager
    def one_statement(self) -> Iterator[Connection]:
        """One statement that is a transaction by itself: to begin and to commit would be two more journeys."""
        if self._engine.dialect.name == "sqlite":
            with self.writing() as connection:
                yield connection
        else:
            options = {"isolation_level": "AUTOCOMMIT"}
            with explained(self._shown), self._engine.connect().execution_options(**options) as connection:
                yield connection


def take_turns(connection: Connection, lock: int) -> None:
    """Wait until no other transaction holds a lock, and hold it until this one ends."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def driver(connection: Connection) -> Any:
    """Give the database driver's own connection, for those who keep tables of their own beside ours."""
    return connection.connection.driver_connection


def insert_ignore(connection: Connection, table: sa.Table) -> Any:
    """Give an INSERT that leaves rows alone which are there already (ON CONFLICT DO NOTHING)."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def migrate(engine: Engine) -> None:
    """Bring the database to this version's schema; does nothing where it is there already.

    Processes that do this at the same time (all that start with a new database) wait for one another.
    """
    from alembic import command  # noqa: PLC0415  lazy: 0.2 s that only migrations need
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with _alembic, Database(engine).writing() as connection:
        take_turns(connection, _MIGRATION_LOCK)
        version = _version(connection)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:  # the version is none of ours
            raise _unknown_version(engine, version) from error
        row = {"name": f"{_OLDEST}{schema.REVISION}", "value": schema.OLDEST_PROGRAM}
        connection.execute(insert_ignore(connection, schema.installation), row)


def check_schema(engine: Engine, *, as_it_is: bool = False) -> None:
    """Make the tables of an empty database, or refuse it (`as_it_is`).

    Refuse one that another version made, but for a newer one that says that this one may go on with it.
    """
    with Database(engine).reading() as connection:
        version = _version(connection)
        ours = version == schema.REVISION or (version is not None and _allows_us(connection, version))
    if version is None and as_it_is:
        raise EmptyDatabaseError(
            f"the database {_shown(engine)} is empty",
            hint="the first command that keeps something makes its tables, `newsletter ingest` for instance",
        )
    if version is None:
        migrate(engine)
    elif not ours:
        raise _unknown_version(engine, version)


def _allows_us(connection: Connection, version: str) -> bool:
    """Tell whether a newer version, which made the schema, has left it fit for this one."""
    if version <= schema.REVISION or not sa.inspect(connection).has_table("installation"):
        return False
    said = schema.installation.c.name == f"{_OLDEST}{version}"
    oldest: str | None = connection.execute(sa.select(schema.installation.c.value).where(said)).scalar()
    return oldest is not None and oldest <= schema.REVISION


def _version(connection: Connection) -> str | None:
    """Give the schema's revision, None for an empty database. Raises StoreError for another program's."""
    tables = set(sa.inspect(connection).get_table_names())
    version: str | None = None
    if "alembic_version" in tables:  # another program may use Alembic too, and number its revisions as we do
        version = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    ours = set(schema.metadata.tables)
    if (version is None and tables & ours) or _of_version(version) - tables:
        raise StoreError(
            f"the database {_shown(connection.engine)} holds tables that are not ours",
            hint="give newsletter a database (or a PostgreSQL schema) of its own",
        )
    return version


def _of_version(version: str | None) -> set[str]:
    """Give the tables that a database of one of our revisions has; none for what is no revision of ours."""
    if version is None or not schema.FIRST_REVISION <= version <= schema.REVISION:
        return set()
    return {table for table in schema.metadata.tables if schema.ADDED.get(table, schema.FIRST_REVISION) <= version}


def _unknown_version(engine: Engine, version: str | None) -> StoreError:
    older = version is not None and version < schema.REVISION
    return StoreError(
        f"the database {_shown(engine)} is at schema {version}, this program needs {schema.REVISION}",
        hint="run `newsletter migrate`"
        if older
        else "install the version of newsletter that made it, or give newsletter a database of its own",
    )


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
