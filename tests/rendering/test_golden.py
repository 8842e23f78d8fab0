"""One edition as it is sent, held word by word; see golden.py for how to renew it."""

from __future__ import annotations

import pytest

from tests.rendering.editions import DATA
from tests.rendering.golden import golden


@pytest.mark.parametrize("name", ["edition.subject.txt", "edition.html", "edition.txt", "edition.eml"])
def test_the_edition_is_rendered_as_the_golden_file_holds_it(name: str) -> None:
    assert golden()[name] == (DATA / name).read_bytes()
