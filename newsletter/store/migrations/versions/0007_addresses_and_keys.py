"""Pauses that end by themselves; changes of address that wait for both ends; keys of the API; webhooks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("paused_until", TIME, nullable=True))
    op.create_table(
        "address_changes",
        sa.Column("key", KEY, nullable=False),
        sa.Column("subscriber_key", KEY, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("old_confirmed_at", TIME, nullable=True),
        sa.Column("new_confirmed_at", TIME, nullable=True),
        sa.Column("done_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_address_changes"),
        sa.ForeignKeyConstraint(
            ["subscriber_key"], ["subscribers.key"], name="fk_address_changes_subscriber_key", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_address_changes_subscriber_key", "address_changes", ["subscriber_key"])
    op.create_table(
        "api_keys",
        sa.Column("key", KEY, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_api_keys"),
        sa.UniqueConstraint("name", name="uq_api_keys_name"),
        sa.UniqueConstraint("secret_hash", name="uq_api_keys_secret_hash"),
    )
    op.create_table(
        "webhooks",
        sa.Column("key", KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("events", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_calls",
        sa.Column("key", KEY, nullable=False),
        sa.Column("webhook_key", KEY, nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("response", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_webhook_calls"),
        sa.ForeignKeyConstraint(
            ["webhook_key"], ["webhooks.key"], name="fk_webhook_calls_webhook_key", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_webhook_calls_webhook_key", "webhook_calls", ["webhook_key"])
    op.create_index("ix_webhook_calls_next_attempt_at", "webhook_calls", ["next_attempt_at"])
