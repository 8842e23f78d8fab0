"""Rendered editions: escaping, sizes, structure, overrides, mistakes in templates."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import Template

from newsletter.errors import TemplateError
from newsletter.model import Reason, ReasonKind, Section
from newsletter.rendering import ENGLISH, EditionView, Renderer, edition_view
from newsletter.rendering.patchwork import quoted_printable
from newsletter.rendering.plaintext import WIDTH, columns
from newsletter.rendering.renderer import SIZE_LIMIT
from tests.rendering.editions import SITE, TOKEN, edition, golden_view, links, paper, pick, view
from tests.rendering.pages import document

HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7*7 }}{% endfor %}{# x #}",
    "\"quoted\" & 'quoted' <b>",
    "]]> --> <![endif]-->",
    "xjinja00001x",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_is_text_and_nothing_else(renderer: Renderer, title: str) -> None:
    abstract = f"We show that {title} harms nobody."
    shown = view([paper(1, title=title, abstract=abstract, authors=(title,)), paper(2, title=title)], brief=1)
    rendered = renderer.render(shown)
    page = document(rendered.html)
    assert page.cssselect("h3")[0].text_content() == title
    assert page.cssselect(".summary")[0].text_content() == abstract
    assert page.cssselect(".brief")[0].text_content() == title
    assert not page.cssselect("script")
    assert page.cssselect(".answers a")[0].get("aria-label") == f"More like this: {title}"
    assert title in rendered.text
    assert title in rendered.subject


def test_headings_come_in_order(renderer: Renderer) -> None:
    page = document(renderer.render(golden_view()).html)
    assert [heading.tag for heading in page.iter("h1", "h2", "h3")] == ["h1", "h2", "h3", "h3", "h3", "h2"]


def test_the_page_is_accessible_as_mail_can_be(renderer: Renderer) -> None:
    page = document(renderer.render(golden_view()).html)
    assert page.get("lang") == "en"
    assert page.get("dir") == "ltr"
    assert page.findtext(".//title") == "Daily Papers · Monday, 23 November 2026"
    assert not page.cssselect("main")
    assert all(table.get("role") == "presentation" for table in page.cssselect("table"))
    assert all(image.get("alt") is not None for image in page.cssselect("img"))


def test_links_that_look_alike_have_names_of_their_own(renderer: Renderer) -> None:
    page = document(renderer.render(view([paper(1), paper(2)])).html)
    names = [link.get("aria-label") for link in page.cssselect(".links a, .answers a")]
    assert len(names) == 10
    assert len(set(names)) == 10
    assert all(link.get("aria-label").startswith(link.text) for link in page.cssselect(".links a, .answers a"))


def test_what_the_law_and_the_reader_ask_for_is_there(renderer: Renderer) -> None:
    rendered = renderer.render(golden_view())
    for part in (rendered.html, rendered.text):
        assert links().unsubscribe in part
        assert links().preferences in part
        assert links().archive in part
        assert SITE.postal_address in part
        assert "ada@example.com" in part
        assert f"{SITE.url}/feedback/{TOKEN}1m" in part


def test_a_style_block_that_gmail_may_drop_holds_no_other_rules(renderer: Renderer) -> None:
    styles = re.findall(r"<style[^>]*>(.*?)</style>", renderer.render(view([])).html, re.DOTALL)
    outlook = [style for style in styles if "[data-ogsc]" in style]
    assert len(outlook) == 1
    assert "prefers-color-scheme" not in outlook[0]
    assert "prefers-color-scheme" in "".join(styles)


def test_the_html_has_the_meta_words_of_dark_mode_and_no_white_text(renderer: Renderer) -> None:
    html = renderer.render(view([])).html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "color:#ffffff" not in html.replace("background-color:#ffffff", "")


def test_an_empty_day_points_to_the_preferences(renderer: Renderer) -> None:
    rendered = renderer.render(view([]))
    assert "A quiet issue" in rendered.html
    assert "For you" not in rendered.html
    assert "none came close enough" in rendered.text.replace("\n", " ")


# The text part


def test_the_text_part_is_wrapped_but_for_addresses(renderer: Renderer) -> None:
    text = renderer.render(view([paper(n) for n in range(1, 13)], brief=3)).text
    assert all(columns(line) <= WIDTH or "://" in line for line in text.split("\n"))
    assert all(line == line.rstrip() for line in text.split("\n"))
    assert "\n\n\n\n" not in text
    assert " 9. Sorting Punched Cards" in text
    assert text.endswith("London N1\n")


def test_the_text_part_holds_no_entities(renderer: Renderer) -> None:
    text = renderer.render(view([paper(1, title='Fish & <Chips>\'s "Own"')])).text
    assert 'Fish & <Chips>\'s "Own"' in text
    assert "&amp;" not in text


# Sizes


def test_ten_papers_take_less_than_two_thirds_of_the_limit(renderer: Renderer) -> None:
    html = renderer.render(view([paper(n) for n in range(1, 16)], brief=5)).html
    assert len(quoted_printable(html)) < SIZE_LIMIT * 2 // 3


def test_fifteen_papers_with_long_titles_fit_whole(renderer: Renderer) -> None:
    papers = [paper(n, title="Sorting punched cards " * 6) for n in range(1, 16)]
    html = renderer.render(view(papers)).html
    assert len(quoted_printable(html)) <= SIZE_LIMIT
    assert len(document(html).cssselect(".summary")) == 15


def test_late_cards_lose_their_key_sentences_first(renderer: Renderer) -> None:
    papers = [paper(n, abstract="é" * 420) for n in range(1, 21)]
    page = document(html := renderer.render(view(papers)).html)
    assert len(quoted_printable(html)) <= SIZE_LIMIT
    assert len(page.cssselect("h3")) == 20
    kept = [bool(card.cssselect(".summary")) for card in page.cssselect(".item")]
    assert kept == sorted(kept, reverse=True)
    assert 0 < sum(kept) < 20


def test_then_cards_move_to_the_top_of_also_today(renderer: Renderer) -> None:
    papers = [paper(n, title=f"{n} " + "é" * 290) for n in range(1, 33)]
    rendered = renderer.render(view(papers, brief=2))
    page = document(rendered.html)
    assert len(quoted_printable(rendered.html)) <= SIZE_LIMIT
    titles = [link.text.split()[0] for link in page.cssselect("h3 a, .brief a")]
    assert titles == [str(n) for n in range(1, 33)]
    assert 0 < len(page.cssselect("h3")) < 30


def test_what_finds_no_room_at_all_is_counted_and_linked(renderer: Renderer) -> None:
    papers = [paper(n, title="é" * 290, url="https://example.org/" + "x" * 1400) for n in range(1, 60)]
    rendered = renderer.render(view(papers))
    assert len(quoted_printable(rendered.html)) <= SIZE_LIMIT
    shown = len(document(rendered.html).cssselect(".brief"))
    assert 0 < shown < 59
    assert f"There are {59 - shown} more than fit in one mail" in rendered.html
    assert f"There are {59 - shown} more than fit in one mail" in rendered.text


# Templates of one's own


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def test_one_file_can_be_overridden_and_the_rest_is_kept(tmp_path: Path) -> None:
    write(tmp_path, "email/quiet/subject.txt", "Hello: {{ view.subject }}\n")
    rendered = Renderer(override=tmp_path).render(view([]))
    assert rendered.subject == "Hello: Nothing for you among 187 new papers"
    assert "A quiet issue" in rendered.html


def test_a_fragment_can_be_overridden(tmp_path: Path) -> None:
    write(tmp_path, "email/_parts/card.mjml", "<mj-text>A card</mj-text>")
    write(tmp_path, "email/_parts/cards.txt", "All cards\n")
    rendered = Renderer(override=tmp_path).render(view([paper()]))
    assert "A card" in rendered.html
    assert "-\nAll cards\n\n\n=" in rendered.text


def test_a_missing_template_names_the_folders_that_were_looked_in(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"there is no template email/monthly/subject\.txt") as caught:
        Renderer(override=tmp_path).compile("monthly")
    assert str(tmp_path) in caught.value.hint


def test_a_fragment_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "email/daily/body.mjml", '<mjml><mj-body><mj-include path="../../../x" /></mj-body></mjml>')
    with pytest.raises(TemplateError, match=r"outside of the folder email/"):
        Renderer(override=tmp_path).render(view([paper()]))


def test_a_missing_fragment_names_who_includes_it(tmp_path: Path) -> None:
    write(tmp_path, "email/daily/body.mjml", '<mjml><mj-body><mj-include path="x.mjml" /></mj-body></mjml>')
    with pytest.raises(TemplateError, match=r"no template email/daily/x\.mjml, which email/daily/body\.mjml includes"):
        Renderer(override=tmp_path).render(view([paper()]))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("daily/body.txt", "a\n{{ view.nothing }}\n", r"email/daily/body\.txt, line 2: .*no attribute 'nothing'"),
        ("daily/body.txt", "a\n\n{% if %}", r"email/daily/body\.txt, line 3: "),
        ("daily/subject.txt", "{{ nothing }}", r"email/daily/subject\.txt, line 1: 'nothing' is undefined"),
        ("_parts/card.mjml", "<mj-text>\n{{ view.nothing }}</mj-text>", r"email/_parts/card\.mjml, line 2: "),
        ("_parts/card.mjml", "<mj-text>\n\n{{ view. }}</mj-text>", r"email/_parts/card\.mjml, line 3: "),
        ("_parts/card.mjml", "<mj-text>\n\n\n{{ 1 / 0 }}</mj-text>", r"email/_parts/card\.mjml, line 4: division"),
    ],
)
def test_a_mistake_in_a_template_is_told_with_file_and_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    write(tmp_path, f"email/{name}", text)
    with pytest.raises(TemplateError, match=f"^{message}"):
        Renderer(override=tmp_path).render(view([paper()]))


def test_refreshing_compiles_only_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(override=tmp_path)
    renderer.render(view([paper()]))
    monkeypatch.setattr("newsletter.rendering.renderer.compile_html", lambda _: pytest.fail("compiled again"))
    write(tmp_path, "email/daily/subject.txt", "Other subject")
    renderer.refresh()
    assert renderer.render(view([paper()])).subject == "Other subject"


def test_a_thousand_editions_are_rendered_without_compiling(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = golden_view()
    renderer.render(shown)
    monkeypatch.setattr("newsletter.rendering.renderer.compile_html", lambda _: pytest.fail("compiled again"))
    assert len({renderer.render(shown).html for _ in range(1000)}) == 1


def test_what_was_said_before_is_not_filled_again_wherever_it_stands(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = [paper(key) for key in range(1, 9)]
    brought = {one.key: one for one in papers}

    def of(keys: list[int], keyword: str) -> EditionView:
        reasons = [Reason(ReasonKind.KEYWORD, keyword), Reason(ReasonKind.TOPIC, "Looms")]
        full = [pick(key, Section.FOR_YOU, *reasons) for key in keys[:6]]
        brief = [pick(key, Section.ALSO_TODAY, reasons[0]) for key in keys[6:]]
        picks = [replace(one, rank=rank) for rank, one in enumerate([*full, *brief], 1)]
        return edition_view(edition(picks), brought, SITE, links(keys), say=ENGLISH, considered=8)

    def counted(template: Template, *given: object) -> str:
        filled.append(whole(template, *given))
        return filled[-1]

    renderer.render(of([1, 2, 3, 4, 5, 6, 7, 8], "looms"))
    renderer.render(of([1, 2, 3, 4, 5, 6, 7, 8], "mills of the north"))  # which marks nothing in the abstracts
    filled: list[str] = []
    whole = Template.render
    monkeypatch.setattr(Template, "render", counted)
    renderer.render(of([5, 2, 4, 1, 6, 3, 8, 7], "mills of the north"))
    assert filled == []
    renderer.render(of([5, 2, 4, 1, 6, 3, 8, 7], "best clerk"))  # which stands in the key sentences
    assert any("<strong>best clerk</strong>" in one for one in filled)
