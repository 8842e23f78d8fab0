"""The templates of the pages (`templates/web/`), and the files beside them that browsers fetch.

The folder of the setting `rendering.templates` goes before the shipped one, file by file, as it does for the mails.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jinja2
from fastapi.responses import HTMLResponse, Response

from newsletter import assets
from newsletter.errors import TemplateError
from newsletter.rendering import ENGLISH, SiteView
from newsletter.rendering.templates import html_environment
from newsletter.rendering.typeset import typeset
from newsletter.rendering.words import announced, authors

_STATIC = ("style.css", "forms.js", "htmx.min.js", "icon.svg")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file that pages refer to, with the hash of its bytes, by which browsers may keep it for ever."""

    data: bytes
    media_type: str
    version: str


class Pages:
    """Renders pages. Everything is escaped, and a template that asks for what is not there fails."""

    def __init__(self, site: SiteView, override: Path | None = None) -> None:
        """Read what browsers fetch. Raises TemplateError where a file is missing."""
        roots = [root for root in (override, assets.TEMPLATES) if root is not None]
        self.static: Mapping[str, StaticFile] = {name: _read(name, roots) for name in _STATIC}
        self._kept: dict[str, tuple[object, Response]] = {}
        self._environment = html_environment()
        self._environment.loader = jinja2.FileSystemLoader(roots)
        self._environment.trim_blocks = self._environment.lstrip_blocks = True
        self._environment.filters |= {
            "announced": partial(announced, ENGLISH),
            "authors": partial(authors, ENGLISH),
            "count": count,
            "long_date": ENGLISH.long_date,
            "path": _path,
            "typeset": typeset,
        }
        # The proxy in front of us may serve the pages under a path of its own (site.url has it).
        self.base = base = urlsplit(site.url).path.rstrip("/")
        self._environment.globals |= {
            "site": site,
            "base": base,
            "static": {name: f"{base}/static/{name}?{file.version}" for name, file in self.static.items()},
        }

    def render(self, name: str, **values: Any) -> str:
        """Give `templates/web/<name>` filled. Raises TemplateError."""
        try:
            return self._environment.get_template(f"web/{name}").render(**values)
        except jinja2.TemplateError as error:
            raise TemplateError(f"web/{name}: {error.message}") from error

    def compile(self) -> None:
        """Read every template. Raises TemplateError for the first that is wrong."""
        for name in self._environment.list_templates(extensions=("html", "xml")):
            if name.startswith("web/"):
                try:
                    self._environment.get_template(name)
                except jinja2.TemplateError as error:
                    raise TemplateError(f"{name}: {error.message}") from error

    def once(self, name: str, version: object, make: Callable[[], Response]) -> Response:
        """Give an answer that is the same as long as its version is, made the first time it is asked for."""
        if name not in self._kept or self._kept[name][0] != version:
            self._kept[name] = version, make()
        kept = self._kept[name][1]
        return Response(kept.body, kept.status_code, dict(kept.headers))

    def page(self, name: str, *, status: int = 200, public: bool = False, **values: Any) -> HTMLResponse:
        """Give a page as an answer. `public`: it is the same for everybody, and may be found by search engines."""
        kept = {"Cache-Control": "no-cache"} if public else {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
        return HTMLResponse(self.render(f"{name}.html", public=public, **values), status_code=status, headers=kept)


def _read(name: str, roots: list[Path]) -> StaticFile:
    for root in roots:
        try:
            data = (root / "web" / "static" / name).read_bytes()
        except OSError:
            continue
        kind = mimetypes.types_map[Path(name).suffix]  # our own three; not the machine's table, which may differ
        return StaticFile(data, kind, sha256(data).hexdigest()[:12])
    raise TemplateError(
        f"there is no file web/static/{name}", hint="looked in " + " and ".join(str(root) for root in roots)
    )


def _path(text: str) -> str:
    """Give a text as a part of a path, as the id of a paper."""
    return quote(text, safe=":/.()")


def count(number: int, one: str, many: str = "") -> str:
    """Give "1 paper", "2 papers", "1,234 papers"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
