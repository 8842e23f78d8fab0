"""Mails that came back."""

import sqlalchemy as sa
from alembic import op

from newsletter.store.schema import UtcDateTime

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bounces",
        sa.Column("message_hash", sa.String(length=64), nullable=False),
        sa.Column("delivery_key", KEY, nullable=False),
        sa.Column("subscriber_key", KEY, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_key"], ["deliveries.key"], name="fk_bounces_delivery_key", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_key"], ["subscribers.key"], name="fk_bounces_subscriber_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_hash", name="pk_bounces"),
    )
    for column in ("delivery_key", "subscriber_key"):
        op.create_index(f"ix_bounces_{column}", "bounces", [column])
