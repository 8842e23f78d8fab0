"""The API as an application of its own, mounted at `/api`."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from newsletter import __version__
from newsletter.web.api import problems, v1
from newsletter.web.parts import Parts

_FAILURES: dict[int | str, dict[str, Any]] = {
    kind: {
        "description": said,
        "content": {problems.KIND: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for kind, said in (("4XX", "The request cannot be met."), ("5XX", "It is our mistake."))
}


def api(parts: Parts) -> FastAPI:
    """Give the API over some parts."""
    app = FastAPI(
        title=f"{parts.site.name}: API",
        version=__version__,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": f"{parts.site.url}/api"}],
        root_path_in_servers=False,
        responses=_FAILURES,
        generate_unique_id_function=_name,
    )
    app.state.parts = parts
    problems.install(app)
    app.include_router(v1.router)
    described = app.openapi()
    described["components"]["schemas"]["Problem"] = problems.Problem.model_json_schema()
    return app


def _name(route: APIRoute) -> str:
    return route.name.replace("_", "-")
