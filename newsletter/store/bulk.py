"""Many rows, or many keys, in one statement: the same statement for any number of them, so that it is built once.

Rows travel as one JSON document, which the database takes apart. An array for each column of PostgreSQL would take five
times as long, as psycopg escapes each text in it by regular expressions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from newsletter.store.engine import insert_ignore


class _Document(sa.TypeDecorator[Any]):
    """Rows as a JSON document, with times as the dialect writes them."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        """Give the document."""
        told = _sqlite_time if dialect.name == "sqlite" else _time
        return json.dumps(value, default=told, separators=(",", ":"))


def _time(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} cannot stand in a document")
    if value.tzinfo is None:
        raise ValueError(f"a naive datetime cannot be stored: {value}")
    return value.astimezone(UTC).isoformat(" ", "microseconds")


def _sqlite_time(value: Any) -> str:
    return _time(value).removesuffix("+00:00")


class _Keys(sa.TypeDecorator[Any]):
    """Numbers or texts: an array where there are arrays, else a JSON document."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, one: TypeEngine[Any]) -> None:
        super().__init__()
        self.one = one

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Give what the database knows."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else ARRAY(self.one))

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """Give a list, or the document."""
        return json.dumps(value) if dialect.name == "sqlite" else value


class _Among(FunctionElement[Any]):
    """That the first operand is one of the elements of the second. A Boolean would be compared with 1 on SQLite, which
    then uses no index.
    """

    name = "among"
    inherit_cache = True


@compiles(_Among, "sqlite")
def _among_of_sqlite(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    one, keys = (compiler.process(each, **how) for each in element.clauses)
    return f"{one} IN (SELECT value FROM json_each({keys}))"  # noqa: S608  parts that are compiled


@compiles(_Among, "postgresql")
def _among_of_postgresql(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    one, keys = (compiler.process(each, **how) for each in element.clauses)
    return f"{one} = ANY ({keys})"


def among(column: sa.ColumnElement[Any], values: Iterable[int] | Iterable[str] | str) -> sa.ColumnElement[bool]:
    """Tell that a column is one of some numbers or texts, or of the list that a parameter of this name will hold."""
    kind = _Keys(column.type)
    keys = sa.bindparam(values, type_=kind) if isinstance(values, str) else sa.literal(list(values), kind)
    return _Among(column, keys)


_ROWS, _COUNT = "rows", "row_count"


def given(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the parameters for `recordset`."""
    return {_ROWS: rows, _COUNT: len(rows)}


def recordset(columns: Mapping[str, TypeEngine[Any]], dialect: str) -> sa.Subquery:
    """Give rows that parameters will hold (`given`) as a table of these columns.

    It says how many there are: else PostgreSQL takes one row for a hundred, and reads a whole table for it.
    """
    document = sa.bindparam(_ROWS, type_=_Document())
    if dialect == "sqlite":
        row = sa.func.json_each(document).table_valued("value").c.value
        fields = [sa.func.json_extract(row, f"$.{name}", type_=kind).label(name) for name, kind in columns.items()]
        found = sa.select(*fields)
    else:
        named = [sa.column(name, kind) for name, kind in columns.items()]
        table = sa.func.jsonb_to_recordset(sa.cast(document, JSONB)).table_valued(*named)
        found = sa.select(table.render_derived(with_types=True))
    return found.limit(sa.bindparam(_COUNT, type_=sa.Integer)).subquery()


def insert_new(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, all with the same columns; those that are there already stay as they are."""
    if not rows:
        return
    statement = insert_ignore(connection, table)
    if connection.dialect.name == "sqlite":  # a statement for each row is no journey there
        connection.execute(statement, list(rows))
        return
    table_of = recordset({name: table.c[name].type for name in rows[0]}, connection.dialect.name)
    connection.execute(statement.from_select([*rows[0]], sa.select(table_of)), given(rows))
