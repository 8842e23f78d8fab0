"""The one store: papers, vectors, subscribers, issues and deliveries over one database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from newsletter.errors import StoreError
from newsletter.store import schema
from newsletter.store.acts import Acts
from newsletter.store.addresses import Addresses
from newsletter.store.allowances import Allowances
from newsletter.store.api_keys import ApiKeys
from newsletter.store.archive import Archive
from newsletter.store.attempts import Attempts
from newsletter.store.bounces import Bounces
from newsletter.store.choices import Choices
from newsletter.store.consents import Consents
from newsletter.store.deliveries import Deliveries
from newsletter.store.engine import Database, check_schema, driver, insert_ignore, migrate, open_engine
from newsletter.store.figures import Figures
from newsletter.store.issues import Issues
from newsletter.store.outbox import Outbox
from newsletter.store.papers import Papers
from newsletter.store.search import Search
from newsletter.store.sources import Sources
from newsletter.store.subscribers import Subscribers
from newsletter.store.summaries import Summaries
from newsletter.store.trimming import Trimming
from newsletter.store.turns import Turns
from newsletter.store.vectors import Vectors
from newsletter.store.webhooks import Webhooks


class Store:
    """What is kept, by kind. Usable from several threads; each call is a transaction of its own."""

    def __init__(self, url: str, *, as_it_is: bool = False, patience: float = 0.0) -> None:
        """Open the database at a SQLAlchemy URL.

        An empty database is given its tables, or raises EmptyDatabaseError where all is to be left `as_it_is`; one of
        another schema version raises StoreError, as does one that cannot be reached. `patience` is how many seconds a
        PostgreSQL server may take for one statement; 0 for no limit.
        """
        self._engine = open_engine(url, as_it_is=as_it_is, patience=patience)
        try:
            check_schema(self._engine, as_it_is=as_it_is)
        except BaseException:
            self._engine.dispose()
            raise
        self._database = Database(self._engine)
        self.papers = Papers(self._database)
        self.sources = Sources(self._database)
        self.vectors = Vectors(self._database)
        self.summaries = Summaries(self._database)
        self.subscribers = Subscribers(self._database)
        self.choices = Choices(self._database)
        self.consents = Consents(self._database)
        self.addresses = Addresses(self._database)
        self.api_keys = ApiKeys(self._database)
        self.webhooks = Webhooks(self._database)
        self.outbox = Outbox(self._database)
        self.attempts = Attempts(self._database)
        self.allowances = Allowances(self._database)
        self.archive = Archive(self._database)
        self.acts = Acts(self._database)
        self.search = Search(self._database)
        self.issues = Issues(self._database)
        self.deliveries = Deliveries(self._database)
        self.turns = Turns(self._database)
        self.bounces = Bounces(self._database)
        self.trimming = Trimming(self._database)
        self.figures = Figures(self._database)

    @staticmethod
    def migrate(url: str) -> None:
        """Bring the database at `url` to this version's schema."""
        engine = open_engine(url)
        try:
            migrate(engine)
        finally:
            engine.dispose()

    def secret(self) -> str:
        """Give the installation's own signing secret, made at the first call and the same ever after."""
        table = schema.installation
        with self._database.writing() as connection:
            connection.execute(insert_ignore(connection, table), {"name": "secret", "value": secrets.token_urlsafe(48)})
            return str(connection.execute(sa.select(table.c.value).where(table.c.name == "secret")).scalar_one())

    @contextmanager
    def lending(self) -> Iterator[Any]:
        """Lend the database driver's own connection for one transaction, to who keeps tables of their own here."""
        with self._database.writing() as connection:
            yield driver(connection)

    @property
    def address(self) -> str:
        """The address of a PostgreSQL database as its own libraries read it, password and all."""
        return self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def shared(self) -> bool:
        """Whether several machines can work on this database at once."""
        return self._engine.dialect.name == "postgresql"

    def check_writable(self) -> None:
        """Begin to write, and write nothing. Raises StoreError where this user may not, or there is no room."""
        with self._database.writing() as connection:
            connection.execute(schema.installation.delete().where(sa.false()))

    def check_intact(self) -> None:
        """Read a whole SQLite file for damage; on PostgreSQL, whose server sees to that, do nothing. Raises StoreError.

        Takes about a second for each gigabyte.
        """
        if self._engine.dialect.name != "sqlite":
            return
        with self._database.reading() as connection:
            [said] = connection.exec_driver_sql("PRAGMA quick_check(1)").one()
        if said != "ok":
            raise StoreError(
                f"the database {self._engine.url.database} is damaged: {' '.join(str(said).split())[:200]}",
                hint="put a backup in its place; `sqlite3 FILE .recover` saves what can still be read",
            )

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
