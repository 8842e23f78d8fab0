"""Around all pages: headers that browsers obey, HEAD, and a limit for what is sent to us."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOAD_PATH = "/library"
HOOKS_PATH = "/hooks/"  # providers tell of a thousand events at once
MOST_UPLOADED = 10_000_000  # bytes: a bibliography of some ten thousand papers
_MOST_SENT = 1_000_000  # bytes: a profile that is full to the brim

# No inline styles or scripts, nothing from elsewhere, no frames. The token of a link stands in the path, so no other
# site may learn where a reader comes from.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "browsing-topics=(), camera=(), geolocation=(), microphone=()",
}


class Guard:
    """An ASGI application around another one. Also what the inner one answers when it fails goes through here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head, secure = scope["method"] == "HEAD", scope["scheme"] == "https"
        long = scope["path"].endswith(UPLOAD_PATH) or scope["path"].startswith(HOOKS_PATH)
        limit = MOST_UPLOADED if long else _MOST_SENT

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"} if head else scope, _limited(scope, receive, limit), answered)


def _limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Give a way to receive what was sent that ends at a limit, whatever the length that the sender told."""
    told = dict(scope["headers"]).get(b"content-length", b"")
    left = limit - (int(told) if told.isdigit() and int(told) > limit else 0)

    async def received() -> Message:
        nonlocal left
        message = await receive() if left >= 0 else {"type": "http.disconnect"}
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return received
