"""Messages to deliver."""

from __future__ import annotations

from newsletter.model import Message

SENDER = "papers+b-token@newsletter.test"
RECIPIENT = "ada@example.test"


def message(
    body: bytes = b"Read this.\r\n", *, recipient: str = RECIPIENT, sender: str = SENDER, number: int = 1
) -> Message:
    header = f"From: papers@newsletter.test\r\nMessage-ID: <{number}@newsletter.test>\r\nSubject: Papers\r\n\r\n"
    return Message(
        recipient=recipient,
        envelope_sender=sender,
        message_id=f"<{number}@newsletter.test>",
        subject="Papers",
        html="",
        text="",
        data=header.encode() + body,
    )
