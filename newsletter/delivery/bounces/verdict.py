"""From what a server said to what it means for the address.

`hard` is what can never be received; everything else is `soft`, whatever its first digit. Words go first, then the
enhanced status (RFC 3463, RFC 5248 and its registry at IANA, RFC 7504, RFC 7505), then the reply code (RFC 5321).
"""

from __future__ import annotations

import re

from newsletter.delivery.bounces import wording
from newsletter.delivery.bounces.report import NEVER, Reason, Verdict
from newsletter.model import BounceKind

_LONGEST = 6000  # characters of an explanation that are read

_STATUS = re.compile(r"(?<![\d.])([245])\.([0-7])\.(\d{1,3})(?![\d.]*\d)")
_CODE = re.compile(
    r"(?<![\w.])([45][0-5]\d)(?![\w.])(?! *(?:bytes|kb|mb|messages|hours|days|seconds)\b)", re.IGNORECASE
)
_PASSED = ("delivered", "relayed", "expanded", "deliverable")

# IronPort says 5.1.0 of every refused recipient, then quotes the server: `5.1.0 - Unknown address error 550-'…'`.
_BEFORE_A_QUOTE = re.compile(r"\b[45]\.\d\.\d{1,3} - [\w ]{1,60}(?=[45]\d\d[ -]')")

# At which command of SMTP a reply came, in the words of Postfix, Exim, sendmail and Courier.
_AT = r"(?:in\s+reply\s+to|after|>>>)\s*(?:pipelined\s+)?"
_OF_NO_RECIPIENT = re.compile(rf"{_AT}(?:MAIL\s+FROM|EHLO|HELO|initial\s+connection)\b", re.IGNORECASE)
_OF_A_RECIPIENT = re.compile(rf"{_AT}(?:RCPT\s+TO|(?:end\s+of\s+|sending\s+)?DATA)\b", re.IGNORECASE)
_OF_AN_ADDRESS = frozenset({Reason.USER_UNKNOWN, Reason.HOST_UNKNOWN, Reason.MOVED})

# By subject and detail of the status. Those that are not named here say too little.
_BY_STATUS = {
    (1, 0): Reason.USER_UNKNOWN,
    (1, 1): Reason.USER_UNKNOWN,
    (1, 2): Reason.HOST_UNKNOWN,
    (1, 3): Reason.USER_UNKNOWN,
    (1, 4): Reason.OTHER,
    (1, 6): Reason.MOVED,
    (1, 7): Reason.SENDER,
    (1, 8): Reason.SENDER,
    (1, 9): Reason.SYSTEM,
    (1, 10): Reason.TAKES_NO_MAIL,
    (2, 1): Reason.SUSPENDED,
    (2, 2): Reason.MAILBOX_FULL,
    (2, 3): Reason.SIZE,
    (2, 4): Reason.SYSTEM,
    (3, 1): Reason.SYSTEM,
    (3, 2): Reason.SYSTEM,
    (3, 4): Reason.SIZE,
    (4, 1): Reason.NETWORK,
    (4, 2): Reason.NETWORK,
    (4, 3): Reason.NETWORK,
    (4, 4): Reason.HOST_UNKNOWN,  # "a DNS lookup returning only an SOA record": RFC 3463, section 3.5
    (4, 5): Reason.SYSTEM,
    (4, 6): Reason.NETWORK,
    (4, 7): Reason.EXPIRED,
    (4, 310): Reason.HOST_UNKNOWN,  # Exchange Online: the domain does not exist
    (5, 3): Reason.RATE,
    (7, 25): Reason.SENDER,
    (7, 27): Reason.SENDER,
}
_OF_THE_SENDER = frozenset({".1.7", ".1.8"})  # "no such domain" is then no word about the recipient
# Exchange Online of those whom its directory does not know, and Postfix of addresses that are closed for all.
_DENIED = re.compile(r"\brecipient address rejected \| access denied\b")
_BY_SUBJECT = {6: Reason.CONTENT, 7: Reason.POLICY}
_BY_CODE = {
    "521": Reason.TAKES_NO_MAIL,
    "556": Reason.TAKES_NO_MAIL,
    "551": Reason.USER_UNKNOWN,
    "552": Reason.MAILBOX_FULL,
    "535": Reason.AUTHENTICATION,
    "530": Reason.AUTHENTICATION,
}


