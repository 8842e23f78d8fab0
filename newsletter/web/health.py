"""How the installation does, for those who watch it: alive, and ready to serve."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from newsletter.web.parts import Here, Parts

router = APIRouter()
_FRESH = {"Cache-Control": "no-store"}


@router.get("/healthz/live")
def live() -> Response:
    """Say that the process answers, whatever the database does."""
    return PlainTextResponse("ok\n", headers=_FRESH)


@router.get("/healthz")
def ready(here: Here) -> Response:
    """Say that pages and database work, and how old news and queue are. Raises StoreError (503) where it does not."""
    return JSONResponse(_report(here), headers=_FRESH)


def _report(here: Parts) -> dict[str, Any]:
    now, store = here.now(), here.store
    store.subscribers.count_active()
    read = max((one.last_success_at for one in store.sources.all() if one.last_success_at), default=None)
    issue, oldest = store.issues.newest(), min(store.turns.due(now=now).values(), default=None)
    return {
        "status": "ok",
        "database": "ok",
        "last_ingest": read.isoformat() if read else None,
        "last_issue": issue.day.isoformat() if issue else None,
        "queue_age_seconds": round(max(0.0, (now - oldest).total_seconds())) if oldest else 0,
    }
