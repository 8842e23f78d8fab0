"""What people agreed to, and how often they tried: sign-up by the web pages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "consents",
        sa.Column("key", KEY, nullable=False),
        sa.Column("subscriber_key", KEY, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("origin_hash", sa.String(length=64), nullable=False),
        sa.Column("wishes", JSON, nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_origin_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_consents"),
        sa.ForeignKeyConstraint(
            ["subscriber_key"], ["subscribers.key"], name="fk_consents_subscriber_key", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_consents_subscriber_key", "consents", ["subscriber_key"])
    op.create_table(
        "attempts",
        sa.Column("key", KEY, nullable=False),
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempts"),
    )
    op.create_index("ix_attempts_bucket_at", "attempts", ["bucket", "at"])
    op.create_index("ix_attempts_at", "attempts", ["at"])
