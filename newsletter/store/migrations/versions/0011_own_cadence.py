"""When a reader last chose by themselves how often they are mailed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("cadence_chosen_at", sa.DateTime(timezone=True), nullable=True))
    # Nobody knows who paused them. It is taken for their own wish: who is not mailed by mistake can be mailed again.
    op.execute("UPDATE subscribers SET cadence_chosen_at = CURRENT_TIMESTAMP WHERE cadence = 'paused'")
