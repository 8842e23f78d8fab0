"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_installation"),
    )
    op.create_table(
        "issues",
        sa.Column("key", KEY, nullable=False),
        sa.Column("cadence", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_issues"),
        sa.UniqueConstraint("cadence", "day", name="uq_issues_cadence_day"),
        sa.UniqueConstraint("cadence", "window_start", name="uq_issues_cadence_window_start"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "papers",
        sa.Column("key", KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=False),
        sa.Column("authors", JSON, nullable=False),
        sa.Column("categories", JSON, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("arxiv_id", sa.String(length=40), nullable=False),
        sa.Column("doi", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("upvotes", sa.Integer(), nullable=True),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("project_page", sa.Text(), nullable=False),
        sa.Column("thumbnail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_papers"),
        sa.UniqueConstraint("id", name="uq_papers_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_papers_first_seen_at", "papers", ["first_seen_at"])

    op.create_table(
        "subscribers",
        sa.Column("key", KEY, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("cadence", sa.String(length=20), nullable=False),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("profile", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_subscribers"),
        sa.UniqueConstraint("address", name="uq_subscribers_address"),
        sa.UniqueConstraint("public_id", name="uq_subscribers_public_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscribers_status", "subscribers", ["status"])

    op.create_table(
        "suppressions",
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name="pk_suppressions"),
    )
    op.create_table(
        "vectors",
        sa.Column("encoder", sa.String(length=60), nullable=False),
        sa.Column("text_hash", sa.String(length=44), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("encoder", "text_hash", name="pk_vectors"),
    )
    op.create_table(
        "announcements",
        sa.Column("paper_key", KEY, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["paper_key"], ["papers.key"], name="fk_announcements_paper_key", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("paper_key", "source", name="pk_announcements"),
    )
    op.create_table(
        "deliveries",
        sa.Column("key", KEY, nullable=False),
        sa.Column("issue_key", KEY, nullable=False),
        sa.Column("subscriber_key", KEY, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(length=100), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["issue_key"], ["issues.key"], name="fk_deliveries_issue_key", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["subscriber_key"], ["subscribers.key"], name="fk_deliveries_subscriber_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_deliveries"),
        sa.UniqueConstraint("issue_key", "subscriber_key", name="uq_deliveries_issue_key_subscriber_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "next_attempt_at"])
    op.create_index("ix_deliveries_subscriber_key", "deliveries", ["subscriber_key"])

    op.create_table(
        "editions",
        sa.Column("issue_key", KEY, nullable=False),
        sa.Column("subscriber_key", KEY, nullable=False),
        sa.Column("picks", JSON, nullable=False),
        sa.ForeignKeyConstraint(["issue_key"], ["issues.key"], name="fk_editions_issue_key", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["subscriber_key"], ["subscribers.key"], name="fk_editions_subscriber_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_key", "subscriber_key", name="pk_editions"),
    )
    op.create_index("ix_editions_subscriber_key", "editions", ["subscriber_key"])

    op.create_table(
        "paper_names",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paper_key", KEY, nullable=False),
        sa.ForeignKeyConstraint(["paper_key"], ["papers.key"], name="fk_paper_names_paper_key", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name", "paper_key", name="pk_paper_names"),
    )
    op.create_index("ix_paper_names_paper_key", "paper_names", ["paper_key"])

    op.create_table(
        "ratings",
        sa.Column("subscriber_key", KEY, nullable=False),
        sa.Column("paper_key", KEY, nullable=False),
        sa.Column("liked", sa.Boolean(), nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["paper_key"], ["papers.key"], name="fk_ratings_paper_key", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["subscriber_key"], ["subscribers.key"], name="fk_ratings_subscriber_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscriber_key", "paper_key", name="pk_ratings"),
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_sources"),
    )
