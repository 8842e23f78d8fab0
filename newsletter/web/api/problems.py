"""Errors as documents: RFC 9457."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from newsletter.errors import NewsletterError, NotFoundError, ProfileError, StoreError

_log = logging.getLogger(__name__)
KIND = "application/problem+json"


class Problem(BaseModel):
    """What went wrong (RFC 9457). `detail` says it in a sentence; `errors` has what is wrong with which field."""

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = ""
    errors: list[str] = []


def problem(status: int, detail: str = "", errors: list[str] | None = None, **headers: str) -> JSONResponse:
    """Give the answer that tells a problem."""
    said = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors or [])
    return JSONResponse(said.model_dump(), status_code=status, media_type=KIND, headers=headers)


def install(app: FastAPI) -> None:
    """Have an application answer every failure with a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NewsletterError, _expected)
    app.add_exception_handler(Exception, _unexpected)


def _http(_request: Request, error: Any) -> JSONResponse:
    return problem(error.status_code, str(error.detail), **(error.headers or {}))


def _invalid(_request: Request, error: Any) -> JSONResponse:
    told = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
    return problem(422, "The request is not as it should be.", told)


def _expected(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, NotFoundError):
        return problem(404, error.message)
    if isinstance(error, ProfileError):
        return problem(422, str(error))
    _log.error("%s", error)
    return problem(503 if isinstance(error, StoreError) else 500)


def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    return problem(500)  # the server logs the traceback
