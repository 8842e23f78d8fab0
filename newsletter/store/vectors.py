"""Text vectors, cached by encoder and text, so that nothing is ever encoded twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from newsletter.store.batches import batches
from newsletter.store.bulk import among
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.schema import vectors


class Vectors:
    """Vectors as bytes; what the bytes mean is the encoder's business."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, encoder: str, text_hashes: Iterable[str]) -> dict[str, bytes]:
        """Give the vectors that are known, by text hash."""
        found: dict[str, bytes] = {}
        with self._database.reading() as connection:
            for some in batches(text_hashes):
                rows = connection.execute(
                    sa.select(vectors.c.text_hash, vectors.c.vector).where(
                        vectors.c.encoder == encoder, among(vectors.c.text_hash, some)
                    )
                )
                found.update((row.text_hash, row.vector) for row in rows)
        return found

    def counts(self) -> dict[str, int]:
        """Tell how many vectors there are of each encoder."""
        with self._database.reading() as connection:
            return _counts(connection)

    def drop(self, encoder: str) -> int:
        """Delete the vectors of an encoder, and tell how many they were."""
        with self._database.writing() as connection:
            return connection.execute(vectors.delete().where(vectors.c.encoder == encoder)).rowcount

    def drop_others(self, encoder: str) -> dict[str, int]:
        """Delete the vectors of all encoders but one, and tell how many they were of each."""
        with self._database.writing() as connection:
            others = {name: count for name, count in _counts(connection).items() if name != encoder}
            connection.execute(vectors.delete().where(vectors.c.encoder != encoder))
        return others

    def save(self, encoder: str, by_hash: Mapping[str, bytes]) -> None:
        """Keep vectors; those that are there already stay."""
        rows = [{"encoder": encoder, "text_hash": name, "vector": vector} for name, vector in by_hash.items()]
        if rows:
            with self._database.writing() as connection:
                connection.execute(insert_ignore(connection, vectors), rows)


def _counts(connection: Connection) -> dict[str, int]:
    query = sa.select(vectors.c.encoder, sa.func.count().label("kept")).group_by(vectors.c.encoder)
    return {row.encoder: row.kept for row in connection.execute(query.order_by(vectors.c.encoder))}
