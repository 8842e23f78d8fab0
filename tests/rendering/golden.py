"""Renews the golden files; look at the difference before you keep it: `.venv/bin/python -m tests.rendering.golden`."""

from __future__ import annotations

from newsletter.rendering import Renderer
from tests.rendering.editions import DATA, golden_view, message


def golden() -> dict[str, bytes]:
    """What each golden file should hold, by file name."""
    rendered = Renderer().render(golden_view())
    return {
        "edition.subject.txt": f"{rendered.subject}\n".encode(),
        "edition.html": rendered.html.encode(),
        "edition.txt": rendered.text.encode(),
        "edition.eml": message(rendered).data,
    }


if __name__ == "__main__":
    for name, data in golden().items():
        (DATA / name).write_bytes(data)
