"""MJML with Jinja inside, compiled once: every trap of mrml and premailer that we know of, and where mistakes are."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import TemplateError
from newsletter.model import Cadence
from newsletter.rendering import ENGLISH, EditionView, Renderer, compiled
from newsletter.rendering.compiled import JoinedSource, compile_html, join
from newsletter.rendering.templates import TemplateFile, TemplateFolder, html_environment, speaking
from newsletter.rendering.theme import put_in
from tests.rendering.editions import paper, view
from tests.rendering.pages import document

Tree = tuple[object, ...]


def source(body: str, *, head: str = "") -> JoinedSource:
    text = f"<mjml>\n<mj-head>\n{head}\n</mj-head>\n<mj-body>\n{body}\n</mj-body>\n</mjml>"
    return join(TemplateFile("email/test/body.mjml", text), lambda path, _: TemplateFile(path, ""))


def section(content: str) -> str:
    return f"<mj-section>\n<mj-column>\n{content}\n</mj-column>\n</mj-section>"


def fill(html: str, **values: object) -> str:
    return html_environment().from_string(html).render(**values)


# What comes back


def test_jinja_that_mrml_cannot_parse_survives() -> None:
    html = compile_html(source(section("<mj-text>{% if a < b %}less{% endif %}</mj-text>")))
    assert "less" in fill(html, a=1, b=2)
    assert "less" not in fill(html, a=2, b=1)


def test_quotes_inside_of_an_attribute_survive() -> None:
    html = compile_html(source(section('<mj-text><a href="{{ pages["a b"] }}">x</a></mj-text>')))
    assert 'href="https://example.org/?a=1&amp;b=2"' in fill(html, pages={"a b": "https://example.org/?a=1&b=2"})


def test_an_address_in_an_attribute_is_not_mangled_by_premailer() -> None:
    html = compile_html(source(section('<mj-text><a href="{{ url }}" style="color: {{ \'red\' }}">x</a></mj-text>')))
    assert 'href="{{ url }}"' in html
    assert "{{ 'red' }}" in html


def test_statements_survive_between_sections_columns_and_rows() -> None:
    loop = "<mj-raw>{%% for x in rows %%}</mj-raw>%s<mj-raw>{%% endfor %%}</mj-raw>"
    text = "<mj-text>row {{ x }}</mj-text>"
    html = compile_html(source(loop % section(loop % text)))
    assert re.findall(r"row \d", fill(html, rows=[1, 2])) == ["row 1", "row 2", "row 1", "row 2"]


def test_braces_in_a_string_do_not_end_an_expression() -> None:
    html = compile_html(source(section('<mj-text>{{ "}}" }}{{ "%}" }}</mj-text>')))
    assert "}}%}" in fill(html)


def test_comments_are_gone() -> None:
    assert "secret" not in compile_html(source(section('<mj-text>{# a secret < " #}x</mj-text>')))


def test_the_language_and_direction_may_be_jinja() -> None:
    head = "<mj-head><mj-title>{{ t }}</mj-title></mj-head>"
    text = f'<mjml lang="{{{{ lang }}}}" dir="{{{{ dir }}}}">{head}<mj-body></mj-body></mjml>'
    html = compile_html(join(TemplateFile("b", text), lambda *_: TemplateFile("", "")))
    assert '<html lang="ar" dir="rtl"' in fill(html, lang="ar", dir="rtl", t="x")


# Styles


def test_the_doctype_survives() -> None:
    assert compile_html(source("")).startswith("<!DOCTYPE html>")


def test_important_dark_rules_and_range_queries_survive() -> None:
    rules = "@media (prefers-color-scheme: dark) { .a { color: #fff !important; } }"
    html = compile_html(
        source("", head=f"<mj-style>{rules}</mj-style><mj-style>[data-ogsc] .a {{ color: red }}</mj-style>")
    )
    assert "color: #fff !important" in html
    assert "[data-ogsc] .a" in html


def test_rules_are_inlined() -> None:
    style = "<mj-style>.a { color: #123456 }</mj-style>"
    html = compile_html(source(section('<mj-text><p class="a">x</p></mj-text>'), head=style))
    assert re.search(r'<p class="a" style="color:\s?#123456">', html)


def test_the_frame_style_of_mrml_is_not_inlined() -> None:
    html = compile_html(source(section("<mj-text><p>x</p></mj-text>")))
    assert compiled.NO_INLINING not in html  # premailer takes the mark away
    assert "<p>x</p>" in html
    assert "mso-table-lspace" not in html[html.index("<body") :]


def test_an_image_keeps_its_width() -> None:
    html = compile_html(
        source(section('<mj-text><img src="https://example.org/a.png" alt="" width="120" /></mj-text>'))
    )
    assert 'width="120"' in html


def test_no_font_is_linked() -> None:
    html = compile_html(source(section("<mj-text>x</mj-text>")))
    assert "<link" not in html
    assert "@import" not in html


def test_a_style_that_gmail_would_ignore_is_an_error() -> None:
    rules = "".join(f".rule-{n} {{ color: #123456 }}\n" for n in range(700))
    with pytest.raises(TemplateError, match="more than Gmail reads"):
        compile_html(source("", head=f"<mj-style>{rules}</mj-style>"))


# Mistakes and where they are


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (section("<mj-text>\nbelow 3 <3\n</mj-text>"), r"line 9: .*invalid token"),
        (section("<mj-text>\n\n<a href=unquoted>x</a></mj-text>"), r"line 10: .*invalid token"),
        (section("<mj-text>never closed"), r"line 9: mismatched tag"),
        (section('<mj-text><img src="a"\n><br></mj-text>\n<mj-text>never closed'), r"line 11: mismatched tag"),
        ("\n\na \0", r"line 8: the character U\+0000"),
        ("\nxjinja00000x", r"line 7: the word xjinja00000x"),
        ('<mj-section>\n<mj-column width="{{ w }}"></mj-column></mj-section>', r"line 7: MJML dropped {{ w }}"),
        ("<mj-include/>", r"line 6: <mj-include> needs a path"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(body: str, message: str) -> None:
    with pytest.raises(TemplateError, match=rf"email/test/body\.mjml, {message}"):
        compile_html(source(body))


def test_a_statement_in_an_attribute_of_mjml_is_an_error_as_it_would_be_repeated() -> None:
    text = '<mjml lang="{% if a %}x{% endif %}"><mj-body></mj-body></mjml>'
    with pytest.raises(TemplateError, match=r"moved or repeated {% endif %}"):
        compile_html(join(TemplateFile("b", text), lambda *_: TemplateFile("", "")))


def test_a_class_that_holds_jinja_is_an_error_as_its_styles_would_not_be_inlined() -> None:
    with pytest.raises(TemplateError, match=r"line 9: styles cannot be inlined"):
        compile_html(source(section("<mj-text>\n<p class=\"a {{ 'b' }}\">x</p></mj-text>")))


# Fragments


def test_a_mistake_in_a_fragment_is_told_with_the_line_of_the_fragment() -> None:
    body = TemplateFile("email/x/body.mjml", '<mjml><mj-body>\n<mj-include path="card.mjml" />\n</mj-body></mjml>')
    card = TemplateFile(
        "email/x/card.mjml", "<mj-section>\n<mj-column>\n<mj-text>a <3</mj-text>\n</mj-column></mj-section>"
    )
    with pytest.raises(TemplateError, match=r"^email/x/card\.mjml, line 3: "):
        compile_html(join(body, lambda *_: card))


def test_every_joined_line_knows_where_it_comes_from() -> None:
    body = TemplateFile("b", 'one\n<mj-include path="c"/> two\nthree <mj-include path="c"></mj-include>\nfour')
    joined = join(body, lambda *_: TemplateFile("c", "first\nsecond\n"))
    origin = {text.strip(): str(line) for text, line in zip(joined.text.split("\n"), joined.lines, strict=True)}
    assert origin["one"] == "b, line 1"
    assert origin["first"] == "c, line 1"
    assert origin["second"] == "c, line 2"
    assert origin["two"] == "b, line 2"
    assert origin["three"] == "b, line 3"
    assert origin["four"] == "b, line 4"


def test_sections_of_a_fragment_keep_the_width_of_the_body() -> None:
    body = TemplateFile("b", '<mjml><mj-body width="640px"><mj-include path="c"/></mj-body></mjml>')
    html = compile_html(join(body, lambda *_: TemplateFile("c", section("<mj-text>x</mj-text>"))))
    assert "max-width:640px" in html


def test_a_fragment_cannot_include_another() -> None:
    body = TemplateFile("b", '<mj-include path="c"/>')
    with pytest.raises(TemplateError, match=r"^c, line 2: a fragment cannot include"):
        join(body, lambda *_: TemplateFile("c", 'x\n<mj-include path="d"/>'))


# Compiling once is as good as compiling for each


def tree(element: Any) -> Tree:
    """An element as plain values, white space folded: what a browser would make of it."""
    if not isinstance(element.tag, str):
        return ("comment", " ".join((element.text or "").split()), " ".join((element.tail or "").split()))
    texts = [" ".join((text or "").split()) for text in (element.text, element.tail)]
    return (element.tag, *texts, tuple(sorted(element.attrib.items())), *(tree(child) for child in element))


def compiled_for_each(view: EditionView) -> str:
    """The slow way: Jinja first, then MJML and premailer, for every single edition."""
    folder = TemplateFolder(view.mail)
    joined = join(folder.read("body.mjml"), folder.include)
    environment = speaking(html_environment(), ENGLISH, _once().theme)
    mjml = environment.from_string(put_in(joined.text, _once().theme.values, joined.at_offset)).render(view=view)
    html = compiled._mjml_to_html(mjml, joined).replace("<!doctype html>", "<!DOCTYPE html>", 1)
    return compiled._inline(compiled._FRAME_STYLE.sub(f'<style type="text/css" {compiled.NO_INLINING}>', html))


# Controls and surrogates never leave the sources; U+00A0 and its kind are white space to Python and not to HTML. The
# slow way also spoils marks and backslashes: mrml writes attributes with Rust's escapes (`\u{e0100}`). Ours does not.
words = st.text(
    st.characters(exclude_categories=["C", "M", "Z"], include_characters=" ", exclude_characters="\\"), max_size=60
).map(lambda text: " ".join(text.split()))
hostile = st.sampled_from(
    ["<script>alert(1)</script>", "{{ 7*7 }}", "{% endfor %}", "{# x #}", "]]>", "-->", "\"'><b>", "&amp; &lt;", "a&b"]
)


@st.composite
def views(draw: st.DrawFn) -> EditionView:
    papers = [
        paper(
            key,
            title=draw(words | hostile),
            abstract=draw(words | hostile),
            authors=tuple(draw(st.lists(words | hostile, max_size=6))),
            categories=tuple(draw(st.lists(words, max_size=3))),
            repository=draw(st.sampled_from(["", "https://example.org/?a=1&b=\"'<"])),
        )
        for key in range(1, draw(st.integers(0, 4)) + 1)
    ]
    return view(
        papers, brief=draw(st.integers(0, len(papers))), cadence=draw(st.sampled_from([Cadence.DAILY, Cadence.WEEKLY]))
    )


@settings(max_examples=50)
@given(views())
def test_compiled_once_gives_the_same_tree_as_compiled_for_each(shown: EditionView) -> None:
    once = _once().render(shown).html
    assert tree(document(once)) == tree(document(compiled_for_each(shown)))


def test_marks_and_backslashes_in_attributes_are_kept() -> None:
    page = document(_once().render(view([paper(title="e\u0301 \U000e0100 \\alpha")])).html)
    assert page.cssselect(".answers a")[0].get("aria-label") == "More like this: e\u0301 \U000e0100 \\alpha"


@cache
def _once() -> Renderer:  # hypothesis and fixtures do not mix
    return Renderer()


def test_what_compiles_is_loaded_only_when_something_is_compiled() -> None:
    code = (
        "import newsletter.rendering, sys; print({'mjml', 'premailer', 'lxml', 'cssutils', 'idna'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip() == "set()"
