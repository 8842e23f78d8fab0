"""Templates compiled in a process that ends with it: what compiles takes 24 MB that this one would keep for ever.

For a process that is to stay small (`memory.stay_small`). The other (`compile_child`) is told the sources and gives the
HTML, as JSON. What it cannot compile is compiled here, so that errors arise in one place.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from newsletter.rendering.compiled import JoinedSource, compile_html

_LONGEST = 60.0  # seconds


def compile_apart(sources: Sequence[JoinedSource]) -> list[str]:
    """Give the HTML of each template, as `compile_html` does. Raises TemplateError, as it does."""
    texts = json.dumps([source.text for source in sources]).encode()
    # -P: nothing in the working directory can stand in for a module.
    command = [sys.executable, "-P", "-m", "newsletter.compile_child"]
    try:
        done = subprocess.run(  # noqa: S603  our own program
            command, input=texts, stdout=subprocess.PIPE, timeout=_LONGEST, check=True
        )
        made: list[str | None] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):  # no room for another process
        made = [None for _ in sources]
    return [html or compile_html(source) for html, source in zip(made, sources, strict=True)]
