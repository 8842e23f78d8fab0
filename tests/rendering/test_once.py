"""The tag that fills a block once for the same values."""

from __future__ import annotations

import jinja2
import pytest

from newsletter.rendering.patchwork import link
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


def test_blanks_are_each_mails_own_in_a_block_that_is_filled_once() -> None:
    asked: list[str] = []

    def said(title: str) -> str:
        asked.append(title)
        return title.upper()

    source = "{% once title=a with url=b, more=c %}{{ url }} {{ said(title) }} {{ more }}{{ url }}{% endonce %}"
    environment = text_environment()
    environment.globals["said"] = said
    template = environment.from_string(source)
    assert template.render(a="x", b="1", c="2") == "1 X 21"
    asked.clear()
    assert template.render(a="x", b="<3>", c="4") == "<3> X 4<3>"
    assert asked == []


def test_a_block_can_ask_whether_a_blank_is_empty() -> None:
    template = text_environment().from_string("{% once a=a with b=b %}{% if b %}{{ a }}{{ b }}{% endif %}{% endonce %}")
    assert [template.render(a="x", b=b) for b in ("1", "", "2")] == ["x1", "", "x2"]


def test_what_is_put_into_blanks_is_escaped_in_html_once() -> None:
    template = html_environment().from_string("{% once a=a with b=b %}<b>{{ a }}{{ b }}</b>{% endonce %}")
    assert template.render(a="<", b="&<") == "<b>&lt;&amp;&lt;</b>"
    assert template.render(a="<", b=link("https://a.example/?a=1&b=2")) == "<b>&lt;https://a.example/?a=1&amp;b=2</b>"
    assert template.render(a="<", b=link("https://a.example/a")) == "<b>&lt;https://a.example/a</b>"


@pytest.mark.parametrize("written", ["b | upper", "b | length ~ b[3:]", "b | replace('a', 'b') ~ b[1:]"])
def test_a_blank_that_is_written_in_another_way_is_a_mistake_of_its_template(written: str) -> None:
    template = text_environment().from_string(f"{{% once a=1 with b=b %}}{{{{ {written} }}}}{{% endonce %}}")
    with pytest.raises(jinja2.TemplateRuntimeError, match="only be written as it is"):
        template.render(b="abc")


@pytest.mark.parametrize(
    "tag",
    ["{% once %}", "{% once a %}", "{% once a= %}", "{% once a=1 b=2 %}", "{% once a=1 with %}", "{% once with a=1 %}"],
)
def test_a_tag_without_names_is_a_mistake_of_its_template(tag: str) -> None:
    with pytest.raises(jinja2.TemplateSyntaxError):
        text_environment().from_string(f"{tag}x{{% endonce %}}")
