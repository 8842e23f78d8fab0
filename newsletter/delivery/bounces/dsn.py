"""Delivery status notifications: RFC 3464, and what programs make of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from newsletter.delivery.bounces import addresses
from newsletter.delivery.bounces.mail import Part, fields
from newsletter.delivery.bounces.report import Failure
from newsletter.delivery.bounces.verdict import decide, passed

_KINDS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_GROUPS = re.compile(r"\n[ \t]*\n+")
_NAMING = ("final-recipient", "original-recipient", "x-actual-recipient")
_OF_A_RECIPIENT = frozenset({*_NAMING, "action", "status", "diagnostic-code"})
_LIKE_A_REPORT = re.compile(r"^(?:final|original)-recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(r"^action[ \t]*:|^status[ \t]*:[ \t]*[245]\.", re.IGNORECASE | re.MULTILINE)
_MOST_RECIPIENTS = 200

Group = Mapping[str, tuple[str, ...]]


def is_report(part: Part) -> bool:
    """Tell whether a part is, or holds under another name, the fields of RFC 3464."""
    if part.kind in _KINDS:
        return True
    if not part.kind.startswith(("text/", "multipart/", "application/octet-stream")) or part.kind == "text/html":
        return False
    text = part.text
    return bool(_LIKE_A_REPORT.search(text) and _ACTION.search(text))


def failures(part: Part, notice: str) -> list[Failure] | None:
    """Give the recipients that a report says were not reached; none where all is well with all of them.

    `notice` is the explanation for people that came with it. None where the part names no recipient and no status.
    """
    groups = list(_recipients(part.text))
    if not groups:
        return None
    return [_failure(group, notice if len(groups) == 1 else "") for group in groups if not _well(group)]


def originals(part: Part) -> tuple[str, ...]:
    """Give whom a report says the message was first sent to."""
    return addresses.distinct(
        addresses.typed(value) for group in _recipients(part.text) for value in group.get("original-recipient", ())
    )


def _recipients(text: str) -> Iterator[Group]:
    count = 0
    for lines in _GROUPS.split(text):
        for group in _parted(lines):
            if _OF_A_RECIPIENT & group.keys() and count < _MOST_RECIPIENTS:
                count += 1
                yield group


def _parted(lines: str) -> Iterator[Group]:
    """Part what should have been parted by an empty line: each recipient has one Final-Recipient."""
    rest: list[str] = []
    for line in lines.split("\n"):
        if line.lower().startswith("final-recipient") and any(one.lower().startswith("final-rec") for one in rest):
            yield fields("\n".join(rest))
            rest = []
        rest.append(line)
    yield fields("\n".join(rest))


def _first(group: Group, name: str) -> str:
    return next(iter(group.get(name, ())), "")


def _action(group: Group) -> str:
    return _first(group, "action").lower()


def _well(group: Group) -> bool:
    action = _action(group)
    return passed(action) if action else _first(group, "status").startswith("2")


def _failure(group: Group, notice: str) -> Failure:
    named = [found for name in _NAMING if (found := addresses.typed(_first(group, name)))]
    # A mailbox inside of a server, as `ada@ims-daemon`, is nobody whom we know; whom we wrote to stands beside it.
    recipient = next((one for one in named if "." in one.rpartition("@")[2]), next(iter(named), ""))
    status, _, comment = _first(group, "status").partition("(")
    # Exchange has a field of its own for what another server said.
    told = group.get("diagnostic-code") or group.get("x-supplementary-info", ())
    replies = [value.partition(";")[2] or value for value in told]
    # The comment is the status once more in words: what the server itself said goes before it.
    around = f"{comment}\n{notice}"
    verdict = decide(" ".join(replies), status=status, action=_action(group), around=around, session=notice)
    return Failure(recipient, verdict)
