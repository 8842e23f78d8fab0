"""Who was not reached, from explanations that were written for people: qmail, Exim, sendmail, Domino and the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from newsletter.delivery.bounces import addresses, wording
from newsletter.delivery.bounces.mail import Part
from newsletter.delivery.bounces.report import Failure
from newsletter.delivery.bounces.verdict import decide

_MOST_LINES = 1500
_LONGEST_LINE = 1000
_MOST_RECIPIENTS = 100

# Where the returned message begins in a notice that is one text.
_COPY_BEGINS = re.compile(
    r"[ \t>]*(?:-{2,}|={3,}|_{3,}|\*{3,})? ?(?:below (?:this line )?(?:is|are)|this is (?:a|the) copy|"
    r"(?:the )?original (?:message|mail)(?: (?:follows|headers?|text|starts))|unsent message|returned message|"
    r"copy of (?:the |your )?(?:original )?message|message header|the (?:header|first|text|body|following is)|"
    r"start of (?:returned|message)|start of forwarded|your original message|included is a copy|enclosed is|"
    r"original message|ursprüngliche nachricht|message follows|undelivered message|forwarded message|received message|"
    r"attached (?:file|is)|header of|rejected message)[^\n]{0,120}$",
    re.IGNORECASE | re.MULTILINE,
)
_HEADERS_BEGIN = re.compile(
    r"^(?:Received: |Return-Path: |X-[\w-]+: |DKIM-Signature: |Message-I[Dd]: |MIME-Version: )", re.MULTILINE
)

_ALONE = re.compile(r"^[\s>*•-]*(?:[<\"]?[^\s<>\"]{1,64}@[^\s<>:\"]{1,255}[>\"]?)[:;.,)]*\s*(?:\([^)]{0,200}\))?[:.]*$")
_LEADING = re.compile(r"^\s*(?:\d{1,3}[.)]\s+)?<[^\s<>]{1,64}@[^\s<>]{1,255}>\s*(?::|\.\.\.|,|\(|-|;|\s{2,}|$)")
# `ada@lab.example; Failed; 4.2.2 (mailbox full)`, as Critical Path and its heirs put it.
_OUTCOME = re.compile(
    r"^\s*[^\s<>:,;()]{1,64}@[^\s<>:,;()]{1,253};\s*(?:action:\s*)?(?:failed|delayed)\b", re.IGNORECASE
)
_PARAGRAPH = re.compile(r"^\s*<[^\s<>]{1,64}@[^\s<>]{1,255}>:")
_BARE_LEADING = re.compile(r"^\s*[^\s<>:,;()]{1,64}@[^\s<>:,;()]{1,253}\s*(?::|\.\.\.|\s-\s|\(|,|;|\s{2,})")
_LABELLED = re.compile(
    r"^[\s>*]*(?:(?:final|original|failed|intended|invalid|bad|rejected|undelivered)[- ]?)?(?:recipients?|addresse?s?|"
    r"rcpt|addressee|user|e-?mail(?: address)?|destinataires?|destinatarios?|destinatari[oa]?|empfänger(?:adresse)?|"
    r"to|an|à|para|宛先|收件人|"
    r"получатель)(?:\(?s?\)?)(?: address(?:es)?)?[ \t]*(?:\[\d+\])?[ \t]*[:=：][ \t]*(?:rfc822;)?[ \t]*\S*@",
    re.IGNORECASE,
)
# A line after which the recipients stand. What names addresses above it tells of the message: "To: the-list@…".
_HEADING = re.compile(
    r"(?:did not reach|not (?:be )?(?:delivered|sent)|undeliverable|unable to deliver|did not receive|errors?|failed|"
    r"delay\w*|rejected)[^.@]{0,60}\b(?:following|these)?[^.@]{0,30}(?:recipients?|address\w*|users?|to)\b"
    r"(?:\(\w{1,3}\))?[^.@\w]{0,12}$|following (?:recipients?|address\w*)[^.@]{0,60}:?$",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\brcpt\s+to:?\s*<?\S{1,64}@", re.IGNORECASE)
_REPLY = re.compile(r"(?:^|\D)[45][0-5]\d(?:[ -]|\b)")
_REFUSED = re.compile(
    r"deliver|recipient|user|mailbox|address|account|unknown|sent to|reach|reject|refus|fail|quota|exist|not found|"
    r"empf|destin|zustell|remis|entreg|consegn|доставл|получател|宛|送信|配信|投递|收件",
    re.IGNORECASE,
)
# Lines that name others: whom to ask, who sent it, which server it was.
_ABOUT_OTHERS = re.compile(
    r"^[\s>*]*(?:from|sender|return-path|reply-to|message-id|x-[\w-]+|received|subject|date|cc|references|in-reply-to|"
    r"content-\w+|von|de|remitente|expéditeur|mail from|envelope-from|reporting-mta|list-[\w-]+|dkim-signature|"
    r"errors-to)\s*:|<<<|mail from|\b(?:contact|assistance|questions?|help ?desk)\b(?![\w.+-]*@)|send (?:mail|"
    r"e-?mail) to\b.{0,30}(?:postmaster|help)|\bvon Ihnen\b|message[- ]?id\b|\bfrom:? <?\S+@\S+>?\s*(?:to|\.|$)",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"^(?:mailer-daemon|postmaster|abuse|helpdesk|help|support|hostmaster|webmaster|noc|root|double-bounce|no-?reply)@",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"\bwarning\b.{0,60}\b(?:could not|delayed|only)|\bnot yet been delivered|has not been delivered yet|"
    r"delivery (?:is |has been |was )?delayed|delayed \d|\bstill (?:being |trying|in the queue|queued)|"
    r"will (?:continue|keep|be) (?:to |on )?(?:try|retr|attempt)|do not need to (?:resend|send|do)|"
    r"no action is required|delivery (?:attempts )?will (?:continue|be)|keep trying|noch nicht zugestellt|verzögert|"
    r"\bretries? for\b|tentativ\w+ (?:se|ser)",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"giv(?:en|ing) up|permanent|will not (?:be )?(?:retr|try|attempt)|undeliverable|fatal|could not be delivered|"
    r"no further",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Notice:
    """An explanation for people, and the head of the message that it returns, where that follows in the same text."""

    text: str
    returned: str = ""


def notice(mail: Part, leaves: Sequence[Part]) -> Notice:
    """Give the explanation in a mail: its plain texts, else its HTML, up to where the returned message begins."""
    plain = [
        leaf.text for leaf in leaves if leaf.kind in {"text/plain", "text", ""} or leaf.kind.startswith("multipart/")
    ]
    if not any(text.strip() for text in plain):
        plain = [leaf.text for leaf in leaves if leaf.kind == "text/html"]
    lines = "\n".join(plain).split("\n")[:_MOST_LINES]
    ends = [place for place, line in enumerate(lines) if _COPY_BEGINS.match(line[:200]) or _HEADERS_BEGIN.match(line)]
    named = "x-failed-recipients" in mail.headers
    # A line of which nothing stands above was no end: "Original message: undeliverable to …".
    end = next((end for end in ends if named or any("@" in line for line in lines[:end])), next(iter(ends), len(lines)))
    return Notice("\n".join(lines[:end]), "\n".join(lines[end:]))


def is_delay(subject: str, text: str) -> bool:
    """Tell whether a notice only warns that a message takes its time."""
    said = f"{subject}\n{text[:4000]}"
    return bool(_DELAYED.search(said)) and not _GIVEN_UP.search(said)


def failures(text: str, *, ours: frozenset[str], named: Sequence[str] = (), delayed: bool = False) -> list[Failure]:
    """Give who was not reached, by a notice, and why. `ours`: addresses (folded) that are not them.

    `named`: whom a header of the notice names already. Without it the kinds of lines that name recipients are looked
    for in the order of what they are worth, and the first kind that is there decides.
    """
    lines = [line[:_LONGEST_LINE] for line in text.split("\n")[:_MOST_LINES]]
    found = _below_a_heading(
        lines, {place: who for place, line in enumerate(lines) if (who := _candidates(line, ours))}
    )
    if named:
        wanted = {one.casefold() for one in named}
        places = {place: who for place, who in found.items() if wanted & {one.casefold() for one in who}}
        recipients: tuple[str, ...] = tuple(named)
    else:
        places = next((some for kind in _KINDS_OF_LINES if (some := _of_kind(kind, lines, found))), {})
        recipients = addresses.distinct(one for who in places.values() for one in who)
    action = "delayed" if delayed else ""
    whole = "\n".join(lines)
    if len(recipients) <= 1:
        verdict = decide(spoken_in(lines), action=action, around=whole, session=whole)
        return [Failure(one, verdict) for one in recipients]
    return [
        Failure(one, decide(_said_of(one, lines, places), action=action, around=whole))
        for one in recipients[:_MOST_RECIPIENTS]
    ]


def heads_of_paragraphs(text: str) -> tuple[str, ...]:
    """Give whom a notice names in the surest form, `<ada@lab.example>:`, whoever that is."""
    lines = [line[:_LONGEST_LINE] for line in text.split("\n")[:_MOST_LINES]]
    return addresses.distinct(one for line in lines if _PARAGRAPH.match(line) for one in _candidates(line, frozenset()))


def spoken_in(lines: Sequence[str]) -> str:
    """Give the lines of a notice in which a server speaks; the rest is politeness."""
    spoken = [place for place, line in enumerate(lines) if _REPLY.search(line) and _telling(line)]
    chosen = sorted({near for place in spoken for near in (place, place + 1, place + 2) if near < len(lines)})
    return "\n".join(lines[place] for place in chosen)


def _telling(line: str) -> bool:
    return (
        "@" in line or bool(wording.reason(wording.plain(line))) or bool(re.search(r"[45][0-5]\d[ -]+#?[45]\.\d", line))
    )


def _candidates(line: str, ours: frozenset[str]) -> tuple[str, ...]:
    if "@" not in line or _ABOUT_OTHERS.search(line):
        return ()
    return tuple(one for one in addresses.all_in(line) if one.casefold() not in ours and not _NOBODY.match(one))


def has_a_heading(text: str, ours: frozenset[str]) -> bool:
    """Tell whether a notice says "the following were not reached", with addresses below it."""
    lines = [line[:_LONGEST_LINE] for line in text.split("\n")[:_MOST_LINES]]
    found = {place for place, line in enumerate(lines) if _candidates(line, ours)}
    return any(_heads(place, line, found) for place, line in enumerate(lines))


def _heads(place: int, line: str, found: Collection[int]) -> bool:
    return bool(_HEADING.search(line[:200])) and any(near in found for near in range(place + 1, place + 5))


def _below_a_heading(lines: Sequence[str], found: dict[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
    """Leave out what stands above the line that says who was not reached, where addresses follow it soon."""
    for place, line in enumerate(lines):
        if _heads(place, line, found):
            return {at: who for at, who in found.items() if at > place}
    return found


def _of_kind(
    kind: Callable[[str], object], lines: Sequence[str], found: dict[int, tuple[str, ...]]
) -> dict[int, tuple[str, ...]]:
    return {place: who for place, who in found.items() if kind(lines[place])}


def _said_of(recipient: str, lines: Sequence[str], places: dict[int, tuple[str, ...]]) -> str:
    """Give what a notice says of one of several: from the line that names them to the one that names another."""
    mine = [place for place, who in places.items() if recipient in who]
    if not mine:
        return ""
    others = [place for place, who in places.items() if place > mine[0] and recipient not in who]
    return "\n".join(lines[mine[0] : min(others, default=mine[0] + 12)])


_KINDS_OF_LINES: tuple[Callable[[str], object], ...] = (
    _OUTCOME.match,
    _LABELLED.match,
    _LEADING.match,
    _ALONE.match,
    _COMMAND.search,
    _BARE_LEADING.match,
    lambda line: _REPLY.search(line) is not None,
    _REFUSED.search,
    lambda line: True,
)
