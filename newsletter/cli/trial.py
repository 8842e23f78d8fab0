"""Test mails: sent at once by the transport that is set, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter import bootstrap
from newsletter.errors import TransportError

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.model import Message


def sent(message: Message, current: Settings) -> str:
    """Send one test mail, and give the sentence that tells where it is.

    Raises TransportError: the transport does not work, or the message was refused.
    """
    from newsletter.delivery.transport import hand_over  # noqa: PLC0415

    if problem := hand_over(bootstrap.transport(current), message).problem:
        raise TransportError(f"the test mail could not be sent: {problem}", hint="`newsletter check` tells more")
    if current.delivery.transport == "maildir":
        return f"Put a test mail into the Maildir {current.delivery.maildir}."
    if current.delivery.transport == "null":
        return "The test mail went nowhere: delivery.transport is null."
    return f"Sent a test mail to {message.recipient}."
