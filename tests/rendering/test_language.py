"""Languages: which one a reader gets, what is in it, and that catalogues hold all there is to say."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from newsletter.errors import TemplateError
from newsletter.model import Reason, ReasonKind
from newsletter.rendering import Notice, Renderer, available, language
from newsletter.rendering.language import DOMAIN, SHIPPED
from newsletter.rendering.plaintext import WIDTH, columns
from newsletter.rendering.words import Span, reason
from tests.rendering.arabic import arabic
from tests.rendering.editions import golden_view
from tests.rendering.notices import NOTICES
from tests.rendering.pages import document

ROOT = Path(__file__).parents[2]
LANGUAGES = ["de", "zh"]


def catalogue(file: Path, locale: str = "en") -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream, locale=locale)


def messages(found: Catalog) -> set[str]:
    return {str(message.id) for message in found if message.id}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What templates and modules say now, as `make translations` finds it."""
    [command] = [line for line in (ROOT / "Makefile").read_text().split("$(BIN)/pybabel ") if " extract " in line]
    words = shlex.split(command.partition("-F ")[0].replace("\\\n", " "))
    out = tmp_path_factory.mktemp("pot") / "found.pot"
    pybabel = [sys.executable, "-m", "babel.messages.frontend"]
    setup = ["-F", "newsletter/locales/extract.cfg", "-o", str(out), "."]
    subprocess.run([*pybabel, *words, *setup], cwd=ROOT, check=True, timeout=60)
    return catalogue(out)


@pytest.mark.parametrize("tag", LANGUAGES)
class TestACatalogue:
    def test_holds_what_is_said_and_nothing_else(self, spoken: Catalog, tag: str) -> None:
        found = catalogue(SHIPPED / tag / "LC_MESSAGES" / f"{DOMAIN}.po", tag)
        assert len(messages(spoken)) > 100
        assert messages(found) == messages(spoken), "`make translations` brings it up to date"
        assert not found.obsolete

    def test_is_whole_and_fits_its_messages(self, tag: str) -> None:
        found = catalogue(SHIPPED / tag / "LC_MESSAGES" / f"{DOMAIN}.po", tag)
        for message in found:
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            assert all(strings), message.id
            assert not message.fuzzy, message.id
        assert [(message.id, errors) for message, errors in found.check()] == []

    def test_is_compiled(self, tag: str) -> None:
        folder = SHIPPED / tag / "LC_MESSAGES"
        made = io.BytesIO()
        write_mo(made, catalogue(folder / f"{DOMAIN}.po", tag))
        assert (folder / f"{DOMAIN}.mo").read_bytes() == made.getvalue(), "`make translations` compiles it"


def test_those_that_ship_are_known() -> None:
    assert available() == ("en", *LANGUAGES)


@pytest.mark.parametrize(
    ("wanted", "tag", "locale"),
    [
        ("en", "en", "en_GB"),
        ("en-US", "en", "en_US"),
        ("de", "de", "de"),
        ("de-AT", "de", "de_AT"),
        ("DE_ch", "de", "de_CH"),
        ("zh-Hans-CN", "zh", "zh_Hans_CN"),
        ("zh-CN", "zh", "zh_Hans_CN"),
        ("pt-BR", "en", "en_GB"),
        ("ar", "en", "en_GB"),
        ("xx-klingon", "en", "en_GB"),
        ("../../etc", "en", "en_GB"),
    ],
)
def test_a_reader_gets_the_nearest_language_there_is(wanted: str, tag: str, locale: str) -> None:
    found = language(wanted)
    assert (found.tag, found.locale) == (tag, locale)


def test_dates_numbers_and_lists_are_those_of_the_language() -> None:
    day = date(2026, 11, 23)
    said = {tag: language(tag) for tag in ("en", "en-US", "de", "zh")}
    assert {tag: one.long_date(day) for tag, one in said.items()} == {
        "en": "Monday, 23 November 2026",
        "en-US": "Monday, November 23, 2026",
        "de": "Montag, 23. November 2026",
        "zh": "2026年11月23日星期一",
    }
    assert [one.number(1234567) for one in said.values()] == ["1,234,567", "1,234,567", "1.234.567", "1,234,567"]
    assert [one.listed(["A", "B", "C"]) for one in said.values()] == [
        "A, B and C",
        "A, B, and C",
        "A, B und C",
        "A、B和C",
    ]


