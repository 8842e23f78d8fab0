"""A message as checks look at it: read back from its bytes, as a mail program does it."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml.html import HtmlElement


@dataclass(frozen=True)
class Letter:
    """A message: its bytes and what is in them. `html` and `text` are empty where there is no such part."""

    data: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The message with its headers decoded."""
        return message_from_bytes(self.data, policy=default)

    @cached_property
    def html(self) -> str:
        """The HTML part."""
        return self._part("html")

    @cached_property
    def text(self) -> str:
        """The text part."""
        return self._part("plain")

    @cached_property
    def page(self) -> HtmlElement | None:
        """The HTML as a tree; None where there is none."""
        import lxml.html  # noqa: PLC0415  lazy: not everything that is sent is looked at

        return lxml.html.document_fromstring(self.html) if self.html.strip() else None

    @cached_property
    def encoded(self) -> int:
        """How many bytes the HTML part takes as it is sent."""
        part = self.message.get_body(("html",))
        return len(str(part.get_payload())) if part is not None else 0

    def header(self, name: str) -> str:
        """Give a header decoded; '' where there is none."""
        return str(self.message.get(name, ""))

    def raw_header(self, name: str) -> str:
        """Give a header as its bytes have it, unfolded: what a mail program reads that decodes nothing."""
        head = self.data.partition(b"\r\n\r\n")[0].decode("latin-1").replace("\r\n\t", " ").replace("\r\n ", " ")
        lines = (line.partition(":") for line in head.split("\r\n"))
        return next((value.strip() for key, _, value in lines if key.lower() == name.lower()), "")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        content: Any = part.get_content() if part is not None else ""
        return str(content)


def place(element: HtmlElement) -> str:
    """Say where in the mail an element is, by its class and the words that it holds."""
    name = str(element.tag) + "".join(f".{one}" for one in (element.get("class") or "").split()[:1])
    words = " ".join(element.text_content().split())
    return f"{name} “{words[:40]}{'…' if len(words) > 40 else ''}”" if words else name
