"""Two stored papers that turned out to be one: everything that refers to the one is made to refer to the other."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from newsletter.store.engine import insert_ignore
from newsletter.store.schema import announcements, paper_names, papers, ratings


def absorb(connection: Connection, gone: int, kept: int) -> None:
    """Move names, announcements and ratings to the paper that is kept, where it has not got them already.

    The row itself stays, without a name: editions that picked it hold its key.
    """
    for table in (paper_names, announcements, ratings):
        columns = [column for column in table.columns if column.name != "paper_key"]
        rows = sa.select(sa.literal(kept), *columns).where(table.c.paper_key == gone)
        names = ["paper_key", *(column.name for column in columns)]
        connection.execute(insert_ignore(connection, table).from_select(names, rows))
        connection.execute(table.delete().where(table.c.paper_key == gone))
    connection.execute(papers.update().where(papers.c.same_as == gone).values(same_as=kept))
    connection.execute(papers.update().where(papers.c.key == gone).values(same_as=kept, id=f"same:{gone}"))


def absorbed(connection: Connection, keys: Collection[int] | None = None) -> dict[int, int]:
    """Give the papers (of `keys`, or all) that turned out to be others, key by key."""
    query = sa.select(papers.c.key, papers.c.same_as).where(papers.c.same_as.is_not(None))
    if keys is not None:
        query = query.where(papers.c.key.in_(keys))
    return {row.key: row.same_as for row in connection.execute(query)}