def passed(action: str) -> bool:
    """Tell whether an Action (RFC 3464, section 2.3.3) reports that all is well."""
    return action.startswith(_PASSED)


def decide(said: str, *, status: str = "", action: str = "", around: str = "", session: str = "") -> Verdict:
    """Give the verdict on one recipient.

    `said` is the server's reply, `status` and `action` the fields of a report, where there are any. `around` is what
    the notice says besides; it is asked where those tell nothing. `session`: what tells at which command the reply
    came, where `said` does not.
    """
    delayed = action.startswith("delayed")
    words = wording.plain(said[:_LONGEST])
    codes = [*_statuses(status), *_statuses(said)]
    why, in_words = _special(words, codes) or wording.reason(words), True
    if why is None:
        telling = [*_statuses(status), *_statuses(_BEFORE_A_QUOTE.sub("", said))]
        why, in_words = _by_codes(telling, said), False
    if why is None and wording.hints_of_unknown(words) and not _passing(codes, said):
        why = Reason.USER_UNKNOWN
    if why is None and around:
        return decide(around, status=_shown(codes) or "", action=action, session=session)
    if why is None:
        why = Reason.OTHER
    if why in _OF_AN_ADDRESS and _before_recipients(said, session):
        why = Reason.SENDER
    # What sounds final is not where the server said 4xx, unless it said in words that it is.
    passing = _passing(codes, said) and (not in_words or wording.may_pass(words))
    if why in NEVER and (delayed or passing or (why is Reason.HOST_UNKNOWN and wording.may_pass(words))):
        why = Reason.NETWORK if why is Reason.HOST_UNKNOWN else Reason.OTHER
    return Verdict(BounceKind.HARD if why in NEVER else BounceKind.SOFT, why, _shown(codes), delayed)


def _before_recipients(*told: str) -> bool:
    """Tell whether a reply came before any recipient was named, by the first text that tells of a command at all."""
    for text in told:
        if _OF_A_RECIPIENT.search(text[:_LONGEST]):
            return False
        if _OF_NO_RECIPIENT.search(text[:_LONGEST]):
            return True
    return False


def _statuses(text: str) -> list[str]:
    return [".".join(found.groups()) for found in _STATUS.finditer(text[:_LONGEST])]


def _generic(status: str) -> bool:
    """Tell whether a status says hardly more than its first digit."""
    _, subject, detail = status.split(".")
    return (detail == "0" and subject not in {"1", "7"}) or (subject, detail) == ("0", "350")


def _shown(codes: list[str]) -> str | None:
    """Give the status to report: the first that says something, of failures if there are any."""
    failures = [code for code in codes if not code.startswith("2")]
    return next((code for code in failures if not _generic(code)), next(iter(failures or codes), None))


def _special(words: str, codes: list[str]) -> Reason | None:
    """Give why where a status says more than the words that stand with it, or says it only with them."""
    if any(code[1:] in _OF_THE_SENDER for code in codes):
        return Reason.SENDER
    if any(code.startswith("5.") for code in codes) and _DENIED.search(words):
        return Reason.USER_UNKNOWN
    return None


def _by_codes(codes: list[str], said: str) -> Reason | None:
    for code in codes:
        _, subject, detail = (int(part) for part in code.split("."))
        found = None if _generic(code) else _BY_STATUS.get((subject, detail), _BY_SUBJECT.get(subject))
        if found is not None:
            return found
    return _BY_CODE.get(_code(said)) if all(map(_generic, codes)) else None


def _passing(codes: list[str], said: str) -> bool:
    return (_shown(codes) or _code(said)).startswith("4")


def _code(said: str) -> str:
    found = _CODE.search(said[:_LONGEST])
    return found[1] if found else ""
