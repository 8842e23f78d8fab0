"""What the operator is mailed about the newsletter, in their language."""

from __future__ import annotations

import re
from datetime import date

import pytest

from newsletter import notices
from newsletter.delivery.policy import Alarm
from newsletter.letters import Letterhead
from newsletter.model import Cadence
from newsletter.rendering import AlertView, Finding, Renderer
from newsletter.rounds import Trouble
from newsletter.subscriptions.tokens import Tokens
from tests.rendering.editions import SITE
from tests.rendering.pages import document
from tests.store.rows import sketch

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def letterhead(renderer: Renderer, tag: str) -> Letterhead:
    return Letterhead(
        SITE, "papers@papers.example.org", "", "secret", Tokens("secret"), renderer, operator_language=tag
    )


def paused(renderer: Renderer, tag: str) -> AlertView:
    issues = [sketch(DAY, cadence=cadence) for cadence in (Cadence.DAILY, Cadence.WEEKLY)]
    return notices.paused_issues(issues, Alarm(31, 100), ["554 blocked"], letterhead(renderer, tag))


def commands(html: str) -> list[str]:
    return [one.text_content() for one in document(html).cssselect("code")]


def test_commands_are_code_in_html_and_stand_between_backticks_in_text(renderer: Renderer) -> None:
    mail = renderer.fill(paused(renderer, "en"))
    assert commands(mail.html) == ["newsletter check", "newsletter issue resume 2026-11-23", "newsletter send"]
    assert all("monospace" in one.get("style") for one in document(mail.html).cssselect("code"))
    assert "`" not in mail.html
    assert "`newsletter issue resume 2026-11-23` and then" in mail.text
    draft = renderer.fill(notices.no_issue(DAY, Trouble.DRAFT, "", letterhead(renderer, "en")))
    assert commands(draft.html)[0] == "newsletter issue approve"  # of the introduction


def test_what_is_no_pair_of_backticks_stays_as_it_is_said(renderer: Renderer) -> None:
    alert = AlertView(
        site=SITE,
        title="a `title`",
        introduction="one ` alone",
        findings=(Finding("the server", "said `this`"),),
        advice=("run `<b>it</b>` and ` again", "``"),
    )
    mail = renderer.fill(alert)
    said = " ".join(document(mail.html).text_content().split())
    assert commands(mail.html) == ["<b>it</b>", ""]
    for words in ("A `title`", "one ` alone", "said `this`", "run <b>it</b> and ` again"):
        assert words in said


@pytest.mark.parametrize("tag", ["de", "zh"])
def test_an_alert_is_in_one_language(renderer: Renderer, tag: str) -> None:
    view = paused(renderer, tag)
    own = re.sub(r"`[^`]*`", "", " ".join((view.title, view.introduction, *view.advice)))
    for english in ("paused", "issue", "messages", "failed", "bounced", "reason"):
        assert english not in own
    for told in ("31", "100", "2026-11-23"):
        assert told in view.introduction
    assert "`newsletter issue resume 2026-11-23`" in view.advice[1]


def test_issues_of_several_days_are_resumed_each(renderer: Renderer) -> None:
    issues = [sketch(DAY), sketch(date(2026, 11, 24)), sketch(date(2026, 11, 24), cadence=Cadence.WEEKDAYS)]
    view = notices.paused_issues(issues, Alarm(50, 50), [], letterhead(renderer, "en"))
    assert view.introduction == (
        "Paused: the daily issue of 2026-11-23, the daily issue of 2026-11-24 and the weekday issue of 2026-11-24. "
        "The reason: 50 of the last 50 messages failed or bounced."
    )
    resume = "`newsletter issue resume 2026-11-23` and `newsletter issue resume 2026-11-24`"
    assert resume in view.advice[1]
