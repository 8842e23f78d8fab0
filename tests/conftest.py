"""What every test may use: the real servers of `.ci/services`, the data folder, a fresh PostgreSQL database.

A test that needs a server says so with a marker of the server's name. Without the server it is skipped; with the name
in NEWSLETTER_TEST_REQUIRE (comma separated, as `.ci/run` sets it) it fails, so that nothing is skipped unseen.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import chromium

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
REQUIRED = frozenset(filter(None, os.environ.get("NEWSLETTER_TEST_REQUIRE", "").replace(" ", "").split(",")))

# Deadlines measure the machine, not the code. CI must give the same answer to the same commit.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def _variable(service: str) -> str:
    return f"NEWSLETTER_TEST_{service.upper()}"


def _no_address(service: str) -> str:
    """Say why a server cannot be used, or nothing where it can."""
    name = _variable(service)
    return "" if os.environ.get(name) else f"needs {name}: `.ci/services` starts it and writes build/ci-services.env"


def _no_program(service: str) -> str:
    if missing := _no_address(service):
        return missing
    path = os.environ[_variable(service)]
    return "" if os.access(path, os.X_OK) else f"{_variable(service)} names {path}, which is no program"


def _no_data(_: str) -> str:
    return "" if SHARED.is_dir() else "needs the data folder `shared` beside the checkout"


OBSTACLES: dict[str, Callable[[str], str]] = {
    "postgresql": _no_address,
    "chromium": _no_program,
    "dovecot": _no_address,
    "postfix": _no_address,
    "spamassassin": _no_program,
    "systemd": _no_program,
    "shared_data": _no_data,
}


def pytest_configure() -> None:
    # Started in the background by a shell, we ignore Ctrl-C, and so would the programs that tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if unknown := REQUIRED - OBSTACLES.keys():
        raise pytest.UsageError(f"NEWSLETTER_TEST_REQUIRE: no such service: {', '.join(sorted(unknown))}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for service, obstacle in OBSTACLES.items():
        if item.get_closest_marker(service) and (reason := obstacle(service)):
            if service in REQUIRED:
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data folder; for tests marked `shared_data`."""
    return SHARED


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, one for all tests of a module; for tests marked `chromium`.

    While it is open, Playwright has a loop running in this thread, and what others run by asyncio would be refused.
    """
    with chromium() as opened:
        yield opened


@contextmanager
def fresh_postgresql() -> Iterator[str]:
    """Give the SQLAlchemy URL of an empty database, for as long as it is used."""
    import psycopg  # noqa: PLC0415 - an extra, which tests without a server do not need

    base, _, _ = os.environ[_variable("postgresql")].rpartition("/")
    server = base.replace("postgresql+psycopg://", "postgresql://") + "/postgres"
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        try:
            yield f"{base}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The SQLAlchemy URL of an empty database of the test's own; for tests marked `postgresql`."""
    with fresh_postgresql() as url:
        yield url
