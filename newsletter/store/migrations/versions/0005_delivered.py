"""The queue in the order it is worked off, how long a server took, and suppressions that a person lifted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.drop_index("ix_deliveries_due", "deliveries")
    op.create_index("ix_deliveries_due", "deliveries", ["state", "next_attempt_at", "key"])
    op.add_column("deliveries", sa.Column("seconds", sa.Float(), nullable=True))
    op.create_table(
        "lifted",
        sa.Column("key", KEY, nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("suppressed_for", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_lifted"),
    )
    op.create_index("ix_lifted_address_hash", "lifted", ["address_hash"])
