"""Mail to the operator, about the newsletter itself. Plain text, and through the same transport as everything else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

from newsletter.model import Message
from newsletter.pipeline import Pulled


def failing_sources(failing: Sequence[Pulled], *, site_name: str, sender: str, operator: str, now: datetime) -> Message:
    """Give the mail that tells the operator of sources that failed again and again, with each one's last error."""
    names = ", ".join(one.source for one in failing)
    lines = [f"{site_name} could not read these sources, several times in a row:", ""]
    for one in failing:
        lines += [f"{one.source} ({one.failures} times): {one.error}", ""]
    lines += ["The other sources are read as before, and these are tried again, at growing intervals.",
              "`newsletter ingest NAME` tries one of them at once.",
              "`newsletter check` tells how all sources do, and what else is amiss."]  # fmt: skip
    return _message(f"{site_name}: cannot read {names}", "\n".join(lines) + "\n", sender, operator, now)


def paused_issue(
    name: str,
    why: str,
    problems: Sequence[str],
    *,
    resume: str,
    site_name: str,
    sender: str,
    operator: str,
    now: datetime,
) -> Message:
    """Give the mail that tells the operator of an issue that was paused, why, and what the mail server said."""
    lines = [f"{site_name} has paused the {name}: {why}. Some of what the mail server said:", "", *problems, "",
             "Going on would harm the name of the sender. `newsletter check` looks at the mail server and the domain.",
             f"Once that is mended, {resume} and then `newsletter send` send the rest."]  # fmt: skip
    return _message(f"{site_name}: paused, {why}", "\n".join(lines) + "\n", sender, operator, now)


def _message(subject: str, text: str, sender: str, operator: str, now: datetime) -> Message:
    mail = EmailMessage(policy=SMTP)
    mail["Date"] = format_datetime(now)
    mail["From"] = sender
    mail["To"] = operator
    mail["Subject"] = " ".join(subject.split())[:200]
    mail["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return Message(
        recipient=operator,
        envelope_sender=parseaddr(sender)[1],
        message_id=mail["Message-ID"],
        subject=mail["Subject"],
        html="",
        text=text,
        data=mail.as_bytes(),
    )
