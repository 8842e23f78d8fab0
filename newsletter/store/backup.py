"""Backups while everything runs, and back again: SQLite files of SQLite, and what pg_dump writes of PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from newsletter.errors import StoreError, in_words
from newsletter.store import schema
from newsletter.store.engine import check_schema, open_engine

_SQLITE = b"SQLite format 3\0"
_PG_DUMP = b"PGDMP"
_OTHER_KIND = "database.url must name a database of the kind that the backup was made of"


def save(url: str, path: Path) -> int:
    """Write a backup of a database, verify it, and give its size in bytes. It appears under its name when it is whole.

    Raises StoreError: the database or the file cannot be used, the copy is damaged, a program is missing.
    """
    if path.exists():
        raise StoreError(f"{path} is there already", hint="move it away, or name another file")
    engine = open_engine(url, as_it_is=True)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        raise StoreError(f"there is no database {engine.url.database}", hint="check database.url, and where you are")
    try:
        check_schema(engine, as_it_is=True)
    finally:
        engine.dispose()
    part = path.with_name(f"{path.name}.part")
    try:
        part.touch(mode=0o600)  # it holds addresses, and the secret
        if engine.dialect.name == "sqlite":
            with _file(engine.url.database or "") as source, _file(str(part)) as copy:
                source.backup(copy, pages=1000, sleep=0.01)
                copy.execute("PRAGMA journal_mode = DELETE")
            _check(part)
        else:
            _run("pg_dump", ("--format=custom", "--no-owner", "--no-privileges", f"--file={part}"), engine.url)
            _run("pg_restore", ("--list", str(part)), None)
        with part.open("rb") as handle:
            os.fsync(handle.fileno())
        part.rename(path)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot write the backup {path}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def load(url: str, path: Path, *, overwrite: bool) -> None:
    """Put a backup into a database; where that holds something, only to `overwrite` it. All of it, or nothing.

    Raises StoreError: the file is no backup of this kind of database, or damaged; the database holds something.
    """
    kind = _kind(path)
    engine = open_engine(url, as_it_is=True)
    try:
        if kind != engine.dialect.name:
            raise StoreError(f"{path} is a backup of {kind}, the database is {engine.dialect.name}", hint=_OTHER_KIND)
        if not overwrite and _holds_something(engine):
            raise StoreError(
                f"the database {engine.url.render_as_string(hide_password=True)} holds something",
                hint="--overwrite replaces all of it; `newsletter backup` keeps it first",
            )
    finally:
        engine.dispose()
    if kind == "sqlite":
        _check(path)
        try:
            with _file(str(path)) as source, _file(engine.url.database or "") as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise StoreError(f"cannot write {engine.url.database}: {error}", hint="stop what uses it") from error
        return
    words = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run("pg_restore", (*words, str(path)), engine.url)


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            begins = handle.read(16)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {in_words(error)}") from error
    if begins.startswith(_PG_DUMP):
        return "postgresql"
    if begins == _SQLITE:
        return "sqlite"
    raise StoreError(f"{path} is no backup", hint="`newsletter backup` makes one")


def _holds_something(engine: sa.Engine) -> bool:
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return False
    with engine.connect() as connection:
        return bool(set(sa.inspect(connection).get_table_names()) & set(schema.metadata.tables))


@contextlib.contextmanager
def _file(name: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(name, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def _check(path: Path) -> None:
    """Read a whole copy. Raises StoreError where it is damaged, or of another program."""
    try:
        with _file(f"{path}") as copy:
            [said] = copy.execute("PRAGMA integrity_check(1)").fetchone()
            broken = copy.execute("PRAGMA foreign_key_check").fetchone()
            copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path} is damaged, or no backup of a newsletter: {error}") from error
    if said != "ok" or broken:
        raise StoreError(f"{path} is damaged: {said if said != 'ok' else 'rows that refer to nothing'}")


def _run(program: str, words: Sequence[str], url: sa.URL | None) -> None:
    found = shutil.which(program)
    if found is None:
        raise StoreError(
            f"{program} is not installed", hint="it comes with PostgreSQL's client programs (postgresql-client)"
        )
    environment = dict(os.environ)
    if url is not None:
        plain = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
        words = (*words, f"--dbname={plain.render_as_string()}")
        environment |= {"PGPASSWORD": str(url.password)} if url.password else {}  # not where `ps` shows it
    done = subprocess.run([found, *words], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StoreError(f"{program} failed: {' '.join(done.stderr.split())[:400]}")
