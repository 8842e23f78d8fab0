"""Messages handed to Amazon SES by its API (v2, SendEmail with the raw message).

As with SMTP, the place where things go wrong decides: a request that was not written whole was not carried out; one
that was, and got no answer or the answer that something broke inside, may have been.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from newsletter.delivery.sigv4 import Credentials, signed
from newsletter.delivery.transport import one_line
from newsletter.errors import TransportError
from newsletter.model import DeliveryState, Message, Outcome

_SEND, _ACCOUNT = "/v2/email/outbound-emails", "/v2/email/account"
# How many seconds are waited where SES says that it is too fast, before the message is put off.
WAITS = (0.5, 1.0, 2.0)
_IDLE = 4.0  # seconds that a connection is kept: one that the server has closed costs a message its certainty
# Faults of the account or of our settings: no other message will fare better.
_OURS = frozenset(
    {
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
        "AccessDeniedException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationTokenException",
        "ExpiredTokenException",
    }
)
_NOT_WRITTEN = (httpx.WriteError, httpx.WriteTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class SesAccount:
    """Where SES is asked, as whom; `configuration_set` says there what becomes of bounces."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    configuration_set: str = ""
    timeout: float = 60.0

    @property
    def url(self) -> str:
        """The address that paths are put behind."""
        return self.endpoint or f"https://email.{self.region}.amazonaws.com"

    def headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """Give the headers of a request, signed now."""
        who = Credentials(self.access_key_id, self.secret_access_key, self.region, "ses", self.session_token)
        kind = {"content-type": "application/json"}
        return signed(who, method, self.url + path, body, kind, now=datetime.now(UTC))


class SesSession:
    """One connection, for one thread."""

    def __init__(self, account: SesAccount, client: httpx.Client, waits: Sequence[float]) -> None:
        self._account = account
        self._client = client
        self._waits = waits

    def deliver(self, message: Message) -> Outcome:
        """Post one message and say what became of it. Raises TransportError where SES takes nothing of ours."""
        body = _request(self._account, message)
        for wait in self._waits:
            outcome = self._attempt(body)
            if not outcome.response.startswith("429 "):
                return outcome
            time.sleep(wait)
        return self._attempt(body)

    def _attempt(self, body: bytes) -> Outcome:
        try:
            headers = self._account.headers("POST", _SEND, body)
            answer = self._client.post(self._account.url + _SEND, content=body, headers=headers)
        except _NOT_WRITTEN as error:
            return Outcome(DeliveryState.DEFERRED, one_line(f"the request could not be written: {error}"))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _unreachable(self._account, error) from error
        except httpx.TransportError as error:  # written whole, and no answer
            return Outcome(DeliveryState.UNCERTAIN, one_line(f"no answer: {type(error).__name__} {error}"))
        return _outcome(answer)


class SesTransport:
    """Amazon SES with the account of the settings."""

    def __init__(self, account: SesAccount, *, waits: Sequence[float] = WAITS) -> None:
        self._account = account
        self._waits = waits

    @contextmanager
    def session(self) -> Iterator[SesSession]:
        """Give a session; it connects when the first message goes."""
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE)
        with httpx.Client(timeout=self._account.timeout, limits=limits, follow_redirects=False) as client:
            yield SesSession(self._account, client, self._waits)

    def may_send(self) -> bool:
        """Ask SES whether the account may send at all. Raises TransportError where it does not know us."""
        headers = self._account.headers("GET", _ACCOUNT, b"")
        try:
            answer = httpx.get(self._account.url + _ACCOUNT, headers=headers, timeout=self._account.timeout)
        except httpx.TransportError as error:
            raise _unreachable(self._account, error) from error
        if answer.status_code != httpx.codes.OK:
            raise _unknown(one_line(f"{answer.status_code} {' '.join(_reason(answer))}"))
        return bool(answer.json().get("SendingEnabled"))


def _request(account: SesAccount, message: Message) -> bytes:
    """Give the body: the envelope sender is where SES reports bounces, and what its events call the source."""
    document = {
        "FromEmailAddress": message.envelope_sender,
        "Destination": {"ToAddresses": [message.recipient]},
        "Content": {"Raw": {"Data": base64.b64encode(message.data).decode("ascii")}},
    }
    if account.configuration_set:
        document["ConfigurationSetName"] = account.configuration_set
    return json.dumps(document).encode()


def _outcome(answer: httpx.Response) -> Outcome:
    name, said = _reason(answer)
    response = one_line(f"{answer.status_code} {name} {said}")
    if answer.status_code == httpx.codes.OK and said:
        return Outcome(DeliveryState.SENT, response)
    if name in _OURS or answer.status_code in {401, 403, 404}:
        raise _unknown(response)
    match answer.status_code:
        case 429 | 503:
            return Outcome(DeliveryState.DEFERRED, response)
        case 400 | 413 if name in {"LimitExceededException", "TooManyRequestsException", "ThrottlingException"}:
            return Outcome(DeliveryState.DEFERRED, one_line(f"429 {name} {said}"))
        case code if 400 <= code < 500:
            return Outcome(DeliveryState.FAILED, response)
        case _:
            return Outcome(DeliveryState.UNCERTAIN, response)


def _unreachable(account: SesAccount, error: Exception) -> TransportError:
    return TransportError(
        f"cannot connect to {account.url}: {error}", hint="check ses.region and that this machine may reach it"
    )


def _unknown(response: str) -> TransportError:
    return TransportError(
        f"Amazon SES takes no mail from us: {response}",
        hint="check ses.region, ses.access_key_id and ses.secret_access_key, and the account in Amazon's console",
    )


def _reason(answer: httpx.Response) -> tuple[str, str]:
    """Give the kind of an error, and what is said of it or, of a success, the name that SES gave the message."""
    try:
        document = json.loads(answer.content)
    except ValueError:
        document = {}
    document = document if isinstance(document, dict) else {}
    said = document.get("MessageId") or document.get("message") or document.get("Message") or ""
    return answer.headers.get("x-amzn-errortype", "").partition(":")[0], str(said)
