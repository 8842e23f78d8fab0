"""Templates that another process compiles."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.rendering.apart import compile_apart
from newsletter.rendering.compiled import JoinedSource, Line, compile_html

MAIL = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"
SMALL = """
import sys
from pathlib import Path
from newsletter import memory
from newsletter.rendering import Renderer
memory.stay_small()
Renderer(override=Path(sys.argv[1])).prove()
print(*sys.modules)
"""


def source(text: str, file: str = "a.mjml") -> JoinedSource:
    joined = MAIL.format(text)
    return JoinedSource(joined, tuple(Line(file, number) for number in range(1, joined.count("\n") + 2)))


def test_it_gives_what_compiling_here_gives() -> None:
    sources = [source("{{ view.title }}"), source("{% if a < b %}ü{% endif %}")]
    assert compile_apart(sources) == [compile_html(one) for one in sources]


def test_a_mistake_is_told_with_its_file_and_line() -> None:
    with pytest.raises(TemplateError) as here:
        compile_html(source("\n<p>", "b.mjml"))
    with pytest.raises(TemplateError) as apart:
        compile_apart([source("fine"), source("\n<p>", "b.mjml")])
    assert str(apart.value) == str(here.value)
    assert "b.mjml" in str(apart.value)


def test_where_no_other_process_can_run_it_is_compiled_here_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for program in ("/bin/false", "/nowhere", "/bin/true"):
        monkeypatch.setattr(sys, "executable", program)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "newsletter"):
            assert compile_apart([source("a")]) == [compile_html(source("a"))]
        assert [record.message for record in caplog.records] == ["templates are not compiled apart"]


def test_a_process_that_stays_small_loads_nothing_that_compiles(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SMALL, str(tmp_path)], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "jinja2" in loaded
    assert not {"mjml", "premailer", "lxml", "cssutils"} & set(loaded)
