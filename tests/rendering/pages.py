"""HTML as a tree, for tests to look into."""

from __future__ import annotations

from typing import Any

import lxml.html


def document(html: str) -> Any:
    """The root element; `cssselect` finds others."""
    return lxml.html.document_fromstring(html)
