"""Alembic's entry point: migrations run on the connection that `store.engine.migrate` hands over."""

from alembic import context

from newsletter.store.schema import metadata

connection = context.config.attributes["connection"]
# SQLite cannot change a column in place; batch mode copies the table.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
