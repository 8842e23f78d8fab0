"""All pages, and the API, as one ASGI application."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from newsletter.web import (
    address,
    admin,
    archive,
    feedback,
    feeds,
    health,
    hooks,
    learned,
    metrics,
    personal,
    preferences,
    preview,
    subscribe,
    trouble,
    unsubscribe,
    view,
)
from newsletter.web.api.app import api
from newsletter.web.guard import Guard
from newsletter.web.parts import Here, Parts

_FOR_EVER = "public, max-age=31536000, immutable"  # the address changes with the file

router = APIRouter()


def application(parts: Parts) -> ASGIApp:
    """Give the pages over some parts."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.parts = parts
    trouble.install(app)
    for each in _ROUTERS:
        app.include_router(each)
    app.mount("/api", api(parts))
    return Guard(app)


@router.get("/static/{name}")
def static(here: Here, name: str) -> Response:
    """Give a style sheet, script or picture: one of those that are known, so no path leads to another file."""
    file = here.pages.static.get(name)
    if file is None:
        raise HTTPException(404)
    return Response(file.data, media_type=file.media_type, headers={"Cache-Control": _FOR_EVER})


_ROUTERS = (
    router,
    subscribe.router,
    preview.router,
    unsubscribe.router,
    feedback.router,
    address.router,
    learned.router,
    preferences.router,
    personal.router,
    view.router,
    archive.router,
    feeds.router,
    admin.router,
    health.router,
    hooks.router,
    metrics.router,
)
