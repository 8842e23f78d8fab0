"""Makes the bytes of a message, by hand: headers, and multipart/alternative with the text first.

By hand for two reasons. `EmailMessage` with `policy.SMTP` turns a List-Unsubscribe of more than 78 characters into an
RFC 2047 encoded word, which mail clients ignore (CPython issue 85725); and it takes five times as long. What it would
check is checked here: no control characters in headers, no line over 998 bytes, encoded words that never split a
character. The result is the same for the same arguments, so a message that is sent again is the same message.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from newsletter.errors import MessageError
from newsletter.model import Message
from newsletter.rendering.headers import ascii_address, checked, mailbox, parsed, unstructured, web_address
from newsletter.rendering.mails import SiteView
from newsletter.rendering.patchwork import quoted_printable
from newsletter.rendering.view import Links

_LONGEST_LINE = 998  # bytes, RFC 5322 section 2.1.1
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")


class Rendering(Protocol):
    """What a message is made of (see `renderer.Rendered`)."""

    @property
    def subject(self) -> str:
        """One line."""

    @property
    def html(self) -> str:
        """The HTML part."""

    @property
    def text(self) -> str:
        """The plain text part."""


def compose(
    rendered: Rendering,
    *,
    site: SiteView,
    sender: str,
    recipient: str,
    recipient_name: str,
    envelope_sender: str,
    message_id: str,
    date: datetime,
    links: Links,
    feedback_id: str = "",
) -> Message:
    """Give the message for one recipient. `sender` is `Name <address>`, `message_id` stands in its angle brackets.
    `feedback_id` is what mail services sum up complaints by (the Feedback-ID of Gmail's Postmaster Tools).

    Domains may be international; they are written in their ASCII form. A local part outside of ASCII would need
    SMTPUTF8 at every hop and is refused. Raises MessageError: a control character in a header, an address or URL
    that is none.
    """
    more = _list_headers(site, parsed(sender)[1], links)
    if feedback_id:
        more.append(f"Feedback-ID: {checked('Feedback-ID', feedback_id)}")
    return _composed(
        rendered,
        sender=sender,
        recipient=recipient,
        recipient_name=recipient_name,
        envelope_sender=envelope_sender,
        message_id=message_id,
        date=date,
        more=more,
    )


def compose_notice(
    rendered: Rendering, *, sender: str, recipient: str, envelope_sender: str, message_id: str, date: datetime
) -> Message:
    """Give a message that is no issue of the list, to somebody who may not be on it. Raises MessageError."""
    return _composed(
        rendered,
        sender=sender,
        recipient=recipient,
        recipient_name="",
        envelope_sender=envelope_sender,
        message_id=message_id,
        date=date,
        more=["Auto-Submitted: auto-generated"],
    )


def _composed(
    rendered: Rendering,
    *,
    sender: str,
    recipient: str,
    recipient_name: str,
    envelope_sender: str,
    message_id: str,
    date: datetime,
    more: list[str],
) -> Message:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise MessageError(f"{message_id!r} is no Message-ID", hint="it must be of the form <name@domain>, in ASCII")
    if date.tzinfo is None:
        raise MessageError("the date of a message needs a time zone")
    to_address = ascii_address(recipient)
    from_name, from_address = parsed(sender)
    subject = checked("Subject", rendered.subject)
    boundary = "=_" + sha256(message_id.encode()).hexdigest()[:32]
    headers = [
        f"Date: {_date(date)}",
        f"From: {mailbox(from_name, from_address, used=6)}",
        f"To: {mailbox(checked('To', recipient_name), to_address, used=4)}",
        f"Subject: {unstructured(subject, used=9)}",
        f"Message-ID: {message_id}",
        *more,
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
    ]
    try:
        data = _joined(headers, rendered, boundary)
    except UnicodeEncodeError as error:
        raise MessageError(f"the message cannot be encoded: {error}") from error
    return Message(
        recipient=to_address,
        envelope_sender=ascii_address(envelope_sender),
        message_id=message_id,
        subject=subject,
        html=rendered.html,
        text=rendered.text,
        data=data,
        sound=True,  # headers are checked and folded here, bodies are quoted-printable of ours
    )


_date = lru_cache(maxsize=64)(format_datetime)  # all mails of a run have the same


def _list_headers(site: SiteView, from_address: str, links: Links) -> list[str]:
    """The headers of RFC 2369, 2919, 3834, 5064 and 8058. URLs stand unfolded, however long."""
    unsubscribe = web_address("List-Unsubscribe", links.unsubscribe)
    headers = [_list_id(site.name, from_address), f"List-Unsubscribe: <{unsubscribe}>"]
    if unsubscribe.startswith("https://"):  # RFC 8058 section 3.1 asks for HTTPS; without it, say nothing of one click
        headers.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return [
        *headers,
        f"List-Help: <{web_address('List-Help', site.url)}>",
        "List-Post: NO",
        f"Archived-At: <{web_address('Archived-At', links.archive)}>",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
    ]


@lru_cache(maxsize=64)
def _list_id(site_name: str, from_address: str) -> str:
    """The list's name and id. The id comes of the sender's address, which outlives a change of the site's name."""
    local, _, domain = from_address.rpartition("@")
    label = re.sub(r"[^a-z0-9-]+", "-", local.lower()).strip("-") or "newsletter"
    return f"List-Id: {mailbox(checked('List-Id', site_name), f'{label}.{domain}', used=9)}"


def _joined(headers: list[str], rendered: Rendering, boundary: str) -> bytes:
    head = "\r\n".join(headers)
    for line in head.split("\r\n"):
        if len(line) > _LONGEST_LINE:
            raise MessageError(f"a header line has more than {_LONGEST_LINE} bytes: {line[:40]}…")
    part = (
        f"--{boundary}\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return b"".join((
        head.encode("ascii"), b"\r\n\r\n",
        (part % "plain").encode("ascii"), quoted_printable(rendered.text), b"\r\n",
        (part % "html").encode("ascii"), quoted_printable(rendered.html), b"\r\n",
        f"--{boundary}--\r\n".encode("ascii"),
    ))  # fmt: skip
