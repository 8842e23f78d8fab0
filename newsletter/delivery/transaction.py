"""One message to one recipient: an SMTP transaction, phase by phase (RFC 5321, section 3.3).

The phases are driven by hand because the place where things go wrong decides what may be done about it. Until the
line with the final dot is written nothing can have been taken; from then until the reply is read nobody can know
(RFC 1047). Where the server offers PIPELINING (RFC 2920), MAIL, RCPT and DATA go out in one write.
"""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass
from enum import Enum, auto

from newsletter.delivery.addresses import envelope_mailbox
from newsletter.delivery.transport import one_line
from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Message, Outcome

_OK = 250
_GO_AHEAD = 354
_LOST = 0  # no server's code: the connection ended before the reply
_CLOSING = 421
# 530 Authentication required, or Must issue STARTTLS first; 538 Encryption required (RFC 4954, RFC 3207).
_LOGIN_WANTED = frozenset({530, 538})
_ENHANCED_STATUS = re.compile(r"5\.(?P<subject>\d{1,3})\.(?P<detail>\d{1,3})\b")
# Faults that are listed under "address" and "mailbox" but do not make the recipient's address a bad one: the sender's
# address (many servers name it only at RCPT), a full mailbox, a message too long for it, a list that did not expand.
_PASSING_FAULTS = frozenset({("1", "7"), ("1", "8"), ("2", "2"), ("2", "3"), ("2", "4")})
_NO_XCHAR = re.compile(r"[^!-~]|[+=]")
# What a server says to a parameter that it does not know, and those that we can do without.
_NO_SUCH_PARAMETER = frozenset({501, 504, 555})
_OPTIONAL = ("dsn", "size")
# Replies about the command or about us, whatever the recipient: RFC 5321, section 4.2.3, and RFC 4954.
_NOT_THE_RECIPIENT = frozenset({500, 502, 503, 504, 535, 555})


class NotBegunError(Exception):
    """The connection was gone before MAIL was answered: nothing was sent, so another connection may be tried."""


class _NotMeantError(Exception):
    """The server refuses a parameter that it offered to take."""


class _UnsendableError(Exception):
    """The message cannot be sent to this server as it is."""


class _Phase(Enum):
    MAIL = auto()
    RCPT = auto()
    DATA = auto()


@dataclass(frozen=True, slots=True)
class _Reply:
    code: int
    text: str

    @classmethod
    def read(cls, client: smtplib.SMTP) -> _Reply:
        """Read a reply; the connection is closed where the server says that it closes it."""
        code, text = client.getreply()
        if code == _CLOSING:
            client.close()
        return cls(code, text.decode("utf-8", "replace"))

    def __str__(self) -> str:
        return one_line(self.text if self.code == _LOST else f"{self.code} {self.text}")

    @property
    def kind(self) -> int:
        """The first digit, which says how things stand: RFC 5321, section 4.2.1."""
        return self.code // 100


def transact(client: smtplib.SMTP, message: Message, *, where: str, patience: float) -> Outcome:
    """Send one message and say what became of it; the connection is ready for the next one, or closed.

    `where` names the server in errors; `patience` is how many seconds the reply to the final dot may take. Raises
    NotBegunError, and TransportError where the server wants a login first.
    """
    try:
        outcome = _sent(client, message, where, patience)
    except _NotMeantError as refusal:
        for name in _OPTIONAL:
            client.esmtp_features.pop(name, None)
        _reset(client)
        if client.sock is None:
            raise NotBegunError(str(refusal)) from refusal
        outcome = _sent(client, message, where, patience)
    if outcome.state is not DeliveryState.SENT:
        _reset(client)
    return outcome


def _sent(client: smtplib.SMTP, message: Message, where: str, patience: float) -> Outcome:
    try:
        commands = _commands(client, message)
    except _UnsendableError as reason:
        return Outcome(DeliveryState.FAILED, one_line(f"not sent: {reason}"))
    return _announce(client, commands, where) or _hand_over(client, message, patience)