@pytest.mark.parametrize("kind", ReasonKind)
@pytest.mark.parametrize("span", Span)
def test_every_reason_is_translated(kind: ReasonKind, span: Span) -> None:
    why = Reason(kind, "108 upvotes" if kind is ReasonKind.POPULAR else "X")
    said = {reason(language(tag), why, span) for tag in ("en", "de", "zh")}
    assert len(said) == 3


@pytest.mark.parametrize("tag", LANGUAGES)
def test_an_issue_is_in_its_readers_language_throughout(renderer: Renderer, tag: str) -> None:
    say = language(tag)
    mail = renderer.render(golden_view(say))
    page = document(mail.html)
    assert page.get("lang") == tag
    english = (
        "Why",
        "For you",
        "Also",
        "More like",
        "Not for",
        "Abstract of",
        "Unsubscribe",
        "You get",
        "Monday",
        "Nov ",
    )
    for part in (mail.subject, mail.text, page.text_content()):
        assert [word for word in english if word in part] == []
    for word in (say("Why:"), say("For you"), say("Unsubscribe"), say("More like this")):
        assert word in page.text_content()
    assert all(columns(line) <= WIDTH or "://" in line for line in mail.text.split("\n"))


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("view", NOTICES, ids=lambda view: view.mail)
def test_every_other_mail_is_too(renderer: Renderer, view: Notice, tag: str) -> None:
    ours, theirs = renderer.fill(replace(view, language=tag)), renderer.fill(view)
    assert document(ours.html).get("lang") == tag
    english = {line for line in theirs.text.split("\n") if line and "://" not in line and "Papers" not in line}
    kept = english & set(ours.text.split("\n"))
    assert all(set(line) <= set("=-") or line in ALERTED for line in kept), kept


ALERTED = {"31 OF THE LAST 100 MESSAGES FAILED", "The daily issue of 23 November is paused.", "What the server said",
           "    554 5.7.1 <blocked>", "Mend the server; `newsletter check` helps."}  # fmt: skip


def test_a_language_written_from_right_to_left_turns_the_mail(tmp_path: Path) -> None:
    say = arabic(tmp_path)
    page = document(Renderer(override=tmp_path).render(golden_view(say)).html)
    assert (page.get("lang"), page.get("dir")) == ("ar", "rtl")
    texts = [block.get("style").replace(" ", "") for block in page.cssselect(".text > div")]
    assert len(texts) > 5
    assert all("text-align:right" in style for style in texts)


def test_catalogues_of_ones_own_go_before_the_shipped_ones(tmp_path: Path) -> None:
    assert available(tmp_path) == ("en", *LANGUAGES)
    say = arabic(tmp_path)
    assert say("For you") == "فور يوو"
    assert available(tmp_path) == ("en", "ar", *LANGUAGES)


def test_a_broken_catalogue_is_named(tmp_path: Path) -> None:
    file = tmp_path / "locales" / "fr" / "LC_MESSAGES" / f"{DOMAIN}.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no catalogue")
    with pytest.raises(TemplateError, match=r"newsletter\.mo"):
        language("fr", tmp_path)


def test_nothing_of_babel_is_imported_by_the_threads_that_write() -> None:
    """Its modules import each other in a circle: of threads that begin at once one would see half of it."""
    program = """
import sys
from datetime import date
from newsletter.rendering.language import language
before = set(sys.modules)
for tag in ("en", "de-AT", "zh-CN"):
    say = language(tag)
    say.listed(["a", "b"]), say.number(1234), say.long_date(date(2026, 8, 20)), say.short_date(date(2026, 8, 20))
    say.clock(7)
late = {name for name in set(sys.modules) - before if name.startswith("babel")}
assert not late, late
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
