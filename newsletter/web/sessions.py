"""The operator's session: a signed cookie below /admin, and the token that every form there must carry."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from newsletter.web.parts import Parts, origin

if TYPE_CHECKING:
    from itsdangerous import URLSafeTimedSerializer

COOKIE = "newsletter_admin"
_LENGTH = 12 * 3600  # seconds
_TRIES, _ALL_TRIES = 10, 100  # an hour: of one place, of all


@dataclass(frozen=True, slots=True)
class Session:
    """An operator who gave the password. `csrf` is what forms of theirs carry."""

    nonce: str
    csrf: str


def enabled(here: Parts) -> str:
    """Give the hash of the password. Raises HTTPException (404) where there is none: then there are no such pages."""
    hashed = here.settings.admin.password_hash.get_secret_value()
    if not hashed:
        raise HTTPException(404)
    return hashed


def current(request: Request, here: Parts) -> Session | None:
    """Give the session of a request, None where there is none, or it has ended, or the password has changed."""
    from itsdangerous import BadData  # noqa: PLC0415

    try:
        nonce = str(_serializer(here).loads(request.cookies.get(COOKIE, ""), max_age=_LENGTH))
    except BadData:
        return None
    return _session(here, nonce)


def log_in(request: Request, here: Parts, password: str) -> Session | None:
    """Give a new session for the right password. Raises HTTPException (429): there were too many wrong ones."""
    from argon2 import PasswordHasher  # noqa: PLC0415  lazy: only this needs it
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415

    hashed, now, hour = enabled(here), here.now(), timedelta(hours=1)
    for bucket, most in ((f"admin {origin(request, here)}"[:64], _TRIES), ("admin", _ALL_TRIES)):
        if not here.store.attempts.allow(bucket, most=most, within=hour, now=now):
            raise HTTPException(429)
    try:
        PasswordHasher().verify(hashed, password)
    except (Argon2Error, InvalidHashError):
        return None
    return _session(here, secrets.token_urlsafe(16))


def keep(answer: Response, request: Request, here: Parts, session: Session | None) -> Response:
    """Give an answer the session's cookie, or (None) have the browser forget it."""
    answer.set_cookie(
        COOKIE,
        str(_serializer(here).dumps(session.nonce)) if session else "",
        max_age=_LENGTH if session else 0,
        path=f"{here.pages.base}/admin",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def guard(request: Request, here: Parts, *, csrf: str | None = None) -> Session | None:
    """Give the session. For what changes something: raises HTTPException (403) where it comes from another site, or
    (`csrf` given) the form's token is not the session's.
    """
    if _from_elsewhere(request, here):
        raise HTTPException(403)
    session = current(request, here)
    if csrf is not None and session and not hmac.compare_digest(csrf.encode(), session.csrf.encode()):
        raise HTTPException(403)
    return session


def _from_elsewhere(request: Request, here: Parts) -> bool:
    """Tell whether a browser says that another site sent this (https://www.w3.org/TR/fetch-metadata/).

    Our own forms come with the origin "null", as pages of ours tell nobody where one comes from; so where a browser
    says no more than that, only the form's token counts.
    """
    if site := request.headers.get("sec-fetch-site"):
        return site not in {"same-origin", "none"}
    told = request.headers.get("origin", "null")
    ours = {request.headers.get("host", ""), urlsplit(here.site.url).netloc}
    return told != "null" and urlsplit(told).netloc not in ours


def _session(here: Parts, nonce: str) -> Session:
    return Session(nonce, hmac.new(_key(here), nonce.encode(), hashlib.sha256).hexdigest())


def _serializer(here: Parts) -> URLSafeTimedSerializer:
    from itsdangerous import URLSafeTimedSerializer  # noqa: PLC0415

    return URLSafeTimedSerializer(_key(here), salt="newsletter admin 1")


def _key(here: Parts) -> bytes:
    # With the password every session ends.
    return hmac.digest(here.secret.encode(), f"newsletter admin {enabled(here)}".encode(), "sha256")
