"""The process in which templates are compiled; `rendering.apart` starts it. It is told sources and gives HTML."""

from __future__ import annotations

import json
import sys

from newsletter.errors import TemplateError
from newsletter.rendering.compiled import JoinedSource, Line, compile_html


def main() -> None:
    """Answer, in JSON, with the HTML of each template, null for what cannot be compiled."""
    sources = [JoinedSource(text, (Line("", 1),)) for text in json.load(sys.stdin)]
    json.dump([_compiled(source) for source in sources], sys.stdout)


def _compiled(source: JoinedSource) -> str | None:
    try:
        return compile_html(source)
    except TemplateError:  # who asked will meet it too, and can say where it is
        return None


if __name__ == "__main__":
    main()
