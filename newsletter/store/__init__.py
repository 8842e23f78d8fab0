"""Everything that is kept: one `Store`, two dialects (SQLite and PostgreSQL), and its migrations."""

from newsletter.store.store import Store

__all__ = ["Store"]
