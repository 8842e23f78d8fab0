"""Serves the editor's page on this machine, until it is told to stop."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlencode

import uvicorn

from newsletter.editor.app import application
from newsletter.editor.desk import Asked, Desk
from newsletter.errors import NewsletterError, UsageError

HOST = "127.0.0.1"
_LOADING = 10.0  # seconds; the inference library aborts the process that ends while it is being loaded


def serve(desk: Desk, asked: Asked, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page; `ready` is told its address, which holds the token. Port 0 finds one that is free.

    Raises UsageError: the port is taken.
    """
    token = secrets.token_urlsafe(24)
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise UsageError(f"cannot listen on port {port}: {error.strerror}", hint="choose another --port") from error
    with listening:
        first = {name: value for name, value in (("day", asked.day), ("eyes", asked.eyes)) if value}
        query = f"?{urlencode(first)}" if first else ""
        warming = threading.Thread(target=_warm, args=(desk,), daemon=True)
        warming.start()
        ready(f"http://{HOST}:{listening.getsockname()[1]}/{token}/{query}")
        config = uvicorn.Config(
            application(desk, token, lambda: server.should_exit),
            log_level="error",
            access_log=False,  # the token is a key
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how one ends it
            server.run(sockets=[listening])
        warming.join(_LOADING)


def _warm(desk: Desk) -> None:
    with contextlib.suppress(NewsletterError):  # it will be told by the first answer
        desk.warm()
