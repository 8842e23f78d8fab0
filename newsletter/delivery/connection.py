"""An SMTP connection that is ready for mail: connected, greeted, encrypted and logged in as the settings say.

Nothing is ever less secure than what is set. Certificates are verified; where TLS fails or STARTTLS is not offered,
there is no connection (RFC 8314, RFC 3207), and a password never crosses a network in the clear.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl

from newsletter.config import Relay, SmtpSecurity
from newsletter.delivery.transport import one_line
from newsletter.errors import TransportError

_READY = 220
_PERMANENT = 500


class ConnectError(TransportError):
    """There is no connection. `temporary` tells whether the same may go well in a moment."""

    def __init__(self, message: str, *, hint: str, temporary: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.temporary = temporary


def tls_context(settings: Relay) -> ssl.SSLContext:
    """Give the rules for TLS: today's protocols, verified certificates, the host's name in them.

    `smtp.ca_file` takes the place of the authorities that the machine trusts.
    """
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # a missing file, or ssl.SSLError for one without certificates
        raise ConnectError(
            f"cannot read certificates from {settings.ca_file}: {error.strerror or error}",
            hint="smtp.ca_file must name a file of CA certificates in PEM form",
        ) from error


def connect(settings: Relay, context: ssl.SSLContext, ehlo_name: str | None) -> smtplib.SMTP:
    """Give a connection that MAIL can be said on. `ehlo_name` is None for this machine's own name."""
    client = _call(settings, context, ehlo_name)
    try:
        _greet(client, settings, context)
        if settings.username:
            log_in(client, settings)
    except BaseException:
        client.close()
        raise
    return client


def where(settings: Relay) -> str:
    """Give the server as messages name it."""
    return f"{settings.host}:{settings.port}"


def _call(settings: Relay, context: ssl.SSLContext, ehlo_name: str | None) -> smtplib.SMTP:
    """Connect and read the greeting."""
    try:
        if settings.security == SmtpSecurity.TLS:
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, ehlo_name, timeout=settings.timeout, context=context
            )
        else:
            client = smtplib.SMTP(settings.host, settings.port, ehlo_name, timeout=settings.timeout)
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that IDNA does not allow
        raise _explained(error, settings, "cannot connect to") from error
    if client.sock is not None:
        # We write whole messages and then wait for an answer: there is nothing to gather (RFC 1122, 4.2.3.4).
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _greet(client: smtplib.SMTP, settings: Relay, context: ssl.SSLContext) -> None:
    """Say EHLO and, where it is set, STARTTLS and EHLO again: what was offered before TLS counts for nothing."""
    try:
        client.ehlo_or_helo_if_needed()
        if settings.security == SmtpSecurity.STARTTLS:
            if not client.has_extn("starttls"):
                raise ConnectError(
                    f"{where(settings)} does not offer STARTTLS, so nothing was sent",
                    hint="use the port that does (587 as a rule), or set smtp.security to what the server speaks",
                )
            code, text = client.starttls(context=context)
            if code != _READY:  # newer versions of smtplib raise, older ones return the refusal
                raise smtplib.SMTPResponseException(code, text)
            client.ehlo_or_helo_if_needed()
    except OSError as error:
        raise _explained(error, settings, "cannot begin with") from error


def log_in(client: smtplib.SMTP, settings: Relay) -> None:
    """Log in, but never where the password could be read on the way."""
    if settings.security == SmtpSecurity.NONE and not on_this_machine(client):
        raise ConnectError(
            f"will not send the password to {where(settings)} over a connection without encryption",
            hint="set smtp.security to starttls or tls, or remove smtp.username",
        )
    if not client.has_extn("auth"):
        raise ConnectError(
            f"{where(settings)} takes no login on this connection",
            hint="remove smtp.username, or use the port and smtp.security that the server wants logins on",
        )
    try:
        client.login(settings.username, settings.password.get_secret_value())
    except UnicodeError as error:
        raise ConnectError(
            f"cannot log in to {where(settings)}: smtp.username or smtp.password holds a character outside ASCII",
            hint="choose a password of ASCII characters",
        ) from error
    except OSError as error:
        raise _explained(error, settings, "cannot log in to") from error


def on_this_machine(client: smtplib.SMTP) -> bool:
    """Tell by the address that answered, not by the name that was asked for."""
    if client.sock is None:
        return False
    peer = client.sock.getpeername()
    return isinstance(peer, tuple) and ipaddress.ip_address(peer[0].partition("%")[0]).is_loopback


def _explained(error: OSError | UnicodeError, settings: Relay, what: str) -> ConnectError:
    """Say what happened and what to do about it. smtplib's own errors are OSErrors too, so the order matters."""
    if isinstance(error, ConnectError):
        return error
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
        error = error.__context__  # smtplib's word for whatever the socket said
    message, hint, temporary = _diagnosis(error, settings)
    return ConnectError(f"{what} {where(settings)}: {one_line(message)}", hint=hint, temporary=temporary)


def _diagnosis(error: OSError | UnicodeError, settings: Relay) -> tuple[str, str, bool]:
    encryption = f"smtp.security is {settings.security}: tls as a rule goes with port 465, starttls with 587"
    message, hint, temporary = str(error), "check smtp.host and smtp.port, and that the server runs", True
    match error:
        case ssl.SSLCertVerificationError():
            message = f"its certificate cannot be trusted: {error.verify_message}"
            hint = "set smtp.host to the name in the certificate; for a CA of your own set smtp.ca_file"
            temporary = False
        case ssl.SSLError():
            message, hint, temporary = f"TLS failed: {error.reason or error}", encryption, False
        case smtplib.SMTPAuthenticationError():
            hint = "check smtp.username and smtp.password"
            message, temporary = _reply(error), error.smtp_code < _PERMANENT
        case smtplib.SMTPResponseException():
            hint = f"the server's operator knows why it says so; {encryption}"
            message, temporary = _reply(error), error.smtp_code < _PERMANENT
        case TimeoutError():
            # Not "temporary": it has had its time, and the wrong smtp.security shows just like this.
            message, hint, temporary = f"no answer within {settings.timeout:g} s", f"{hint}; {encryption}", False
        case smtplib.SMTPServerDisconnected():
            hint = f"{hint}; {encryption}"
        case smtplib.SMTPException() | UnicodeError():
            temporary = False
        case socket.gaierror():
            message, hint = f"{error.strerror}", "check smtp.host"
            temporary = error.errno == socket.EAI_AGAIN
    return message, hint, temporary


def _reply(error: smtplib.SMTPResponseException) -> str:
    text = error.smtp_error
    return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