def _commands(client: smtplib.SMTP, message: Message) -> dict[_Phase, bytes]:
    """Give the three commands before the text, or raise _UnsendableError."""
    data = message.data
    if not message.sound and not data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n"):
        # RFC 5321, section 2.3.8. Servers that mend it can be made to see a second message ("SMTP smuggling").
        raise _UnsendableError("the message holds a CR or LF that is not part of a CRLF")
    try:
        sender = envelope_mailbox(message.envelope_sender) if message.envelope_sender else ""
        recipient = envelope_mailbox(message.recipient)
    except ValueError as error:
        raise _UnsendableError(f"{message.recipient!r} from {message.envelope_sender!r}: {error}") from error
    parameters = [f"SIZE={len(data)}"] if client.has_extn("size") else []
    header = data if data.isascii() else data.partition(b"\r\n\r\n")[0]
    if not (header.isascii() and sender.isascii() and recipient.isascii()):
        if not client.has_extn("smtputf8"):
            raise _UnsendableError("it needs SMTPUTF8 (RFC 6531), which the server does not offer")
        parameters.append("SMTPUTF8")
    if not data.isascii():
        if not client.has_extn("8bitmime"):
            raise _UnsendableError("it needs 8BITMIME (RFC 6152), which the server does not offer")
        parameters.append("BODY=8BITMIME")
    notify: list[str] = []
    if client.has_extn("dsn"):
        # RFC 3461: of failures only, with the headers and not the whole mail; and named as we know the recipient,
        # whatever aliases it went through. A null sender is told nothing (section 4.3 of RFC 5321).
        parameters.append("RET=HDRS")
        notify = ["NOTIFY=FAILURE" if sender else "NOTIFY=NEVER"]
        if recipient.isascii():
            notify.append(f"ORCPT=rfc822;{_xtext(recipient)}")
    mail = " ".join((f"MAIL FROM:<{sender}>", *parameters))
    rcpt = " ".join((f"RCPT TO:<{recipient}>", *notify))
    return {
        _Phase.MAIL: f"{mail}\r\n".encode(),
        _Phase.RCPT: f"{rcpt}\r\n".encode(),
        _Phase.DATA: b"DATA\r\n",
    }


def _xtext(text: str) -> str:
    """Give ASCII text as an ESMTP parameter may hold it: RFC 3461, section 4."""
    return _NO_XCHAR.sub(lambda found: f"+{ord(found[0]):02X}", text)


def _announce(client: smtplib.SMTP, commands: dict[_Phase, bytes], where: str) -> Outcome | None:
    """Say MAIL, RCPT and DATA. Gives None when the server waits for the text, else what became of the message."""
    replies = _ask(client, commands)
    refused = next((item for item in replies.items() if not _accepted(*item)), None)
    if refused is None:
        return None
    if _Phase.DATA in replies and replies[_Phase.DATA].code == _GO_AHEAD:
        client.close()  # It refused the recipient and waits for a text all the same; it gets none.
    _, reply = refused
    if reply.code in _NO_SUCH_PARAMETER and client.sock is not None and any(map(client.has_extn, _OPTIONAL)):
        raise _NotMeantError(str(reply))
    return _refusal(client, *refused, where)


def _ask(client: smtplib.SMTP, commands: dict[_Phase, bytes]) -> dict[_Phase, _Reply]:
    """Give the replies to the commands, up to the first refusal or, where all went out at once, all of them."""
    replies: dict[_Phase, _Reply] = {}
    pipelining = client.has_extn("pipelining")
    if pipelining:  # the first write carries all three, the other two are only waited for
        commands = {_Phase.MAIL: b"".join(commands.values()), _Phase.RCPT: b"", _Phase.DATA: b""}
    for phase, command in commands.items():
        try:
            if command:
                client.send(command)
            replies[phase] = _Reply.read(client)
        except smtplib.SMTPException as error:
            client.close()
            replies[phase] = _Reply(_LOST, _lost(error))
        if client.sock is None or not (pipelining or _accepted(phase, replies[phase])):
            break
    return replies


def _accepted(phase: _Phase, reply: _Reply) -> bool:
    return reply.code == _GO_AHEAD if phase is _Phase.DATA else reply.kind == 2


