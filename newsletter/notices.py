"""What the operator is mailed about the newsletter itself. `Letterhead.notice` makes the message of it."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.letters import Letterhead
from newsletter.pipeline import Pulled
from newsletter.rendering import AlertView, Finding


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


def paused_issue(name: str, why: str, problems: Sequence[str], *, resume: str, letterhead: Letterhead) -> AlertView:
    """Tell of an issue that was paused, why, and what the mail server said. `resume` is the command that goes on."""
    say = letterhead.operators
    return AlertView(
        site=letterhead.site,
        language=letterhead.operator_language,
        title=say("paused, %(why)s", why=why),
        introduction=say("The %(issue)s is paused: %(why)s.", issue=name, why=why),
        findings=tuple(Finding(say("The mail server said"), problem) for problem in problems),
        advice=(
            say("Going on would harm the name of the sender. `newsletter check` looks at mail server and domain."),
            say("Once that is mended, %(resume)s and then `newsletter send` send the rest.", resume=resume),
        ),
    )
