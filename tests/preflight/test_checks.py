"""What checks of a finished mail find: nothing in what we ship, and every fault that is put in."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import newsletter.preflight
from newsletter.model import Message
from newsletter.preflight import Letter, Level, inspect
from newsletter.preflight.contrast import legible, texts
from newsletter.preflight.spam import spam
from newsletter.preflight.support import allowed, facts, features
from newsletter.rendering import Language, Renderer, language
from newsletter.rendering.theme import contrast, invert
from tests.rendering.arabic import arabic
from tests.rendering.editions import golden_view, message
from tests.rendering.mails import as_message, every


@pytest.fixture(scope="module")
def daily() -> Message:
    return message(Renderer().render(golden_view()))


def changed(sent: Message, old: str, new: str) -> Message:
    """The message with something else in it, wherever quoted-printable has not broken it."""
    data = sent.data.replace(b"=\r\n", b"").decode()
    assert old in data, old
    return Message(
        sent.recipient, sent.envelope_sender, sent.message_id, sent.subject, "", "", data.replace(old, new).encode()
    )


def faults(sent: Message, check: str) -> list[str]:
    return [one.what for one in inspect(sent) if one.check == check and one.level is not Level.OK]


def without_placeholders(sent: Message) -> list[str]:
    return [one.what for one in inspect(sent) if one.level is not Level.OK and "placeholder" not in one.what]


@pytest.mark.parametrize("theme", ["journal", "bulletin"])
@pytest.mark.parametrize("tag", ["en", "de", "zh"])
def test_nothing_is_wrong_with_any_mail_that_ships(theme: str, tag: str) -> None:
    for name, rendered in every(Renderer(theme), language(tag)).items():
        assert without_placeholders(as_message(name, rendered)) == [], name


def test_nor_from_right_to_left(tmp_path: Path) -> None:
    say: Language = arabic(tmp_path)
    for name, rendered in every(Renderer(override=tmp_path), say).items():
        assert without_placeholders(as_message(name, rendered)) == [], name


@pytest.mark.parametrize(
    ("check", "old", "new", "said"),
    [
        ("headers", "List-Unsubscribe: <", "X-Gone: <", "there is no List-Unsubscribe"),
        ("headers", "List-Unsubscribe: <https", "List-Unsubscribe: <http", "no one-click unsubscribe"),
        ("headers", "Archived-At: <https://", "Archived-At: <", "Archived-At is no web address"),
        ("headers", "Date: ", "X-Date: ", "there is no Date"),
        ("headers", "Subject: ", "Subject: " + "long words " * 9, "characters, of which phones show some 40"),
        ("text", "Content-Type: text/plain", "Content-Type: text/enriched", "there is no text part"),
        ("text", "\r\nFOR YOU", "\r\n" + "FOR YOU " * 12, "columns of 76"),
        ("text", 'href=3D"https://arxiv.org/pdf/2611.00002"', 'href=3D"https://arxiv.org/pdf/0"', "is not in the text"),
        ("personal", "A Survey of", "Dear , a survey of", "'Dear ,' looks like"),
        ("personal", "We prove", "{{ card.title }} prove", "'{{' looks like"),
        ("images", "<h1", '<img src=3D"https://x.test/a.png"><h1', "a picture without alt"),
        ("images", "<h1", '<img alt=3D"" src=3D"https://x.test/a.png"><h1', "a picture of no fixed size"),
        ("images", "<h1", '<img alt=3D"" width=3D1 height=3D1 src=3D"a.png"><h1', "cannot be fetched"),
        ("images", ">Unsubscribe<", "><", "a link without words"),
        ("links", "https://arxiv.org/pdf/2611.00002", "http://arxiv.org/pdf/2611.00002", "is not encrypted"),
        ("links", 'href=3D"https://arxiv.org/pdf/2611.00002"', 'href=3D"javascript:x()"', "javascript cannot be"),
        ("links", 'href=3D"https://arxiv.org/pdf/2611.00002"', 'href=3D""', "a link leads nowhere"),
        ("links", 'href=3D"https://arxiv.org/pdf/2611.00002"', 'href=3D"/pdf"', "a path cannot be opened"),
        ("support", "</h1>", '</h1><p style=3D"position:absolute">x</p>', "css-position is unknown to"),
        ("support", "</h1>", "</h1><video></video>", "html-video is unknown to"),
        ("support", "</head>", "<style>p::before { color: red }</style></head>", "css-pseudo-element-before is"),
        ("contrast", "color:#5d6265", "color:#b0b0b0", "on a light screen, less than 4.5:1"),
        ("contrast", "color: #a5aaab", "color: #404040", "on a dark screen, less than 4.5:1"),
        ("contrast", ".foot a { color: #d7d5ce", ".foot b { color: #d7d5ce", "in Outlook.com’s dark mode"),
        ("contrast", "color:#1d5458", "color:#3a46c8", "where Gmail inverts colours"),
    ],
)  # fmt: skip
def test_a_fault_is_found(daily: Message, check: str, old: str, new: str, said: str) -> None:
    assert faults(daily, check) in ([], ["looms.example.org is a placeholder", "papers.example.org is a placeholder"])
    found = faults(changed(daily, old, new), check)
    assert any(said in one for one in found), found


def test_a_mail_that_gmail_would_cut_off_fails(daily: Message) -> None:
    assert "Gmail cuts it off" in faults(changed(daily, "</h1>", "</h1>" + "<p>word</p>" * 8_000), "size")[0]
    assert (
        "close to where"
        in faults(changed(daily, "</h1>", "</h1>" + "w" * (101_000 - Letter(daily.data).encoded)), "size")[0]
    )
    style = "<style>" + "p { color: #000 }" * 1_000 + "</style></head>"
    assert "is not read by Gmail" in faults(changed(daily, "</head>", style), "size")[0]


def test_what_is_found_says_where_it_is_and_how_to_mend_it(daily: Message) -> None:
    for one in inspect(changed(daily, "color:#5d6265", "color:#b0b0b0")):
        assert bool(one.cure) == bool(one.where) == (one.level is not Level.OK)


def test_links_are_asked_only_when_that_is_wanted_and_personal_ones_never(daily: Message) -> None:
    asked: list[str] = []

    def ask(url: str) -> str:
        asked.append(url)
        return "it answers 404" if url.endswith("2611.00002") else ""

    found = [
        one for one in inspect(changed(daily, "papers.example.org", "papers.lab.test"), ask=ask) if one.check == "links"
    ]
    assert {"is dead: it answers 404"} == {one.what for one in found if one.level is Level.FAILED}
    assert asked
    assert not [url for url in asked if "/feedback/" in url or "/unsubscribe/" in url]


def test_a_feature_is_allowed_only_with_a_reason_and_while_it_is_used() -> None:
    used = set[str]()
    for mail in every(Renderer()).values():
        page = Letter(as_message("daily", mail).data).page
        assert page is not None
        used |= features(page)
    assert set(allowed()) <= used, "what no mail uses needs no leave"
    assert all(len(reason.split()) > 4 for reason in allowed().values())
    lacking = {name for name in used if "n" in facts()[name].values()}
    assert lacking == set(allowed())


def test_the_facts_name_their_source() -> None:
    document = json.loads((Path(newsletter.preflight.__file__).parent / "support.json").read_text())
    assert "caniemail" in document["source"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", document["date"])
    assert len(document["features"]) > 250


def test_colours_are_inverted_as_gmail_does_it() -> None:
    assert invert("#ffffff") == "#000000"
    assert invert("#000000") == "#ffffff"
    assert invert("#ff0000") == "#ff0000"
    assert contrast(invert("#5d6265"), invert("#fffefb")) > 4.5


def test_hidden_text_needs_no_contrast(daily: Message) -> None:
    page = Letter(daily.data).page
    assert page is not None
    assert not [seen for seen in texts(page, "light") if "preheader" in (seen.element.get("class") or "")]
    assert [one.level for one in legible(Letter(daily.data))] == [Level.OK]


@pytest.fixture
def filter_saying(tmp_path: Path) -> Callable[[str], str]:
    """A program in place of SpamAssassin, which says what a test wants: no real mail scores as badly as that."""

    def made(score: str) -> str:
        program = tmp_path / "spamassassin"
        rule = f" {score} BAD_WORDS   BODY: words that spam has"
        lines = ["#!/bin/sh", "cat >/dev/null", "cat <<END", f"X-Spam-Status: No, score={score} required=5.0", "",
                 "Content analysis details:", rule, "END"]  # fmt: skip
        program.write_text("\n".join(lines) + "\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return str(program)

    return made


@pytest.mark.parametrize(("score", "level"), [("0.4", Level.OK), ("1.5", Level.WARNING), ("6.1", Level.FAILED)])
def test_the_score_of_a_spam_filter_decides(
    daily: Message, filter_saying: Callable[[str], str], score: str, level: Level
) -> None:
    [found] = [one for one in inspect(daily, spamassassin=filter_saying(score)) if one.check == "spam"]
    assert found.level is level
    assert level is Level.OK or "BAD_WORDS" in found.where


def test_a_spam_filter_that_breaks_is_told(daily: Message) -> None:
    [found] = [one for one in inspect(daily, spamassassin="/bin/false") if one.check == "spam"]
    assert found.level is Level.WARNING


def test_a_spam_filter_that_never_answers_is_not_waited_for(daily: Message, tmp_path: Path) -> None:
    program = tmp_path / "spamassassin"
    program.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    program.chmod(0o700)
    [found] = spam(Letter(daily.data), str(program), patience=0.1)
    assert found.level is Level.WARNING
    assert "timed out" in found.what


def test_a_spam_filter_that_is_missed_is_told_and_one_that_is_not_wanted_is_not(daily: Message) -> None:
    assert [one.level for one in inspect(daily, spamassassin="") if one.check == "spam"] == [Level.WARNING]
    assert not [one for one in inspect(daily) if one.check == "spam"]


@pytest.mark.spamassassin
def test_a_real_spam_filter_knows_spam(daily: Message) -> None:
    gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    sold = changed(daily, "We prove that", gtube)
    said = inspect(sold, spamassassin=os.environ["NEWSLETTER_TEST_SPAMASSASSIN"])
    [found] = [one for one in said if one.check == "spam"]
    assert found.level is Level.FAILED
    assert "GTUBE" in found.where
