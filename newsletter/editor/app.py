"""The editor's page as an ASGI application. Whoever knows the token in its addresses is the editor, and nobody else is.

The page is for one machine: names of other hosts are refused (a page of somebody else's could lead a browser here by a
name that resolves to this machine), and nothing is fetched from anywhere. The mail stands in a frame without script.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from typing import Annotated, Any, Literal, get_type_hints

from fastapi import APIRouter, Body, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from newsletter import assets
from newsletter.editor import report
from newsletter.editor.desk import Asked, Desk, Shown
from newsletter.editor.watch import changes, fingerprint
from newsletter.errors import NewsletterError
from newsletter.model import DeliveryState
from newsletter.preflight import Letter

HOSTS = ["127.0.0.1", "localhost", "[::1]"]
_FILES = {"editor.css": "text/css", "editor.js": "text/javascript"}
_PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# A mail brings its own styles, and may show pictures once the editor wants them; it runs nothing.
_MAIL = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {}; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-same-origin"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_DARK = re.compile(r"\(prefers-color-scheme:\s*dark\)")
_ALIVE = 15.0  # seconds after which a word is sent, so that nobody takes the connection for dead

router = APIRouter()


def application(desk: Desk, token: str, ending: Callable[[], bool] = lambda: False) -> FastAPI:
    """Give the page over a desk; all its addresses begin with the token.

    `ending` tells that the server is to stop: connections that a page holds open are ended then.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.desk, app.state.token, app.state.ending = desk, token, ending
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    app.include_router(router, prefix="/{token}", dependencies=[Depends(_known)])

    @app.exception_handler(NewsletterError)
    def trouble(_: Request, error: NewsletterError) -> JSONResponse:
        return JSONResponse({"error": error.message, "hint": error.hint}, 422, headers=_HEADERS)

    return app


def _known(request: Request, token: str) -> None:
    if not secrets.compare_digest(token.encode(), str(request.app.state.token).encode()):
        raise HTTPException(404)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


Here = Annotated[Desk, Depends(_desk)]


@router.get("/")
def page() -> Response:
    """Give the page; it asks for all the rest."""
    html = (assets.TEMPLATES / "editor" / "page.html").read_text(encoding="utf-8")
    return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": _PAGE, "X-Frame-Options": "DENY"})


@router.get("/file/{name}")
def file(name: str) -> Response:
    """Give the style or the script of the page."""
    if name not in _FILES:
        raise HTTPException(404)
    return Response((assets.TEMPLATES / "editor" / name).read_bytes(), media_type=_FILES[name], headers=_HEADERS)


@router.get("/choices")
def choices(here: Here) -> Response:
    """Give what there is to choose from."""
    return JSONResponse(here.choices(), headers=_HEADERS)


@router.post("/show")
def show(here: Here, asked: Annotated[dict[str, Any], Body()]) -> Response:
    """Make a mail, and give all that is in it."""
    started = time.perf_counter()
    told = _told(here.show(_asked(asked)))
    return JSONResponse({**told, "seconds": round(time.perf_counter() - started, 3)}, headers=_HEADERS)


@router.get("/mail/{number}")
def mail(here: Here, number: int, scheme: Literal["light", "dark"] = "light", pictures: bool = False) -> Response:
    """Give the HTML of a mail as a mail program shows it, on a light screen or a dark one."""
    html = here.kept(number).message.html
    html = _DARK.sub("all" if scheme == "dark" else "not all", html)
    html = html.replace("<head>", f'<head><base target="_blank"><style>:root{{color-scheme:{scheme}}}</style>', 1)
    policy = _MAIL.format("https: data:" if pictures else "data:")
    return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": policy})


@router.get("/check/{number}")
def check(here: Here, number: int) -> Response:
    """Look at a mail. This comes after it, so that a change is seen without waiting for what is to be said of it."""
    return JSONResponse(report.checks(here.check(number)), headers=_HEADERS)


@router.post("/check/{number}")
def check_in_full(here: Here, number: int) -> Response:
    """Look at a mail in full: also whether its links are alive, and with a spam filter."""
    return JSONResponse(report.checks(here.check(number, full=True)), headers=_HEADERS)


@router.post("/test/{number}")
def test(here: Here, number: int, to: Annotated[str, Body(embed=True)]) -> Response:
    """Send a mail as a test."""
    outcome = here.send_test(number, to)
    sent = outcome.state is DeliveryState.SENT
    return JSONResponse({"sent": sent, "response": outcome.response}, 200 if sent else 422, headers=_HEADERS)


@router.get("/events")
async def events(request: Request, here: Here) -> Response:
    """Say whenever a template, the theme or the profile has changed (server-sent events)."""

    async def stream() -> AsyncIterator[str]:
        # Looked at before the page hears that it is listened to, and then asks again: so no change falls in between.
        known = fingerprint(here.watched())
        here.refresh()
        yield "retry: 500\n\n"
        said = time.monotonic()
        async for changed in changes(here.watched, known):
            if request.app.state.ending() or await request.is_disconnected():
                return
            if changed:
                here.refresh()
                yield "event: changed\ndata:\n\n"
            elif time.monotonic() - said > _ALIVE:
                yield ":\n\n"
            else:
                continue
            said = time.monotonic()

    return StreamingResponse(stream(), media_type="text/event-stream", headers=_HEADERS)


def _asked(values: dict[str, Any]) -> Asked:
    """What a page asks for, each value of its kind; what is of no use is left out."""
    kinds = get_type_hints(Asked)
    known = {one.name: values[one.name] for one in fields(Asked) if one.name in values}
    return Asked(**{name: value for name, value in known.items() if isinstance(value, kinds[name])})


def _told(shown: Shown) -> dict[str, Any]:
    message = shown.message
    letter = Letter(message.data)
    return {
        "number": shown.number,
        "subject": message.subject,
        "from": letter.header("From"),
        "to": letter.header("To"),
        "preheader": _preheader(letter),
        "text": message.text,
        "source": message.data.decode("utf-8", "replace").replace("\r\n", "\n"),
        "headers": [[name, str(value)] for name, value in letter.message.items()],
        "bytes": letter.encoded,
        **({"picked": report.document(shown.preview)} if shown.preview else {}),
    }


def _preheader(letter: Letter) -> str:
    hidden = letter.page.find_class("preheader") if letter.page is not None else []
    return " ".join(hidden[0].text_content().split()) if hidden else ""
