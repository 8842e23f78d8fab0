"""Summaries that a model wrote, kept by model and text, so that nothing is ever written twice."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from newsletter.store.batches import batches
from newsletter.store.bulk import among
from newsletter.store.engine import Database, insert_ignore
from newsletter.store.schema import summaries


class Summaries:
    """One line a text; '' where the model wrote nothing of use."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, model: str, text_hashes: Iterable[str]) -> dict[str, str]:
        """Give the summaries that are known, by text hash."""
        found: dict[str, str] = {}
        with self._database.reading() as connection:
            for some in batches(text_hashes):
                rows = connection.execute(
                    sa.select(summaries.c.text_hash, summaries.c.summary).where(
                        summaries.c.model == model, among(summaries.c.text_hash, some)
                    )
                )
                found.update((row.text_hash, row.summary) for row in rows)
        return found

    def save(self, model: str, text_hash: str, summary: str) -> None:
        """Keep a summary; one that is there already stays."""
        row = {"model": model, "text_hash": text_hash, "summary": summary}
        with self._database.writing() as connection:
            connection.execute(insert_ignore(connection, summaries), row)
