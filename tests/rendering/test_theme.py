"""Looks: one file changes colours, fonts, logo and name, and a mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.rendering import Renderer
from newsletter.rendering.theme import contrast, load
from tests.rendering.editions import golden_view
from tests.rendering.notices import NOTICES
from tests.rendering.pages import document


def themed(folder: Path, text: str, name: str = "own") -> Renderer:
    (folder / "themes").mkdir(exist_ok=True)
    (folder / "themes" / f"{name}.toml").write_text(text, encoding="utf-8")
    return Renderer(name, folder)


@pytest.mark.parametrize("name", ["journal", "bulletin"])
def test_those_that_ship_are_legible_in_every_light(name: str) -> None:
    assert list(load(name).faults()) == []


def test_one_file_makes_another_look(tmp_path: Path) -> None:
    html = themed(tmp_path, 'name = "Sands"\n[light]\naccent = "#7a1f5c"\n').render(golden_view()).html
    assert "#7a1f5c" in html
    assert "#0b5d63" not in html
    assert document(html).cssselect("h1")[0].text_content() == "Sands"
    assert "#fffefb" in html  # what it does not say is as in the shipped one


@pytest.mark.parametrize(
    ("url", "src"),
    [
        ("https://cdn.example.org/logo.png", "https://cdn.example.org/logo.png"),
        ("/static/logo.png", "https://papers.example.org/static/logo.png"),
    ],
)
def test_a_logo_has_its_name_and_its_size(tmp_path: Path, url: str, src: str) -> None:
    renderer = themed(tmp_path, f'[logo]\nurl = "{url}"\nwidth = 180\nheight = 40\n')
    for html in (renderer.render(golden_view()).html, renderer.fill(NOTICES[0]).html):
        [logo] = document(html).cssselect("img.logo")
        assert logo.get("src") == src
        assert (logo.get("alt"), logo.get("width"), logo.get("height")) == ("Daily Papers", "180", "40")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[light]\naccent = "red"\n', "light.accent is 'red'"),
        ('[light]\nglow = "#000000"\n', "no such key: light.glow"),
        ('[shape]\nradius = "8"\n', "shape.radius is to be a number"),
        ("name = 3\n", "name is to be a text"),
        ('[font]\ntext = "Arial; } * { display: none"\n', "cannot stand in a style"),
        ('[font]\ntext = "</style><script>"\n', "cannot stand in a style"),
        ('[logo]\nurl = "http://example.org/x.png"\nwidth = 1\nheight = 1\n', "logo.url is"),
        ('[logo]\nurl = "https://example.org/x.png"\n', "a logo needs its width"),
        ("[light\n", "cannot read the theme"),
    ],
)
def test_a_mistake_is_told_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TemplateError, match=r"own\.toml") as caught:
        themed(tmp_path, text).render(golden_view())
    assert said in str(caught.value)


def test_a_look_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(TemplateError, match="there is no theme glow") as caught:
        load("glow")
    assert "bulletin, journal" in caught.value.hint


def test_what_cannot_be_read_by_all_is_found(tmp_path: Path) -> None:
    pale = list(themed(tmp_path, '[light]\nmuted = "#aaaaaa"\n').theme.faults())
    assert len(pale) >= 2
    assert "light.muted on light.sheet" in pale[0]
    inverted = list(themed(tmp_path, '[light]\naccent = "#3a46c8"\n').theme.faults())
    assert any("where Gmail inverts colours" in fault for fault in inverted)


def test_a_template_that_asks_for_what_no_theme_has_is_told_where(tmp_path: Path) -> None:
    (tmp_path / "email/_parts").mkdir(parents=True)
    (tmp_path / "email/_parts/card.mjml").write_text(
        "<mj-text>x</mj-text>\n<mj-text color='[[light.glow]]'>x</mj-text>"
    )
    with pytest.raises(TemplateError, match=r"email/_parts/card\.mjml, line 2: themes have no light\.glow"):
        Renderer(override=tmp_path).render(golden_view())


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
