"""An inverted index of papers' words: FTS5 in SQLite, tsvector in PostgreSQL; triggers keep it."""

from alembic import op

revision = "0006"
down_revision = "0005"


def _names(row: str) -> str:
    return f"(SELECT group_concat(value, ' ') FROM json_each({row}.authors))"


def _folded(text: str) -> str:
    """Without combining marks, as FTS5's tokenizer and `identity.folded` have it."""
    return f"regexp_replace(normalize({text}, NFD), '[\\u0300-\\u036f]', '', 'g')"


def _words(row: str) -> str:
    return f"""setweight(to_tsvector('simple', {_folded(f"{row}.title")}), 'A')
        || setweight(to_tsvector('simple', {_folded(f"left({row}.authors::text, 50000)")}), 'B')
        || setweight(to_tsvector('simple', {_folded(f"left({row}.abstract, 50000)")}), 'D')"""


_ADD = f"""INSERT INTO paper_index(rowid, title, abstract, authors)
    VALUES (new.key, new.title, new.abstract, {_names("new")});"""
_TAKE_OUT = f"""INSERT INTO paper_index(paper_index, rowid, title, abstract, authors)
    VALUES ('delete', old.key, old.title, old.abstract, {_names("old")});"""

# Contentless: the texts stand in `papers`, and FTS5 is told what it forgets.
SQLITE = f"""
CREATE VIRTUAL TABLE paper_index USING fts5(title, abstract, authors, content='',
    prefix='2 3 4', tokenize='unicode61 remove_diacritics 2')
--
INSERT INTO paper_index(rowid, title, abstract, authors)
    SELECT key, title, abstract, {_names("papers")} FROM papers
--
CREATE TRIGGER paper_index_new AFTER INSERT ON papers BEGIN {_ADD} END
--
CREATE TRIGGER paper_index_gone AFTER DELETE ON papers BEGIN {_TAKE_OUT} END
--
CREATE TRIGGER paper_index_changed AFTER UPDATE OF title, abstract, authors ON papers BEGIN {_TAKE_OUT} {_ADD} END
"""

POSTGRESQL = f"""
CREATE TABLE paper_index (paper_key BIGINT PRIMARY KEY REFERENCES papers (key) ON DELETE CASCADE,
    words tsvector NOT NULL)
--
INSERT INTO paper_index SELECT papers.key, {_words("papers")} FROM papers
--
CREATE INDEX paper_index_words ON paper_index USING gin (words)
--
CREATE FUNCTION paper_index_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO paper_index VALUES (new.key, {_words("new")})
    ON CONFLICT (paper_key) DO UPDATE SET words = excluded.words; RETURN NULL; END $$
--
CREATE TRIGGER paper_index_keep AFTER INSERT OR UPDATE OF title, abstract, authors ON papers
    FOR EACH ROW EXECUTE FUNCTION paper_index_keep()
"""


def upgrade() -> None:
    connection = op.get_bind()
    for statement in (SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL).split("--\n"):
        connection.exec_driver_sql(statement)
