"""Indexes for a million subscribers, and allowances that all senders share."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
ACTIVE = sa.text("status = 'active'")
WAITS = sa.text("state IN ('queued', 'deferred', 'uncertain') AND next_attempt_at IS NOT NULL")
IN_HAND = sa.text("lease_owner != ''")


def upgrade() -> None:
    op.create_index(
        "ix_subscribers_mailed", "subscribers", ["cadence", "key"], sqlite_where=ACTIVE, postgresql_where=ACTIVE
    )
    # Also for a reader's last edition, which is found without a look at the others.
    op.create_index("ix_editions_subscriber_key_issue_key", "editions", ["subscriber_key", "issue_key"])
    op.drop_index("ix_editions_subscriber_key", "editions")
    op.drop_index("ix_deliveries_due", "deliveries")
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["issue_key", "next_attempt_at", "subscriber_key"],
        sqlite_where=WAITS,
        postgresql_where=WAITS,
    )
    op.create_index(
        "ix_deliveries_in_hand", "deliveries", ["lease_owner"], sqlite_where=IN_HAND, postgresql_where=IN_HAND
    )
    op.create_index("ix_deliveries_issue_key_state", "deliveries", ["issue_key", "state"])
    op.create_table(
        "allowances",
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("taken", JSON, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_allowances"),
    )
    op.create_index("ix_allowances_changed_at", "allowances", ["changed_at"])
