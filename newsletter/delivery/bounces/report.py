"""What a mail that came back says, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from newsletter.model import BounceKind


class Reason(StrEnum):
    """Why a message was not delivered."""

    USER_UNKNOWN = "user unknown"
    HOST_UNKNOWN = "host unknown"
    MOVED = "moved"
    TAKES_NO_MAIL = "takes no mail"
    MAILBOX_FULL = "mailbox full"
    SUSPENDED = "suspended"
    SENDER = "sender refused"
    RELAYING = "relaying denied"
    SPAM = "spam"
    AUTHENTICATION = "authentication"
    POLICY = "policy"
    SIZE = "size"
    CONTENT = "content"
    RATE = "rate"
    NETWORK = "network"
    EXPIRED = "expired"
    SYSTEM = "system"
    OTHER = "other"


# The address or its domain can never receive. Everything else may pass, whatever the first digit of its status.
NEVER = frozenset({Reason.USER_UNKNOWN, Reason.HOST_UNKNOWN, Reason.MOVED, Reason.TAKES_NO_MAIL})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why one recipient was not reached; `status` is the enhanced code (RFC 3463) that was given, if one was.

    `delayed`: it has not been given up yet, so nothing has happened that counts.
    """

    kind: BounceKind
    reason: Reason
    status: str | None = None
    delayed: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient that was not reached; '' where the report does not say who."""

    recipient: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Traces:
    """What in a mail may lead to a delivery of ours; all of it is a stranger's word until a signature is checked.

    `sent_to`: the addresses that it came to. `senders` and `message_ids`: of the message that it returns. `originals`:
    whom that message, or the report, says it was for.
    """

    sent_to: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    originals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BounceReport:
    """What a mail says of messages of ours. `recipients` are those who were not reached, or who complained.

    Of several recipients the worst decides: hard before soft. A mail that is neither bounce nor complaint is `NONE`.
    """

    kind: BounceKind
    recipients: tuple[str, ...] = ()
    status: str | None = None
    reason: Reason | None = None
    delayed: bool = False
    traces: Traces = Traces()
