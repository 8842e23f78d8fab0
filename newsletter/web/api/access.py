"""Who may do what: a bearer token (RFC 6750), looked up by its hash, and its scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from newsletter.web.parts import Parts

_bearer = HTTPBearer(auto_error=False, description="A key of `newsletter keys add`.")


def allowed(scope: str) -> Any:
    """Give what an endpoint depends on that a key with a scope may use."""
    return Depends(_check(scope))


def _check(scope: str) -> Callable[..., None]:
    def check(request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        here: Parts = request.app.state.parts
        key = here.store.api_keys.find(shown.credentials) if shown else None
        if key is None:
            said = "This needs a key: Authorization: Bearer …" if shown is None else "The key is not one of ours."
            raise HTTPException(401, said, {"WWW-Authenticate": 'Bearer realm="newsletter"'})
        if scope not in key.scopes:
            challenge = f'Bearer realm="newsletter", error="insufficient_scope", scope="{scope}"'
            raise HTTPException(403, f"The key lacks the scope {scope}.", {"WWW-Authenticate": challenge})

    return check
