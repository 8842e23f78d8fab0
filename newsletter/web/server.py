"""Serving the pages: uvicorn on the address that is set."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from newsletter.config import Settings
from newsletter.errors import ConfigError
from newsletter.store import Store
from newsletter.web.app import application
from newsletter.web.happenings import calling_again
from newsletter.web.parts import assemble

_BACKLOG = 2048
_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "newsletter: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}


def serve(settings: Settings, store: Store, ready: Callable[[str], None]) -> None:
    """Serve the pages until the process is told to stop; `ready` is told the address once it is taken.

    Requests are not logged: the links of the mails are keys, and keys do not belong into a log.

    Raises ConfigError: the address cannot be taken, a file of the pages is missing.
    """
    parts = assemble(settings, store)
    host, port = settings.web.host, settings.web.port
    with _listening(host, port) as listening:
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        config = configured(application(parts), settings, log_config=_LOGGING)
        # Ctrl-C is how one ends a server; requests were answered.
        with calling_again(parts), contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
    parts.close()


def configured(app: ASGIApp, settings: Settings, *, log_config: dict[str, Any] | None = None) -> uvicorn.Config:
    """Give how the pages are served; without `log_config` logging stays as the program has it."""
    # `access_log=False` only takes its handlers away; whoever turns logging up must not find links in it.
    logging.getLogger("uvicorn.access").disabled = True
    return uvicorn.Config(
        app,
        log_config=log_config,
        access_log=False,
        server_header=False,
        lifespan="off",
        forwarded_allow_ips=list(settings.web.proxies),
        timeout_graceful_shutdown=10,
    )


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {error.strerror}",
            hint="set web.host and web.port to an address of this machine that is free",
        ) from error
