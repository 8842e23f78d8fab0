"""Serving the pages: uvicorn on the address that is set."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from newsletter.config import Settings
from newsletter.errors import ConfigError, TemplateError
from newsletter.store import Store
from newsletter.web.app import application
from newsletter.web.happenings import trying_again
from newsletter.web.parts import assemble

_BACKLOG = 2048


class _Renewable:
    """An application in whose place another one can be put while requests come."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Pages:
    """The pages on the address that is set; taken when this is made.

    Requests are not logged: the links of the mails are keys, and keys do not belong into a log.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        """Raises ConfigError: the address cannot be taken, a file of the pages is missing."""
        self._store = store
        self._parts = assemble(settings, store)
        self._app = _Renewable(application(self._parts))
        host, port = settings.web.host, settings.web.port
        self._listening = _listening(host, port)
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._server = uvicorn.Server(configured(self._app, settings))

    def run(self) -> None:
        """Serve until `stop`, or, in the main thread, until the process is told to stop."""
        # Ctrl-C is how one ends a server; requests were answered.
        with trying_again(lambda: self._parts), contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._listening])

    def renew(self, settings: Settings) -> None:
        """Go on by other settings; those of [web] need a new process.

        Raises ConfigError and TemplateError, and then stays as it was.
        """
        parts = assemble(settings, self._store)
        try:
            parts.pages.compile()
        except TemplateError:
            parts.close()
            raise
        before, self._parts = self._parts, parts
        self._app.app = application(parts)
        before.close()

    def stop(self) -> None:
        """Answer what was asked, and take no more."""
        self._server.should_exit = True

    def close(self) -> None:
        """Give the address back, when it has stopped."""
        self._listening.close()
        self._parts.close()


def serve(settings: Settings, store: Store, ready: Callable[[str], None]) -> None:
    """Serve the pages until the process is told to stop; `ready` is told the address once it is taken.

    Raises ConfigError: the address cannot be taken, a file of the pages is missing.
    """
    pages = Pages(settings, store)
    ready(pages.address)
    try:
        pages.run()
    finally:
        pages.close()


def configured(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Give how the pages are served; logging stays as the program has set it up (`newsletter.logs`)."""
    # `access_log=False` only takes its handlers away; whoever turns logging up must not find links in it.
    logging.getLogger("uvicorn.access").disabled = True
    return uvicorn.Config(
        app,
        log_config=None,
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
