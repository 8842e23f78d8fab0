"""The tables. `migrations/` brings a database to them; a test holds that both say the same.

Surrogate integer keys inside, public ids outside. Times are UTC; what only travels with its row (an author list, a
pick's reasons) is JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import BigInteger, TypeEngine

from newsletter.model import Shard

REVISION = "0011"
FIRST_REVISION = "0001"
# The oldest revision whose programs go on working on this schema: one that only adds leaves it as it was, so that
# workers are renewed one after the other while mail goes out (docs/operations.md).
OLDEST_PROGRAM = "0009"
# Tables that the first revision did not have.
ADDED = {
    "summaries": "0002",
    "bounces": "0003",
    "consents": "0004",
    "attempts": "0004",
    "lifted": "0005",
    "address_changes": "0007",
    "api_keys": "0007",
    "webhooks": "0007",
    "webhook_calls": "0007",
    "acts": "0008",
    "allowances": "0009",
    "outbox": "0010",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime. SQLite has no zones: there it is kept as naive UTC and read back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values (they would be somebody's local time) and bring the others to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime cannot be stored: {value}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the value back aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


# Keys of papers, subscribers, issues and deliveries stand in signed links and bounce addresses: SQLite is not to give
# one again after its row was deleted (AUTOINCREMENT), or an old link would mean somebody else.
Key: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER PRIMARY KEY counts up by itself
Json: TypeEngine[Any] = JSON().with_variant(JSONB(), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

papers = Table(
    "papers",
    metadata,
    Column("key", Key, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("abstract", Text, nullable=False),
    Column("authors", Json, nullable=False),
    Column("categories", Json, nullable=False),
    Column("url", Text, nullable=False),
    Column("arxiv_id", String(40), nullable=False),
    Column("doi", Text, nullable=False),
    Column("published_at", UtcDateTime),
    Column("first_seen_at", UtcDateTime, nullable=False, index=True),
    Column("upvotes", Integer),
    Column("repository", Text, nullable=False),
    Column("project_page", Text, nullable=False),
    Column("thumbnail", Text, nullable=False),
    # False: no source has announced it, it stands in a reader's library. `first_seen_at` is then when that was read.
    Column("announced", Boolean, nullable=False, server_default=true()),
    # The paper that this one turned out to be. The row stays for the editions that picked it.
    Column("same_as", Key),
    sqlite_autoincrement=True,
)
# Few papers are another, and whoever looks for those looks for them alone.
Index(
    "ix_papers_same_as",
    papers.c.same_as,
    sqlite_where=papers.c.same_as.is_not(None),
    postgresql_where=papers.c.same_as.is_not(None),
)

# All names a paper goes by. Two papers may share a title, so the name alone is no key.
paper_names = Table(
    "paper_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paper_key", Key, ForeignKey("papers.key", ondelete="CASCADE"), primary_key=True, index=True),
)

announcements = Table(
    "announcements",
    metadata,
    Column("paper_key", Key, ForeignKey("papers.key", ondelete="CASCADE"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("day", Date),
    Column("seen_at", UtcDateTime, nullable=False),
)

# How each configured source has been doing. `etag`, `last_modified` and `url` make the next request conditional.
sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("last_modified", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("last_success_at", UtcDateTime),
    Column("retry_at", UtcDateTime),
)

# By the text's hash, not by the paper: a corrected abstract gets a new vector, equal texts share one, and the strings
# of profiles and topics are cached in the same way.
vectors = Table(
    "vectors",
    metadata,
    Column("encoder", String(60), primary_key=True),
    Column("text_hash", String(44), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

# What a model wrote about a text; '' where it wrote nothing of use, so that it is not asked again.
summaries = Table(
    "summaries",
    metadata,
    Column("model", Text, primary_key=True),
    Column("text_hash", String(44), primary_key=True),
    Column("summary", Text, nullable=False),
)

OF_FILE = "file"
subscribers = Table(
    "subscribers",
    metadata,
    Column("key", Key, primary_key=True),
    Column("public_id", String(40), nullable=False, unique=True),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False, unique=True),  # folded: nobody is subscribed twice
    Column("name", Text, nullable=False),
    Column("status", String(20), nullable=False, index=True),
    Column("cadence", String(20), nullable=False),
    Column("timezone", String(60), nullable=False),
    Column("hour", Integer, nullable=False),
    Column("papers", Integer, nullable=False),
    Column("language", String(20), nullable=False),
    Column("quiet", String(20), nullable=False, server_default="note"),
    Column("profile", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # A pause that ends by itself.
    Column("paused_until", UtcDateTime),
    # OF_FILE: kept in step with the operator's file of subscribers, which changes no "person" who came otherwise.
    Column("origin", String(20), nullable=False, server_default="person"),
    # When they last changed the cadence by themselves, on a page; empty: it is as they, or the operator, began.
    Column("cadence_chosen_at", UtcDateTime),
    sqlite_autoincrement=True,
)

# Who is mailed. Conditions of partial indexes are written out, never sent as parameters: a planner that does not know
# the values cannot tell that the index holds all that is asked for.
IS_ACTIVE = subscribers.c.status == literal_column("'active'")
Index(
    "ix_subscribers_mailed",
    subscribers.c.cadence,
    subscribers.c.key,
    sqlite_where=IS_ACTIVE,
    postgresql_where=IS_ACTIVE,
)

ratings = Table(
    "ratings",
    metadata,
    Column("subscriber_key", Key, ForeignKey("subscribers.key", ondelete="CASCADE"), primary_key=True),
    Column("paper_key", Key, ForeignKey("papers.key", ondelete="CASCADE"), primary_key=True),
    Column("liked", Boolean, nullable=False),
    Column("rated_at", UtcDateTime, nullable=False),
    # True: said of a paper they were shown. False: a paper that they named, or that stands in their library.
    Column("answer", Boolean, nullable=False, server_default=false()),
)

issues = Table(
    "issues",
    metadata,
    Column("key", Key, primary_key=True),
    Column("cadence", String(20), nullable=False),
    Column("day", Date, nullable=False),
    Column("window_start", UtcDateTime, nullable=False),
    Column("window_end", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    # When it had been ranked for all who were to get it; readers who come later wait for the next one.
    Column("ranked_at", UtcDateTime),
    UniqueConstraint("cadence", "window_start"),
    UniqueConstraint("cadence", "day"),
    sqlite_autoincrement=True,
)

editions = Table(
    "editions",
    metadata,
    Column("issue_key", Key, ForeignKey("issues.key", ondelete="CASCADE"), primary_key=True),
    Column("subscriber_key", Key, ForeignKey("subscribers.key", ondelete="CASCADE"), primary_key=True),
    Column("picks", Json, nullable=False),
    # Where it begins: before its issue does, for a reader who missed some. Empty: with its issue.
    Column("since", UtcDateTime),
    Index("ix_editions_subscriber_key_issue_key", "subscriber_key", "issue_key"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("key", Key, primary_key=True),
    Column("issue_key", Key, ForeignKey("issues.key", ondelete="CASCADE"), nullable=False),
    Column("subscriber_key", Key, ForeignKey("subscribers.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("lease_owner", String(100), nullable=False),
    Column("leased_until", UtcDateTime),
    Column("message_id", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("seconds", Float),  # that the last try took, from the first command to the last reply
    UniqueConstraint("issue_key", "subscriber_key"),
    sqlite_autoincrement=True,
)

# Rows that wait for their turn, in the order of it; of the many that are done none is looked at.
WAITS = and_(
    deliveries.c.state.in_([literal_column(f"'{state}'") for state in ("queued", "deferred", "uncertain")]),
    deliveries.c.next_attempt_at.is_not(None),
)
Index(
    "ix_deliveries_waiting",
    deliveries.c.issue_key,
    deliveries.c.next_attempt_at,
    deliveries.c.subscriber_key,
    sqlite_where=WAITS,
    postgresql_where=WAITS,
)
# Rows that a sender has in hand.
IN_HAND = deliveries.c.lease_owner != literal_column("''")
Index("ix_deliveries_in_hand", deliveries.c.lease_owner, sqlite_where=IN_HAND, postgresql_where=IN_HAND)
# For counting an issue's rows by state, and for what was refused.
Index("ix_deliveries_issue_key_state", deliveries.c.issue_key, deliveries.c.state)

# Mails that came back, each once. `counted`: it adds to the score by which soft bounces suppress an address.
bounces = Table(
    "bounces",
    metadata,
    Column("message_hash", String(64), primary_key=True),
    Column("delivery_key", Key, ForeignKey("deliveries.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("subscriber_key", Key, ForeignKey("subscribers.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("status", String(20), nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
)

# Only a keyed hash of the address, so that the entry outlives the erasure of the person's data.
suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", String(64), primary_key=True),
    Column("reason", String(40), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
)

# Suppressions that a person took back, and why.
lifted = Table(
    "lifted",
    metadata,
    Column("key", Key, primary_key=True),
    Column("address_hash", String(64), nullable=False, index=True),
    Column("suppressed_for", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("lifted_at", UtcDateTime, nullable=False),
)

# Who agreed to be mailed, when, to which words, and from where (a keyed hash). `wishes` is what they asked for, until
# they confirm it.
consents = Table(
    "consents",
    metadata,
    Column("key", Key, primary_key=True),
    Column("subscriber_key", Key, ForeignKey("subscribers.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("wording", Text, nullable=False),
    Column("origin_hash", String(64), nullable=False),
    Column("wishes", Json, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("confirmed_origin_hash", String(64), nullable=False),
)

# An address that a subscriber wants to change to: it takes both ends to say yes.
address_changes = Table(
    "address_changes",
    metadata,
    Column("key", Key, primary_key=True),
    Column("subscriber_key", Key, ForeignKey("subscribers.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("email", String(320), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("old_confirmed_at", UtcDateTime),
    Column("new_confirmed_at", UtcDateTime),
    Column("done_at", UtcDateTime),
)

# Who may use the API, by the hash of a key that only they have.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key", Key, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# Addresses that are told what happens, and what each is still to be told. `next_attempt_at` is None: no more.
webhooks = Table(
    "webhooks",
    metadata,
    Column("key", Key, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", String(100), nullable=False),
    Column("events", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

webhook_calls = Table(
    "webhook_calls",
    metadata,
    Column("key", Key, primary_key=True),
    Column("webhook_key", Key, ForeignKey("webhooks.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("event", String(40), nullable=False),
    Column("data", Json, nullable=False),
    Column("happened_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime, index=True),
    Column("response", Text, nullable=False),
)

# Single mails that have not left yet (store.outbox). Nothing of one is kept when it has.
outbox = Table(
    "outbox",
    metadata,
    Column("key", Key, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("envelope_sender", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime, nullable=False, index=True),
    Column("response", Text, nullable=False),
)

# What is limited, as keyed hashes; kept for a day.
attempts = Table(
    "attempts",
    metadata,
    Column("key", Key, primary_key=True),
    Column("bucket", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Index("ix_attempts_bucket_at", "bucket", "at"),
)

# How many messages were let go of in the last slots of each window (store.allowances).
allowances = Table(
    "allowances",
    metadata,
    Column("scope", String(300), primary_key=True),
    Column("taken", Json, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False, index=True),
)

# What is done once whoever does it, and when it was.
acts = Table(
    "acts",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

# What an installation makes for itself once: the signing secret where none is set.
installation = Table(
    "installation",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)


def within(key: ColumnElement[int], shard: Shard) -> tuple[ColumnElement[bool], ...]:
    """Give what is so of the subscribers' keys in a shard."""
    return (key > shard.after, *(() if shard.upto is None else (key <= shard.upto,)))
