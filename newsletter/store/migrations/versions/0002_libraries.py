"""Papers that only a library names, papers that turned out to be another, answers apart from named papers, and what
subscribers want on quiet days.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Columns are added, the table is not copied: on SQLite dropping the old one would empty all that refer to it.
    op.add_column("papers", sa.Column("announced", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("papers", sa.Column("same_as", KEY, nullable=True))
    few = sa.text("same_as IS NOT NULL")
    op.create_index("ix_papers_same_as", "papers", ["same_as"], sqlite_where=few, postgresql_where=few)
    op.add_column("ratings", sa.Column("answer", sa.Boolean(), server_default=sa.false(), nullable=False))
    quiet = sa.Column("quiet", sa.String(length=20), server_default="note", nullable=False)
    op.add_column("subscribers", quiet)
    op.create_table(
        "summaries",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.String(length=44), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model", "text_hash", name="pk_summaries"),
    )
