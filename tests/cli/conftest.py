from __future__ import annotations

import fcntl
import ssl
from pathlib import Path

import pytest
import trustme

from tests.cli.desk import Desk, desks, prepare
from tests.delivery.servers import HOST


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A database with papers and vectors, to be copied: reading abstracts takes seconds, once a run is enough."""
    base = tmp_path_factory.getbasetemp()
    # The workers of pytest-xdist have folders of their own, side by side.
    folder = (base.parent if hasattr(request.config, "workerinput") else base) / "prepared-for-cli"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "path"
        if not made.exists():
            made.write_text(str(prepare(folder)))
    return Path(made.read_text())


@pytest.fixture
def desk(tmp_path: Path, prepared: Path) -> Desk:
    """A folder whose database has the papers of August 20, and nobody subscribed."""
    return desks(prepared, tmp_path)()


@pytest.fixture
def bare(tmp_path: Path) -> Desk:
    """An empty folder."""
    folder = tmp_path / "bare"
    folder.mkdir()
    return Desk(folder)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    return context
