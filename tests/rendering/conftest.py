"""One renderer for all tests: compiling the templates is what takes time."""

from __future__ import annotations

import pytest

from newsletter.rendering import Renderer


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    """A renderer of the shipped templates."""
    return Renderer()
