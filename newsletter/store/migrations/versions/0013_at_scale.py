"""Indexes for a million subscribers, and allowances that all senders share."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0009"

ACTIVE = sa.text("status = 'active'")
WAITS = sa.text("state IN ('queued', 'deferred', 'uncertain') AND next_attempt_at IS NOT NULL")
IN_HAND = sa.text("lease_owner != ''")


def upgrade() -> None:
    op.create_index(
        "ix_subscribers_mailed", "subscribers", ["cadence", "key"], sqlite_where=ACTIVE, postgresql_where=ACTIVE
    )
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
