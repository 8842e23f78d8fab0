"""`/hooks/{provider}`: providers tell of bounces and complaints, and prove that they are who they say."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from newsletter import logs
from newsletter.delivery.webhooks import ForgedError
from newsletter.web.parts import Here

_LOG = logs.of("returns")
router = APIRouter(prefix="/hooks")


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


@router.post("/{provider}")
def take(here: Here, provider: str, request: Request, body: Body) -> Response:
    """Take in what a provider tells; 200 is said when all of it is stored, and anything else makes it try again."""
    try:
        told = here.hooks.told(provider, body, dict(request.headers), now=here.now())
    except ForgedError as error:
        logs.event(_LOG, "webhook refused", level=logging.WARNING, provider=provider, why=error.message)
        return PlainTextResponse(f"{error.message}\n", 403)
    except OSError as error:
        logs.event(_LOG, "webhook not verified", level=logging.WARNING, provider=provider, why=str(error))
        return PlainTextResponse("the signature cannot be verified now\n", 503)
    if told is None:
        raise HTTPException(404)
    returns = here.hooks.returns()
    for one in told:
        returns.told(one.name, one.report, now=here.now())
    return PlainTextResponse(f"{len(told)} taken\n")
