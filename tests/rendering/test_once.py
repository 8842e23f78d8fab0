"""The tag that fills a block once for the same values."""

from __future__ import annotations

import jinja2
import pytest

from newsletter.rendering.templates import html_environment, text_environment

LOOP = (
    "{% for paper in papers %}{% once title=paper, last=loop.last %}"
    "{{ said(title) }}{{ '' if last else ', ' }}{% endonce %}{% endfor %}"
)


def test_a_block_is_filled_once_for_the_same_values() -> None:
    asked: list[str] = []

    def said(title: str) -> str:
        asked.append(title)
        return title.upper()

    environment = text_environment()
    environment.globals["said"] = said
    template = environment.from_string(LOOP)
    for _ in range(3):
        assert template.render(papers=["a", "b", "a", "c"]) == "A, B, A, C"
    assert asked == ["a", "b", "c"]


def test_a_block_sees_nothing_but_its_values() -> None:
    template = html_environment().from_string("{% once title=view.title %}{{ view.reader }}{% endonce %}")
    with pytest.raises(jinja2.UndefinedError, match="'view' is undefined"):
        template.render(view={"title": "a", "reader": "b"})


def test_values_are_escaped_in_html_and_markup_is_not_escaped_twice() -> None:
    template = html_environment().from_string("{% once a=a %}<b>{{ a }}</b>{% endonce %}{{ a }}")
    assert template.render(a="<&>") == "<b>&lt;&amp;&gt;</b>&lt;&amp;&gt;"
    assert text_environment().from_string("{% once a=a %}<b>{{ a }}</b>{% endonce %}").render(a="<&>") == "<b><&></b>"


def test_two_blocks_of_one_template_do_not_mix() -> None:
    template = text_environment().from_string("{% once a=x %}1{{ a }}{% endonce %}{% once a=x %}2{{ a }}{% endonce %}")
    assert [template.render(x=x) for x in "ab"] == ["1a2a", "1b2b"]


@pytest.mark.parametrize("tag", ["{% once %}", "{% once a %}", "{% once a= %}", "{% once a=1 b=2 %}"])
def test_a_tag_without_names_is_a_mistake_of_its_template(tag: str) -> None:
    with pytest.raises(jinja2.TemplateSyntaxError):
        text_environment().from_string(f"{tag}x{{% endonce %}}")