def _refusal(client: smtplib.SMTP, phase: _Phase, reply: _Reply, where: str) -> Outcome:
    """Say what a reply before the text means for the message."""
    if phase is _Phase.MAIL and reply.code in {_LOST, _CLOSING}:
        raise NotBegunError(str(reply))
    if reply.code in _LOGIN_WANTED:
        raise TransportError(
            f"{where} takes no mail from us: {reply}",
            hint="set smtp.username and smtp.password, and smtp.security to starttls or tls",
        )
    match reply.kind:
        case 4:
            return Outcome(DeliveryState.DEFERRED, str(reply))
        case 5 if phase is _Phase.RCPT and _blames_recipient(reply):
            return Outcome(DeliveryState.BOUNCED, str(reply))
        case 5:
            return Outcome(DeliveryState.FAILED, str(reply))
        case 0:
            return Outcome(DeliveryState.DEFERRED, str(reply))
        case _:
            client.close()  # whatever that was, we are out of step with it
            return Outcome(DeliveryState.DEFERRED, one_line(f"unexpected reply to {phase.name}: {reply}"))


def _blames_recipient(reply: _Reply) -> bool:
    """Tell whether a 5xx at RCPT is about the address, and not about us, the network or a full mailbox.

    A relay that refuses us ("554 5.7.1 Relay access denied") must not cost every subscriber their subscription. The
    enhanced status decides where there is one (RFC 3463, section 3): subject 1 is the address, 2 the mailbox.
    """
    status = _ENHANCED_STATUS.match(reply.text)
    if status is None:
        return reply.code not in _NOT_THE_RECIPIENT
    return status["subject"] in {"0", "1", "2"} and status.groups() not in _PASSING_FAULTS


def _hand_over(client: smtplib.SMTP, message: Message, patience: float) -> Outcome:
    """Write the text and read what the server says to it."""
    try:
        client.send(message.data + b".\r\n" if message.sound else _stuffed(message.data))
    except smtplib.SMTPException as error:
        # Writing gives up only while bytes are left, and the dot stands last: the server has not seen the end.
        client.close()
        return Outcome(DeliveryState.DEFERRED, _lost(error))
    try:
        reply = _patiently_read(client, patience)
    except smtplib.SMTPException as error:
        client.close()
        return Outcome(DeliveryState.UNCERTAIN, _lost(error))
    match reply.kind:
        case 2:
            return Outcome(DeliveryState.SENT, str(reply))
        case 4:
            return Outcome(DeliveryState.DEFERRED, str(reply))
        case 5:
            return Outcome(DeliveryState.FAILED, str(reply))
        case _:
            client.close()
            return Outcome(DeliveryState.UNCERTAIN, one_line(f"unexpected reply to the message: {reply}"))


def _stuffed(data: bytes) -> bytes:
    """Give the text as it goes over the wire: a dot more before lines that begin with one, and the final dot.

    RFC 5321, section 4.5.2.
    """
    first = b"." if data.startswith(b".") else b""
    last = b"" if data.endswith(b"\r\n") or not data else b"\r\n"
    return b"".join((first, data.replace(b"\r\n.", b"\r\n.."), last, b".\r\n"))


def _patiently_read(client: smtplib.SMTP, patience: float) -> _Reply:
    """Read the reply to the final dot, which a server gives only after it has filed or filtered the message."""
    if client.sock is None:
        raise smtplib.SMTPServerDisconnected("not connected")
    usual = client.sock.gettimeout()
    client.sock.settimeout(patience)
    reply = _Reply.read(client)
    if client.sock is not None:
        client.sock.settimeout(usual)
    return reply


def _reset(client: smtplib.SMTP) -> None:
    """Clear a transaction that was refused, or close a connection on which that is not possible."""
    if client.sock is None:
        return
    try:
        code, _ = client.rset()
    except smtplib.SMTPException:
        code = _LOST
    if code != _OK:
        client.close()


def _lost(error: smtplib.SMTPException) -> str:
    """Say how a connection ended. smtplib keeps the socket's own word only as the context of its error."""
    cause = error.__context__ if isinstance(error.__context__, OSError) else error
    return one_line(f"connection lost: {cause}")
