"""The schedule: issues ranked for all, where an edition begins, acts that are done once, who came by a file."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("issues", sa.Column("ranked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("editions", sa.Column("since", sa.DateTime(timezone=True), nullable=True))
    origin = sa.Column("origin", sa.String(length=20), server_default="person", nullable=False)
    op.add_column("subscribers", origin)
    op.create_table(
        "acts",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_acts"),
    )
    # Issues of before are done with; what their deliveries wait for is their own affair.
    op.execute("UPDATE issues SET ranked_at = opened_at")
