"""Summaries that a model wrote."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "summaries",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.String(length=44), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model", "text_hash", name="pk_summaries"),
    )
