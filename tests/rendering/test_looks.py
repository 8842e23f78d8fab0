"""Pictures of mails against those that are kept (looks.py)."""

from __future__ import annotations

from typing import Any

import pytest

from newsletter.rendering import Rendered, Renderer
from tests.rendering.looks import FOLDER, LOOKS, Look, difference, kept, taken
from tests.rendering.mails import every

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def mails(renderer: Renderer) -> dict[str, Rendered]:
    return every(renderer)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.file.stem)
def test_a_mail_looks_as_it_did(browser: Any, mails: dict[str, Rendered], look: Look) -> None:
    found = taken(browser, look, mails[look.mail].html)
    said = difference(found, kept(look))
    assert said == "", f"{said}; if that is meant: python -m tests.rendering.looks"


@pytest.mark.parametrize(
    "rule",
    [
        ".sheet, .sheet > table { background-color: #e4e4f4 !important }",
        ".sheet table td { border-top-width: 24px !important }",
        ".answers { display: none !important }",
        ".summary { font-size: 12px !important }",
        ".text > div { padding: 0 60px !important }",
    ],
)
def test_a_change_of_the_design_would_show(browser: Any, mails: dict[str, Rendered], rule: str) -> None:
    html = mails["daily"].html.replace("</head>", f"<style>{rule}</style></head>")
    assert difference(taken(browser, LOOKS[0], html), kept(LOOKS[0]))


def test_the_other_look_is_another_one(browser: Any) -> None:
    other = every(Renderer("bulletin"))["daily"].html
    assert difference(taken(browser, LOOKS[0], other), kept(LOOKS[0]))


def test_other_fonts_do_not_matter(browser: Any, mails: dict[str, Rendered]) -> None:
    html = mails["daily"].html.replace("Cambria, 'Times New Roman', serif", "'DejaVu Serif', 'Liberation Serif', serif")
    assert not difference(taken(browser, LOOKS[0], html), kept(LOOKS[0]))


def test_the_pictures_are_small_and_of_use() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {look.file.name for look in LOOKS}
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 400_000
