"""Papers by their words: SQLite's FTS5 and PostgreSQL's tsvector behind one method.

Migration 0007 makes the index, and triggers keep it. Words are compared without case and accents, and found by how
they begin ("robot" finds "robotics").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from newsletter.store.engine import Database

_FEW = 10
_MOST_RANKED = 1000  # of a word that stands in half of all papers only the newest are ranked
_WORD = re.compile(r"[^\W_]+")
# A hit in the title counts most, then one among the authors.
# What is no news is taken out of the few that are left: a row of `papers` is long, and reading thousands takes longest.
_SQLITE = """
SELECT f.key FROM (
  SELECT rowid AS key, bm25(paper_index, 8.0, 1.0, 4.0) AS worth FROM paper_index
  WHERE paper_index MATCH :words AND rowid > :above ORDER BY worth, rowid DESC LIMIT :most + 100
) AS f JOIN papers AS p ON p.key = f.key WHERE p.announced AND p.same_as IS NULL
ORDER BY f.worth, f.key DESC LIMIT :most
"""
_SQLITE_ABOVE = """
SELECT coalesce(min(rowid), 0) FROM
(SELECT rowid FROM paper_index WHERE paper_index MATCH :words ORDER BY rowid DESC LIMIT :ranked)
"""
# Ranking goes through all that begins so once more for each word, which takes three times as long.
_SQLITE_NEWEST = """
SELECT f.key FROM (
  SELECT rowid AS key FROM paper_index WHERE paper_index MATCH :words ORDER BY rowid DESC LIMIT :most + 100
) AS f JOIN papers AS p ON p.key = f.key WHERE p.announced AND p.same_as IS NULL ORDER BY f.key DESC LIMIT :most
"""
_POSTGRESQL = """
SELECT f.paper_key FROM (
  SELECT i.paper_key, i.words FROM paper_index AS i JOIN papers AS p ON p.key = i.paper_key
  WHERE i.words @@ to_tsquery('simple', :words) AND p.announced AND p.same_as IS NULL
  ORDER BY i.paper_key DESC LIMIT :ranked
) AS f
ORDER BY ts_rank('{0.1, 0.2, 0.4, 1.0}', f.words, to_tsquery('simple', :words), 1) DESC, f.paper_key DESC LIMIT :most
"""
_POSTGRESQL_NEWEST = """
SELECT i.paper_key FROM paper_index AS i JOIN papers AS p ON p.key = i.paper_key
WHERE i.words @@ to_tsquery('simple', :words) AND p.announced AND p.same_as IS NULL
ORDER BY i.paper_key DESC LIMIT :most
"""


class Search:
    """Reads only, and finds only what is news: what stands in somebody's library is nobody else's business."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keys(self, words: Sequence[str], most: int) -> list[int]:
        """Give the keys of papers that have all words, those that fit best first; [] where there is no word.

        Where few have the words themselves, those follow whose titles have words that begin with them, newest first;
        and where these are few, too, those that have such words anywhere.
        """
        wanted = [word for text in words for word in _WORD.findall(_folded(text))]
        if not wanted:
            return []
        with self._database.reading() as connection:
            found = _ranked(connection, wanted, most)
            for title in (True, False):
                if len(found) < _FEW:
                    found = list(dict.fromkeys([*found, *_beginning(connection, wanted, most, title=title)]))
            return found[:most]


def _ranked(connection: Connection, words: Sequence[str], most: int) -> list[int]:
    """Give who has all words, those that fit best first."""
    if connection.dialect.name == "postgresql":
        told = {"words": " & ".join(words), "most": most, "ranked": _MOST_RANKED}
        return list(connection.scalars(sa.text(_POSTGRESQL), told))
    quoted = {"words": " ".join(f'"{word}"' for word in words)}
    above = connection.scalar(sa.text(_SQLITE_ABOVE), {**quoted, "ranked": _MOST_RANKED}) - 1
    return list(connection.scalars(sa.text(_SQLITE), {**quoted, "most": most, "above": above}))


def _beginning(connection: Connection, words: Sequence[str], most: int, *, title: bool) -> list[int]:
    """Give who has words that begin with these, in the title or anywhere, newest first."""
    if connection.dialect.name == "postgresql":  # A is the weight of what stands in the title
        told = {"words": " & ".join(f"{word}:*{'A' if title else ''}" for word in words), "most": most}
        return list(connection.scalars(sa.text(_POSTGRESQL_NEWEST), told))
    all_of = " AND ".join(f'"{word}"*' for word in words)
    told = {"words": f"{{title}} : ({all_of})" if title else all_of, "most": most}
    return list(connection.scalars(sa.text(_SQLITE_NEWEST), told))


def _folded(text: str) -> str:
    """Give a text as both indexes have it: in small letters, without accents; ß stays ß."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).lower()
