"""Many rows, or many keys, in one statement: they travel as one JSON document, which the database takes apart.

So the statement is the same for any number, and is built once. An array for each column of PostgreSQL would take five
times as long, as psycopg escapes each text in it by regular expressions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from newsletter.store.engine import insert_ignore

ROWS = "rows"  # the parameter that holds rows


def _told(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} cannot stand in a document")
    if value.tzinfo is None:
        raise ValueError(f"a naive datetime cannot be stored: {value}")
    return value.astimezone(UTC).isoformat()


class _Document(sa.TypeDecorator[Any]):
    """Rows or keys, which travel as JSON."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        """Give the document."""
        return json.dumps(value, default=_told, separators=(",", ":"))


class _Elements(FunctionElement[Any]):
    """The elements of a JSON array, as a table with the column `value`."""

    name = "elements"
    inherit_cache = True


@compiles(_Elements, "sqlite")
def _elements_of_sqlite(element: _Elements, compiler: SQLCompiler, **how: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **how)})"


@compiles(_Elements, "postgresql")
def _elements_of_postgresql(element: _Elements, compiler: SQLCompiler, **how: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(element.clauses, **how)} AS JSONB))"


def among(column: sa.ColumnElement[Any], values: Iterable[int] | Iterable[str] | str) -> sa.ColumnElement[bool]:
    """Tell that a column is one of some numbers or texts, or of those that a parameter of this name will hold."""
    kind = _Document()
    given = sa.bindparam(values, type_=kind) if isinstance(values, str) else sa.literal(list(values), kind)
    value = _Elements(given).table_valued("value").c.value
    return column.in_(sa.select(sa.cast(value, column.type)))


def recordset(columns: Mapping[str, TypeEngine[Any]]) -> sa.TableValuedAlias:
    """Give the rows that the parameter `ROWS` will hold, on PostgreSQL, as a table of these columns."""
    document = sa.cast(sa.bindparam(ROWS, type_=_Document()), JSONB)
    named = [sa.column(name, kind) for name, kind in columns.items()]
    return sa.func.jsonb_to_recordset(document).table_valued(*named).render_derived(with_types=True)


def insert_new(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, all with the same columns; those that are there already stay as they are."""
    if not rows:
        return
    statement = insert_ignore(connection, table)
    if connection.dialect.name == "sqlite":  # a statement for each row is no journey there
        connection.execute(statement, list(rows))
        return
    given = recordset({name: table.c[name].type for name in rows[0]})
    connection.execute(statement.from_select([*rows[0]], sa.select(given)), {ROWS: rows})
