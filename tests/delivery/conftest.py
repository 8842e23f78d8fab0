from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.delivery.amazon import Amazon
from tests.delivery.servers import HOST, Sink, sink


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
    """What a server needs to be trusted by whoever trusts `ca_file`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    return context


@pytest.fixture
def smtp_sink() -> Iterator[Sink]:
    """A plain SMTP server that takes everything."""
    with sink() as server:
        yield server


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """A server that speaks as Amazon SES does."""
    with Amazon().running() as server:
        yield server
