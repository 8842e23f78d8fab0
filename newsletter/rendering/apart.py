"""Templates compiled in a process that ends with it: the libraries that compile stay in memory once they are loaded.

For a process that is to stay small (`memory.stay_small`). The other (`compile_child`) is told the sources and gives the
HTML, as JSON. What it cannot compile is compiled here, so that errors arise in one place.
"""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Sequence

from newsletter import children, logs
from newsletter.rendering.compiled import JoinedSource, compile_html

_LONGEST = 60.0  # seconds

_LOG = logs.of("rendering")


def compile_apart(sources: Sequence[JoinedSource]) -> list[str]:
    """Give the HTML of each template, as `compile_html` does. Raises TemplateError, as it does."""
    texts = json.dumps([source.text for source in sources]).encode()
    made: list[str | None] = [None for _ in sources]
    try:
        made = json.loads(children.answer("compile_child", texts, timeout=_LONGEST))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        logs.event(_LOG, "templates are not compiled apart", level=logging.WARNING, error=str(error))
    return [html or compile_html(source) for html, source in zip(made, sources, strict=True)]
