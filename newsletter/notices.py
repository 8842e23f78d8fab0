"""What the operator is mailed about the newsletter itself. `Letterhead.notice` makes the message of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from newsletter.delivery.policy import Alarm
from newsletter.letters import Letterhead
from newsletter.model import Cadence, Issue
from newsletter.pipeline import Pulled
from newsletter.rendering import AlertView, Finding, Language
from newsletter.rounds import Trouble


def failing_sources(failing: Sequence[Pulled], letterhead: Letterhead) -> AlertView:
    """Tell of sources that failed again and again, with each one's last error."""
    say = letterhead.operators
    return AlertView(
        site=letterhead.site,
        language=letterhead.operator_language,
        title=say("cannot read %(names)s", names=say.listed([one.source for one in failing])),
        introduction=say("These sources could not be read, several times in a row. The others are read as before."),
        findings=tuple(
            Finding(
                say.many("%(name)s, %(count)s time", "%(name)s, %(count)s times", one.failures, name=one.source),
                one.error,
            )
            for one in failing
        ),
        advice=(
            say("They are tried again, at growing intervals. `newsletter ingest NAME` tries one of them at once."),
            say("`newsletter check` tells how all sources do, and what else is amiss."),
        ),
    )


def paused_issues(issues: Sequence[Issue], alarm: Alarm, problems: Sequence[str], letterhead: Letterhead) -> AlertView:
    """Tell of issues that were paused, why, and what the mail server said."""
    say = letterhead.operators
    failed, last = say.number(alarm.failed), say.number(alarm.last)
    why = say("%(failed)s of the last %(last)s messages failed or bounced", failed=failed, last=last)
    days = sorted({issue.day.isoformat() for issue in issues})
    resume = say.listed([f"`newsletter issue resume {day}`" for day in days])
    return AlertView(
        site=letterhead.site,
        language=letterhead.operator_language,
        title=say("paused, %(why)s", why=why),
        introduction=say(
            "Paused: %(issues)s. The reason: %(why)s.", issues=say.listed([_name(one, say) for one in issues]), why=why
        ),
        findings=tuple(Finding(say("The mail server said"), problem) for problem in problems),
        advice=(
            say("Going on would harm the name of the sender. `newsletter check` looks at mail server and domain."),
            say("Once that is mended, %(resume)s and then `newsletter send` send the rest.", resume=resume),
        ),
    )


def _name(issue: Issue, say: Language) -> str:
    day = issue.day.isoformat()
    if issue.cadence is Cadence.WEEKDAYS:
        return say("the weekday issue of %(day)s", day=day)
    if issue.cadence is Cadence.WEEKLY:
        return say("the weekly issue of %(day)s", day=day)
    return say("the daily issue of %(day)s", day=day)


def no_issue(day: date, why: Trouble, detail: str, letterhead: Letterhead) -> AlertView:
    """Tell that no issue of a day went out by its hour, and why not as far as can be seen."""
    say = letterhead.operators
    reasons = {
        Trouble.NO_PAPERS: say("No papers came since the issue before. On a holiday that is as it should be."),
        Trouble.NOT_OPENED: say("Papers are there, but the issue was not made."),
        Trouble.DRAFT: say("It waits for `newsletter issue approve`."),
        Trouble.PAUSED: say("It is paused; `newsletter issue resume` lets it go on."),
        Trouble.STUCK: say("Its messages wait and do not leave."),
        Trouble.AHEAD: say(
            "There is an issue of a day that is still to come: the clock of this machine was ahead. Issues open again "
            "when that day is over, or `newsletter restore` goes back to before it."
        ),
    }
    return AlertView(
        site=letterhead.site,
        language=letterhead.operator_language,
        title=say("no issue of %(day)s went out", day=day.isoformat()),
        introduction=reasons[why],
        findings=(Finding(say("What happened last"), detail),) if detail else (),
        advice=(
            say("`newsletter check` looks at everything: sources, database, mail server and domain."),
            say("This is said once a day; `schedule.alert_after` is the setting for when."),
        ),
    )


def trial_mail(letterhead: Letterhead) -> AlertView:
    """Show the operator that mail arrives."""
    say = letterhead.operators
    return AlertView(
        site=letterhead.site,
        language=letterhead.operator_language,
        title=say("a test mail"),
        introduction=say("This is how mail of %(name)s arrives. Nothing is wrong.", name=letterhead.site.name),
        findings=(),
        advice=(say("`newsletter check` tells what is still to be done before others are mailed."),),
    )
