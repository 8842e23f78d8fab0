"""What a page says when there is nothing to show: in the same look, in plain words, with a way on."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from newsletter.errors import ExpiredError, NewsletterError, NotFoundError, StoreError
from newsletter.web.api.problems import problem
from newsletter.web.parts import Parts

_log = logging.getLogger(__name__)

_WORDS = {
    400: ("That did not arrive whole", "What your browser sent cannot be read. Please go back and try again."),
    403: ("That may not be", "What was sent did not come from a page of this site. Please open the page again."),
    404: (
        "There is nothing here",
        "If this was a link from one of our mails, the mail program may have cut it: open it from the mail again.",
    ),
    405: ("That does not work here", "This address does not take what was asked of it."),
    410: (
        "This link has expired",
        "Links in our mails work for some months. Use the one in a newer mail; every mail has it at its foot.",
    ),
    413: ("That is too large", "Files may have up to 10 MB. Please send it in parts."),
    422: ("That cannot be understood", "Something in what was sent is not as it should be. Please go back and look."),
    429: ("Please wait a while", "There were many requests from where you are. Please try again in an hour."),
    500: ("Something broke", "It is our mistake, not yours, and it was noted. Please try again in a while."),
    503: ("Back in a moment", "The newsletter is busy, or is being mended. Please try again in a minute."),
}


def install(app: FastAPI) -> None:
    """Have an application answer every failure with a page."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NewsletterError, _expected)
    app.add_exception_handler(Exception, _unexpected)


def trouble(parts: Parts, status: int) -> Response:
    """Give the page of a status; of one that we have no words for, that of its kind."""
    title, words = _WORDS.get(status) or _WORDS[500 if status >= 500 else 400]
    answer = parts.pages.page("trouble", status=status, title=title, words=words)
    if status in {429, 503}:
        answer.headers["Retry-After"] = "3600" if status == 429 else "60"
    return answer


def _http(request: Request, error: Any) -> Response:
    if request.scope["path"].startswith("/api/"):  # a path with a line end in it is led past what is mounted there
        return problem(error.status_code)
    answer = trouble(request.app.state.parts, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _invalid(request: Request, _error: Exception) -> Response:
    return trouble(request.app.state.parts, 422)


def _expected(request: Request, error: Exception) -> Response:
    """Answer an error of our tree. What it says is for the operator: a page tells a stranger nothing of the house."""
    if isinstance(error, ExpiredError):
        return trouble(request.app.state.parts, 410)
    if isinstance(error, NotFoundError):
        return trouble(request.app.state.parts, 404)
    _log.error("%s", error)
    return trouble(request.app.state.parts, 503 if isinstance(error, StoreError) else 500)


def _unexpected(request: Request, _error: Exception) -> Response:
    return trouble(request.app.state.parts, 500)  # the server logs the traceback
